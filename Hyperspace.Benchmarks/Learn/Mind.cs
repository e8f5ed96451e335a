using System.Collections.Immutable;
using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>What a peer has learnt and whom it trusts, without actors, time and network: the pure parts of its matrix and reputation.</summary>
internal sealed class Mind
{
    private const int LooksThatAreLately = 6;
    private readonly Described _described;
    private readonly LearnedLeg _leg;
    private readonly bool _trusting;
    private readonly Random _random;
    private readonly Queue<Dictionary<(string Author, string Tool), OutcomeSums>> _earlier = new();
    private ReputationState _reputation;
    private OwnOutcomes _own = new();
    private readonly Dictionary<string, Tally> _foretold = new(StringComparer.Ordinal);
    private Func<string, double> _weightOf = _ => 1;
    private Fusion _fusion = Fusion.Untried;

    /// <param name="name">Its peer id.</param>
    /// <param name="described">What tools say of themselves.</param>
    /// <param name="trusting">False: everybody weighs as much as itself, whatever was replayed.</param>
    /// <param name="random">For what the rules leave to chance.</param>
    public Mind(string name, Described described, bool trusting, Random random)
    {
        Name = name;
        _described = described;
        _trusting = trusting;
        _random = random;
        _reputation = ReputationState.Empty(name, new Actors.Engine.LearningOptions().Confirmations);
        Trust = TrustTable.Of(_reputation, DateTimeOffset.UnixEpoch);
        _weightOf = trusting ? Trust.WeightOf : _ => 1;
        _leg = new LearnedLeg(Model, name, WeightOf);
    }

    public string Name { get; }

    public MatrixModel Model { get; } = new();

    public TrustTable Trust { get; private set; }

    public double WeightOf(string author) => _weightOf(author);

    /// <summary>The tool that it ranks first.</summary>
    public string? First(string query) => MatrixRanker.Order(Candidates(query), _fusion.Best(withEmbedder: false)) is [var first, ..] ? first.Capability : null;

    /// <summary>Learns an outcome of its own, after it was asked what it would have foretold.</summary>
    public void Learn(BanditRun run)
    {
        var terms = _described.Of(run.Query.Text).Terms;
        _fusion = _fusion.With(MatrixRanker.Ranks(Candidates(run.Query.Text), run.Tool, withEmbedder: false), run.Ok);
        var outcome = new OwnOutcome(run.Tool, [.. terms], run.Ok);
        Foretell(outcome);
        _own = _own.With(outcome);
        Tell(run);
    }

    /// <summary>Tells others of an outcome, whether it had that or not.</summary>
    public void Tell(BanditRun run) => Model.Record(Name, run.Tool, _described.Of(run.Query.Text).Terms, run.Ok);

    /// <summary>Takes in what another tells of its own outcomes.</summary>
    public void Hear(Mind other)
    {
        foreach (var (tool, sums) in other.Model.Of(other.Name))
        {
            if (!ReferenceEquals(sums, Model.Find(other.Name, tool)))
            {
                Model.Merge(other.Name, tool, sums);
            }
        }
    }

    /// <summary>Replays the others on its own outcomes, and weighs them anew.</summary>
    public void Look(DateTimeOffset now)
    {
        if (!_trusting)
        {
            return;
        }

        if (_reputation.Decide(new ReputationCommands.Foretold(ReplaySources.Matrix, [.. _foretold.Select(f => new Replay(f.Key, f.Value.For, f.Value.Against))]), now) is { } foretold)
        {
            _reputation = _reputation.Apply(foretold);
        }

        _foretold.Clear();
        Take(ReplaySources.Matrix, _own.Replay(Model, Name, _leg.Rarity), now);
        if (_earlier.Count == LooksThatAreLately)
        {
            Take(ReplaySources.Recent, _own.Replay(Since(_earlier.Dequeue()), Name, _leg.Rarity), now);
        }

        var others = Model.Authors.Where(a => a != Name).Order(StringComparer.Ordinal).ToList();
        Take(ReplaySources.Consensus, Consensus.Of(others.ConvertAll(a => Voice.Of(a, Opinions(a), others.Count)), _random, Trust.WitnessWeightOf), now);
        _earlier.Enqueue(Told());
        Trust = TrustTable.Of(_reputation, now);
        _weightOf = LentWeight.Shared(Model.Authors, Trust.WeightOf, Trust.EarnedBy);
        _leg.Weigh(WeightOf);
    }

