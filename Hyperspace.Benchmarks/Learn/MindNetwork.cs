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
        Aim = Aim.Of(_tools, Split, seed);
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

    /// <summary>What liars are after.</summary>
    public Aim Aim { get; }

    public Member Join()
    {
        var number = _members.Count;
        var member = new Member(
            NewMind(),
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

    /// <summary>What the liars have achieved with some of the honest peers, in the mean.</summary>
    /// <param name="queries">Held-out queries by which these are judged.</param>
    /// <param name="sample">How many peers.</param>
    public Harm Judge(int queries, int sample)
    {
        var honest = Honest.Take(sample).ToList();
        var judged = honest.ConvertAll(m => m.Judge(Split.HeldOut[..queries]));
        var fresh = NewMind();
        _members.ForEach(m => fresh.Hear(m.Mind));
        fresh.Look(_now);
        return new Harm(
            judged.Average(static j => j.Accuracy),
            judged.Average(j => j.FalseFirsts.GetValueOrDefault(Aim.Promoted)),
            honest.Average(m => Aim.Success(m.First)),
            Aim.Success(fresh.First),
            honest.Average(m => _members.Where(static l => l.Lie is not null).Select(l => m.WeightOf(l.Mind.Name)).DefaultIfEmpty(0).Average()),
            honest.Average(m => _members.Where(o => o.Lie is null && o.Mind != m).Select(o => m.WeightOf(o.Mind.Name)).DefaultIfEmpty(0).Average()));
    }

    private Mind NewMind() => new($"peer-{_members.Count:d4}", _described, _trusting, new Random((_seed * 7919) + _members.Count));

    /// <summary>A peer with its agent.</summary>
    internal sealed class Member(Mind mind, BanditAgent agent, Action<BanditRun> ran)
    {
        private readonly List<BanditRun> _told = [];
        private int _lies;

        public Mind Mind { get; } = mind;

        /// <summary>What it tells instead of the truth; null: it is honest.</summary>
        public Lie? Lie { get; set; }

        /// <summary>What it has told of its runs while it was honest, in order.</summary>
        public IReadOnlyList<BanditRun> Told => _told;

        public void Run(int runs)
        {
            for (var i = 0; i < runs * (Lie?.Gain ?? 1); i++)
            {
                var query = agent.Next();
                var run = agent.Run(query with { Tool = LearnPeer.NameOf(query.Tool) }, Mind.First(query.Text));
                if (Lie is { } lie)
                {
                    Mind.Tell(lie.InsteadOf(run, _lies++));
                }
                else
                {
                    Mind.Learn(run);
                    _told.Add(run);
                    ran(run);
                }
            }
        }
    }
}
