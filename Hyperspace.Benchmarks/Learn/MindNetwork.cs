using System.Collections.Immutable;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>Peers that share what they learn in rounds: everybody has some runs, then all hear all, then all weigh each other anew.</summary>
internal sealed class MindNetwork
{
    /// <summary>Runs of each between two exchanges.</summary>
    public const int RunsPerRound = 16;

    private static readonly TimeSpan Round = TimeSpan.FromMinutes(1);
    private readonly Described _described;
    private readonly ImmutableArray<string> _tools;
    private readonly bool _trusting;
    private readonly int _seed;
    private readonly int _firstAgent;
    private readonly List<Member> _members = [];
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;

    public MindNetwork(ToolQueries data, Described described, int seed, int peers, bool trusting = true, int firstAgent = 0)
    {
        _described = described;
        _trusting = trusting;
        _seed = seed;
        _firstAgent = firstAgent;
        Split = data.Split(seed);
        _tools = [.. data.Tools.Keys.Select(LearnPeer.NameOf)];
        for (var i = 0; i < peers; i++)
        {
            Join();
        }
    }

    public QuerySplit Split { get; }

    /// <summary>Hears every run of an honest peer as it happens.</summary>
    public Action<BanditRun>? Listener { get; set; }

    public IReadOnlyList<Member> Members => _members;

    /// <summary>Those that have no lie to tell.</summary>
    public IEnumerable<Mind> Honest => _members.Where(static m => m.Lie is null).Select(static m => m.Mind);

    /// <summary>The tool that liars want to see first: another for each seed.</summary>
    public string Promoted => Lie.PromotedOf(_tools, _seed);

    public Member Join()
    {
        var number = _members.Count;
        var member = new Member(
            new Mind($"peer-{number:d4}", _described, _trusting, new Random((_seed * 7919) + number)),
            new BanditAgent(Split.Train, _tools, BanditAgent.SeedOf(_seed, _firstAgent + number)),
            run => Listener?.Invoke(run));
        _members.Add(member);
        return member;
    }

    /// <summary>So many runs of each, in rounds; <paramref name="looked"/> is told how many there have been after each round.</summary>
    public void Run(int runs, Action<int>? looked = null)
    {
        for (var done = 0; done < runs;)
        {
            var some = Math.Min(RunsPerRound, runs - done);
            foreach (var member in _members)
            {
                member.Run(some);
            }

            Exchange();
            done += some;
            looked?.Invoke(done);
        }
    }

    /// <summary>All hear all, and weigh each other.</summary>
    public void Exchange()
    {
        _now += Round;
        foreach (var member in _members)
        {
            foreach (var other in _members.Where(o => o != member))
            {
                member.Mind.Hear(other.Mind);
            }

            member.Mind.Look(_now);
        }
    }

    /// <summary>Mean accuracy of some honest peers, and the mean share of others' queries for which the promoted tool comes first.</summary>
    public (double Accuracy, double Promotion) Judge(int queries, int sample)
    {
        var judged = Honest.Take(sample).Select(m => m.Judge(Split.HeldOut[..queries])).ToList();
        return (judged.Average(static j => j.Accuracy), judged.Average(j => j.FalseFirsts.GetValueOrDefault(Promoted)));
    }

    /// <summary>A peer with its agent.</summary>
    internal sealed class Member(Mind mind, BanditAgent agent, Action<BanditRun> ran)
    {
        public Mind Mind { get; } = mind;

        /// <summary>What it tells instead of the truth; null: it is honest.</summary>
        public Lie? Lie { get; set; }

        public void Run(int runs)
        {
            for (var i = 0; i < runs * (Lie?.Gain ?? 1); i++)
            {
                var query = agent.Next();
                var run = agent.Run(query with { Tool = LearnPeer.NameOf(query.Tool) }, Mind.First(query.Text));
                if (Lie is { } lie)
                {
                    Mind.Tell(lie.InsteadOf(run, i));
                }
                else
                {
                    Mind.Learn(run);
                    ran(run);
                }
            }
        }
    }
}
