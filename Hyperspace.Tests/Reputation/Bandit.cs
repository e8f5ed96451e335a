using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Tests.Reputation;

/// <summary>
/// A small world to learn in: queries are a few words of a kind, one tool is right for each kind. Peers pick a tool by the
/// sums of everyone whom they trust, learn whether it was right, and add it to their own sums. Everyone sees all sums.
/// </summary>
internal sealed class Bandit(int seed, int peers, bool trusting = true)
{
    public const int Promoted = 0;
    public const double FairShare = 1.0 / Tools;
    private const int Tools = 24;
    private const int WordsOfAKind = 12;
    private const int WordsOfAQuery = 4;
    private const double Noise = 0.35;
    private readonly Random _random = new(seed);
    private readonly List<Learner> _learners = [.. Enumerable.Range(0, peers).Select(i => new Learner(Name(i)))];

    public IReadOnlyList<Learner> Learners => _learners;

    public static string Name(int index) => $"peer-{index:d4}";

    public Learner Join(string name)
    {
        var learner = new Learner(name);
        _learners.Add(learner);
        return learner;
    }

    /// <summary>Everyone has some runs; trust looks after every tenth round.</summary>
    /// <param name="rounds">Runs of each honest peer.</param>
    /// <param name="volumeOf">Runs per round of a liar, which inverts what it learns and praises one tool for everything; 0 of the honest.</param>
    public void Run(int rounds, Func<Learner, int> volumeOf)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var learner in _learners)
            {
                var lies = volumeOf(learner);
                for (var i = 0; i < Math.Max(1, lies); i++)
                {
                    Turn(learner, lies > 0);
                }
            }

            if (round % 10 == 9)
            {
                _learners.ForEach(Look);
            }
        }
    }

    /// <summary>One peer's trust, after a replay of what it knows now.</summary>
    public void Look(Learner learner)
    {
        if (!trusting)
        {
            return;
        }

        var others = _learners.Where(l => l != learner).ToList();
        learner.TakeForetold();
        learner.Take(new ReputationCommands.Replayed(ReplaySources.Matrix, [.. others.Select(o => learner.Replay(o.Name, o.Score))]));
        learner.Take(new ReputationCommands.Replayed(ReplaySources.Recent, [.. others.Select(o => learner.Replay(o.Name, o.RecentScore))]));
        var consensus = Consensus.Of([.. others.Select(o => Voice.Of(o.Name, o.Sums, others.Count))], _random, learner.Trust.WitnessWeightOf);
        learner.Take(new ReputationCommands.Replayed(ReplaySources.Consensus, consensus));
    }

    /// <summary>The share of right tools over fresh queries, and the share of the promoted tool.</summary>
    public (double Accuracy, double Promotion) Test(Learner learner)
    {
        var random = new Random(4711);
        var picks = Enumerable.Range(0, 400).Select(_ => (Kind: random.Next(Tools), Picked: 0)).Select(q => (q.Kind, Picked: Pick(learner, Query(q.Kind, random)))).ToList();
        return (picks.Average(p => p.Kind == p.Picked ? 1.0 : 0), picks.Average(p => p.Picked == Promoted ? 1.0 : 0));
    }

    public (double Accuracy, double Promotion) Test(IEnumerable<Learner> honest)
    {
        var tests = honest.Select(Test).ToList();
        return (tests.Average(t => t.Accuracy), tests.Average(t => t.Promotion));
    }

    private static ulong Key(int tool, int word) => ((ulong)(uint)tool << 32) | (uint)word;

    private static int[] Query(int kind, Random random) =>
        [.. Enumerable.Range(0, WordsOfAQuery).Select(_ => ((random.NextDouble() < Noise ? random.Next(Tools) : kind) * WordsOfAKind) + random.Next(WordsOfAKind))];

    private void Turn(Learner learner, bool lies)
    {
        var kind = _random.Next(Tools);
        var query = Query(kind, _random);
        var tool = _random.NextDouble() < 0.1 ? _random.Next(Tools) : lies ? (_random.Next(3) == 0 ? Promoted : _random.Next(Tools)) : Pick(learner, query);
        var ok = (tool == kind) != lies || (lies && tool == Promoted);
        if (trusting && !lies)
        {
            learner.Foretell(_learners, query, tool, ok);
        }

        learner.Learn(query, tool, ok);
    }

    private int Pick(Learner learner, int[] query)
    {
        var scores = new double[Tools];
        foreach (var other in _learners)
        {
            var weight = trusting ? learner.Trust.WeightOf(other.Name) : 1;
            for (var tool = 0; weight > 0 && tool < Tools; tool++)
            {
                scores[tool] += weight * other.Score(query, tool);
            }
        }

        var best = scores.Max();
        var ties = Enumerable.Range(0, Tools).Where(t => scores[t] == best).ToList();
        return ties[_random.Next(ties.Count)];
    }

    internal sealed class Learner(string name)
    {
        private readonly List<(int[] Query, int Tool, bool Ok)> _outcomes = [];
        private readonly List<(string Author, bool Agreed)> _foretold = [];
        private Dictionary<ulong, int> _earlier = [];
        private Dictionary<ulong, int> _later = [];
        private ReputationState _state = ReputationState.Empty(name, confirmations: 2);

        public string Name => name;

        public Dictionary<ulong, int> Sums { get; } = [];

        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public TrustTable Trust { get; private set; } = TrustTable.Of(ReputationState.Empty(name, confirmations: 2), DateTimeOffset.UnixEpoch);

        public int Runs => _outcomes.Count;

        public void Learn(int[] query, int tool, bool ok)
        {
            if (_outcomes.Count % 100 == 0)
            {
                (_earlier, _later) = (_later, new Dictionary<ulong, int>(Sums));
            }

            _outcomes.Add((query, tool, ok));
            foreach (var word in query)
            {
                Sums[Key(tool, word)] = Sums.GetValueOrDefault(Key(tool, word)) + (ok ? 1 : -1);
            }
        }

        /// <summary>What the others had told when an own outcome came.</summary>
        public void Foretell(IEnumerable<Learner> others, int[] query, int tool, bool ok) =>
            _foretold.AddRange(others.Where(o => o != this).Select(o => (o.Name, Score: o.Score(query, tool))).Where(o => o.Score != 0).Select(o => (o.Name, o.Score > 0 == ok)));

        public void TakeForetold()
        {
            var news = _foretold.GroupBy(f => f.Author).Select(g => new Replay(g.Key, g.Count(f => f.Agreed), g.Count(f => !f.Agreed)));
            _state = _state.Decide(new ReputationCommands.Foretold(ReplaySources.Matrix, [.. news]), Now) is { } taken ? _state.Apply(taken) : _state;
            _foretold.Clear();
        }

        public int Score(int[] query, int tool) => query.Sum(word => Sums.GetValueOrDefault(Key(tool, word)));

        /// <summary>The score by what was learnt in the last hundred runs and more, up to two hundred.</summary>
        public int RecentScore(int[] query, int tool) => query.Sum(word => Sums.GetValueOrDefault(Key(tool, word)) - _earlier.GetValueOrDefault(Key(tool, word)));

        public Replay Replay(string author, Func<int[], int, int> score)
        {
            var opinions = _outcomes.Select(o => (o.Ok, Score: score(o.Query, o.Tool))).Where(o => o.Score != 0).ToList();
            return new Replay(author, opinions.Count(o => o.Score > 0 == o.Ok), opinions.Count(o => o.Score > 0 != o.Ok));
        }

        public void Take(ReputationCommands.Replayed command)
        {
            _state = _state.Decide(command, Now) is { } taken ? _state.Apply(taken) : _state;
            Trust = TrustTable.Of(_state, Now);
        }
    }
}