    /// <summary>How good its ranking is.</summary>
    public Judgement Judge(ImmutableArray<LabelledQuery> queries) => Judgement.Of(queries, [.. queries.Select(q => First(q.Text))]);

    private void Foretell(OwnOutcome outcome)
    {
        foreach (var author in Model.Authors.Where(a => a != Name && _own.IsTelling(outcome)))
        {
            if (OwnOutcomes.Foretold(Model.Find(author, outcome.Capability), outcome.Terms.AsSpan(), _leg.Rarity) is { } good)
            {
                _foretold[author] = _foretold.GetValueOrDefault(author) + Tally.Of(good == outcome.Good);
            }
        }
    }

    private IReadOnlyList<Legs> Candidates(string query)
    {
        var described = _described.Of(query);
        return MatrixRanker.Join(described.Lexical, described.Alike, [], _leg.Rank(described.Terms));
    }

    private void Take(string source, IReadOnlyList<Replay> replays, DateTimeOffset now) =>
        _reputation = _reputation.Decide(new ReputationCommands.Replayed(source, replays), now) is { } taken ? _reputation.Apply(taken) : _reputation;

    private List<KeyValuePair<ulong, int>> Opinions(string author)
    {
        var opinions = new List<KeyValuePair<ulong, int>>();
        foreach (var (tool, sums) in Model.Of(author))
        {
            var key = (ulong)MatrixTerms.Hash(tool) << 32;
            for (var i = 0; i < sums.Terms.Length; i++)
            {
                opinions.Add(new KeyValuePair<ulong, int>(key | sums.Terms[i], (int)sums.GoodCounts[i] - (int)sums.BadCounts[i]));
            }
        }

        return opinions;
    }

    private Dictionary<(string Author, string Tool), OutcomeSums> Told() =>
        Model.Authors.Where(a => a != Name).SelectMany(a => Model.Of(a).Select(s => (Key: (a, s.Key), s.Value))).ToDictionary(static s => s.Key, static s => s.Value);

    private MatrixModel Since(Dictionary<(string Author, string Tool), OutcomeSums> earlier)
    {
        var news = new MatrixModel();
        foreach (var (key, sums) in Told())
        {
            if (Minus(sums, earlier.GetValueOrDefault(key, OutcomeSums.Empty)) is { } more)
            {
                news.Merge(key.Author, key.Tool, more);
            }
        }

        return news;
    }

    private static OutcomeSums? Minus(OutcomeSums after, OutcomeSums before)
    {
        if (after.Outcomes <= before.Outcomes || after.Good < before.Good)
        {
            return null;
        }

        var wire = new MatrixSums { Outcomes = after.Outcomes - before.Outcomes, Good = after.Good - before.Good };
        for (var i = 0; i < after.Terms.Length; i++)
        {
            var at = before.Terms.BinarySearch(after.Terms[i]);
            var (good, bad) = at < 0 ? (0u, 0u) : (before.GoodCounts[at], before.BadCounts[at]);
            if (after.GoodCounts[i] > good || after.BadCounts[i] > bad)
            {
                wire.Terms.Add(after.Terms[i]);
                wire.GoodCounts.Add(after.GoodCounts[i] - good);
                wire.BadCounts.Add(after.BadCounts[i] - bad);
            }
        }

        return OutcomeSums.FromWire(wire);
    }
}
