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
    /// <summary>2,112 runs and at most 48 MiB of other peers' runs, and as much of one's own.</summary>
    public static TrajectoryLimits Default { get; } = new(1_536, 512, 48, 16, 16 * 1024);
}

/// <summary>
/// The runs of one task type that a peer keeps. The same set of runs, in any order, with any repetition, leaves the
/// same runs kept. Within a pool every author, and within an author every goal, gets its turn before anyone's next
/// best run does; a peer's own runs are in pools of their own, so that no stranger can displace them.
/// </summary>
internal sealed class TrajectoryState
{
    private readonly string _self;
    private readonly TrajectoryLimits _limits;
    private readonly ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>> _pools;

    private TrajectoryState(string self, TrajectoryLimits limits, ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>> pools)
    {
        _self = self;
        _limits = limits;
        _pools = pools;
    }

    private readonly record struct Pool(bool Own, bool Failure, bool Large);

    /// <summary>All kept runs, best first.</summary>
    public IReadOnlyList<KeptTrajectory> BestFirst => field ??= [.. _pools.Values.SelectMany(pool => pool.Values).Order(KeptTrajectory.BestFirst)];

    /// <summary>Nothing kept yet.</summary>
    /// <param name="self">The peer id of whose runs are one's own.</param>
    /// <param name="limits">The bounds.</param>
    public static TrajectoryState Empty(string self, TrajectoryLimits limits) =>
        new(self, limits, ImmutableDictionary<Pool, ImmutableDictionary<string, KeptTrajectory>>.Empty);

    /// <summary>The kept run of that id, if there is one.</summary>
    public KeptTrajectory? Find(string id) => _pools.Values.Select(pool => pool.GetValueOrDefault(id)).FirstOrDefault(run => run is not null);

    /// <summary>The state with the run; this very state when the run is there already or ranks behind a full pool.</summary>
    public TrajectoryState Add(KeptTrajectory run)
    {
        var key = new Pool(run.Author == _self, run.IsFailure, run.Envelope.Bytes.Length > _limits.SmallBytes);
        var pool = _pools.GetValueOrDefault(key) ?? ImmutableDictionary<string, KeptTrajectory>.Empty.WithComparers(StringComparer.Ordinal);
        if (pool.ContainsKey(run.Id))
        {
            return this;
        }

        var grown = pool.Add(run.Id, run);
        if (grown.Count > CapOf(key))
        {
            var last = FairShare.Order(grown.Values, KeptTrajectory.BestFirst, r => r.Author, r => r.Goal)[^1];
            if (last.Id == run.Id)
            {
                return this;
            }

            grown = grown.Remove(last.Id);
        }

        return new TrajectoryState(_self, _limits, _pools.SetItem(key, grown));
    }

    private int CapOf(Pool pool) => pool switch
    {
        { Failure: false, Large: false } => _limits.Runs,
        { Failure: true, Large: false } => _limits.Failures,
        { Failure: false, Large: true } => _limits.LargeRuns,
        _ => _limits.LargeFailures,
    };
}
