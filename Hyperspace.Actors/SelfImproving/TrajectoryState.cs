using System.Collections.Immutable;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>How many runs of a task type are kept, per pool. Pools never push each other out.</summary>
/// <param name="Runs">Runs above <see cref="KeptTrajectory.FailureReward"/>, in envelopes of at most <paramref name="SmallBytes"/>.</param>
/// <param name="Failures">Failed runs, in such envelopes: a lesson needs both sides.</param>
/// <param name="LargeRuns">As <paramref name="Runs"/>, in larger envelopes.</param>
/// <param name="LargeFailures">As <paramref name="Failures"/>, in larger envelopes.</param>
/// <param name="SmallBytes">Bytes up to which an envelope is small.</param>
internal sealed record TrajectoryLimits(int Runs, int Failures, int LargeRuns, int LargeFailures, int SmallBytes)
{
    /// <summary>Runs of one goal that an author has in a pool.</summary>
    public int PerGoal { get; init; } = 16;

    /// <summary>Repaired failures, in small envelopes.</summary>
    public int Repairs { get; init; } = 128;

    /// <summary>As <see cref="Repairs"/>, in larger envelopes.</summary>
    public int LargeRepairs { get; init; } = 16;

    /// <summary>2,256 runs and at most 54 MiB of strangers' runs, and as much of proven authors' and of one's own.</summary>
    public static TrajectoryLimits Default { get; } = new(1_536, 512, 48, 16, 16 * 1024);
}

/// <summary>
/// The runs of one task type that a peer keeps. The same set of runs, in any order, with any repetition, leaves the
/// same runs kept. Within a pool every author, within an author every goal, and within a goal every way of reaching it
/// (<see cref="KeptTrajectory.Shape"/>) gets its turn before anyone's next best run does, and an author has its best few
/// of a goal. A peer's own runs are in pools of their own, and so are those of authors whose word counts here: identities
/// cost nothing, and no number of strangers can displace either. Repaired failures have theirs, too.
/// </summary>
internal sealed class TrajectoryState
{
    private readonly string _self;
    private readonly TrajectoryLimits _limits;
    private readonly Func<string, bool> _isProven;
    private readonly ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>> _pools;

    private TrajectoryState(string self, TrajectoryLimits limits, Func<string, bool> isProven, ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>> pools)
    {
        _self = self;
        _limits = limits;
        _isProven = isProven;
        _pools = pools;
    }

    private enum Standing
    {
        Stranger,
        Proven,
        Own,
    }

    private readonly record struct Pool(Standing Of, RunPool Kind, bool Large);

    /// <summary>All kept runs, best first.</summary>
    public IReadOnlyList<KeptTrajectory> BestFirst => field ??= [.. _pools.Values.SelectMany(pool => pool.Values).Order(KeptTrajectory.BestFirst)];

    /// <summary>Bytes of memory that the runs take, roughly.</summary>
    public long Footprint => _pools.Values.Sum(pool => pool.Values.Sum(run => (long)run.Footprint));

    /// <summary>Whether other peers' runs may have been displaced by other authors' ones: there are as many as a pool holds.</summary>
    public bool IsFull => _pools.Any(pool => pool.Key.Of != Standing.Own && pool.Value.Count >= CapOf(pool.Key));

    /// <summary>Nothing kept yet.</summary>
    /// <param name="self">The peer id of whose runs are one's own.</param>
    /// <param name="limits">The bounds.</param>
    /// <param name="isProven">Whether an author's word counts here, always the same; null: nobody's does more than another's.</param>
    public static TrajectoryState Empty(string self, TrajectoryLimits limits, Func<string, bool>? isProven = null) =>
        new(self, limits, isProven ?? (_ => false), ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>>.Empty);

    /// <summary>The kept run of that id, if there is one.</summary>
    public KeptTrajectory? Find(string id) => _pools.Values.Select(pool => pool.GetValueOrDefault(id)).FirstOrDefault(run => run is not null);

    /// <summary>The state with the run; this very state when the run is there already or ranks behind a full pool.</summary>
    public TrajectoryState Add(KeptTrajectory run) => AddRange([run]);

    /// <summary>The state with the runs, ranked once for all of them; this very state when it keeps none of them.</summary>
    public TrajectoryState AddRange(IReadOnlyCollection<KeptTrajectory> runs)
    {
        var pools = _pools;
        foreach (var group in runs.GroupBy(run => new Pool(StandingOf(run.Author), run.Pool, run.Size > _limits.SmallBytes)))
        {
            var before = pools.GetValueOrDefault(group.Key) ?? ImmutableDictionary<string, KeptTrajectory>.Empty.WithComparers(StringComparer.Ordinal);
            var added = group.Where(run => !before.ContainsKey(run.Id)).DistinctBy(run => run.Id).ToList();
            var gone = Excess(group.Key, before, added);
            if (added.Any(run => !gone.Contains(run.Id)))
            {
                pools = pools.SetItem(group.Key, before.AddRange(added.Select(run => KeyValuePair.Create(run.Id, run))).RemoveRange(gone));
            }
        }

        return ReferenceEquals(pools, _pools) ? this : new TrajectoryState(_self, _limits, _isProven, pools);
    }

    /// <summary>Ids of the runs that have to go when others come. The same ones as if these came one by one (see <see cref="FairShare"/>).</summary>
    private HashSet<string> Excess(Pool key, ImmutableDictionary<string, KeptTrajectory> pool, List<KeptTrajectory> added)
    {
        var gone = new HashSet<string>(StringComparer.Ordinal);
        if (added.Count == 0)
        {
            return gone;
        }

        var all = pool.Values.Concat(added).ToList();
        var grown = added.Select(run => (run.Author, run.Goal)).ToHashSet();
        foreach (var goal in all.GroupBy(run => (run.Author, run.Goal)).Where(goal => grown.Contains(goal.Key) && goal.Skip(_limits.PerGoal).Any()))
        {
            gone.UnionWith(FairShare.Order(goal, KeptTrajectory.BestFirst, run => run.Shape).Skip(_limits.PerGoal).Select(run => run.Id));
        }

        all.RemoveAll(run => gone.Contains(run.Id));
        if (all.Count > CapOf(key))
        {
            gone.UnionWith(FairShare.Order(all, KeptTrajectory.BestFirst, run => run.Author, run => run.Goal, run => run.Shape).Skip(CapOf(key)).Select(run => run.Id));
        }

        return gone;
    }

    private Standing StandingOf(string author) => author == _self ? Standing.Own : _isProven(author) ? Standing.Proven : Standing.Stranger;

    private int CapOf(Pool pool) => pool.Kind switch
    {
        RunPool.Runs => pool.Large ? _limits.LargeRuns : _limits.Runs,
        RunPool.Failures => pool.Large ? _limits.LargeFailures : _limits.Failures,
        _ => pool.Large ? _limits.LargeRepairs : _limits.Repairs,
    };
}
