using System.Collections.Immutable;

namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>What came of the contexts that were handed out from one set of exemplars.</summary>
/// <param name="Runs">Runs that ended.</param>
/// <param name="Successes">Of these, those that went well.</param>
internal readonly record struct SegmentTally(long Runs, long Successes)
{
    /// <summary>With one more run.</summary>
    public SegmentTally And(bool success) => new(Runs + 1, Successes + (success ? 1 : 0));

    /// <summary>True when its success rate is lower; in integers.</summary>
    public bool IsWorseThan(SegmentTally other) => Successes * other.Runs < other.Successes * Runs;
}

/// <summary>
/// The set of exemplars in versions, taken whenever this peer's own runs with a context have doubled: 10, 20, 40… (database-level
/// curation of arXiv:2505.00234, with two sets instead of five: see ADR-0022). Between two checkpoints most contexts are
/// handed out from the growing set, every fourth one from the version before it; at the next checkpoint the growing set
/// becomes the version, unless its runs went worse: then what it added is set aside. Immutable.
/// </summary>
internal sealed record ExemplarVersions
{
    /// <summary>Own runs at the first checkpoint.</summary>
    public const int FirstCheckpoint = 10;

    /// <summary>Every how many contexts the version before is used.</summary>
    public const int Turn = 4;

    /// <summary>Runs that must have ended with either set before one is found worse.</summary>
    public const int MinRuns = 4;

    /// <summary>Most exemplars of a version, and most that are set aside.</summary>
    public const int MaxExemplars = 512;

    private readonly ImmutableHashSet<string> _asideIds = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Nothing recorded yet.</summary>
    public static ExemplarVersions None { get; } = new();

    /// <summary>Own runs so far that had a context: the others tell nothing about exemplars.</summary>
    public long OwnRuns { get; init; }

    /// <summary>Checkpoints so far.</summary>
    public int Version { get; init; }

    /// <summary>The version: trajectory ids.</summary>
    public ImmutableSortedSet<string> Settled { get; init; } = ImmutableSortedSet.Create<string>(StringComparer.Ordinal);

    /// <summary>What did worse: trajectory ids, in order of being set aside.</summary>
    public ImmutableList<string> Aside
    {
        get;
        init
        {
            field = value;
            _asideIds = value.ToImmutableHashSet(StringComparer.Ordinal);
        }
    }

    = [];

    /// <summary>Runs of this segment whose contexts came from <see cref="Settled"/>.</summary>
    public SegmentTally OfSettled { get; init; }

    /// <summary>Runs of this segment whose contexts came from the growing set.</summary>
    public SegmentTally OfGrowing { get; init; }

    /// <summary>Own runs at the next checkpoint.</summary>
    public long NextCheckpoint => (long)FirstCheckpoint << Math.Min(Version, 40);

    /// <summary>True when the context of that number is handed out from <see cref="Settled"/>.</summary>
    public bool UsesSettled(long contextNumber) => !Settled.IsEmpty && contextNumber % Turn == Turn - 1;

    /// <summary>True when the exemplar may be shown.</summary>
    public bool Allows(string trajectoryId, bool settled) => settled ? Settled.Contains(trajectoryId) : !_asideIds.Contains(trajectoryId);

    /// <summary>A context's run has ended. Only contexts of this segment tell about it.</summary>
    public ExemplarVersions Ended(int version, bool settled, bool success) => version != Version ? this
        : settled ? this with { OfSettled = OfSettled.And(success) }
        : this with { OfGrowing = OfGrowing.And(success) };

    /// <summary>An own run with a context was recorded. At a checkpoint, <paramref name="growing"/> is asked for the exemplars of the growing set, best first.</summary>
    public ExemplarVersions Recorded(Func<IEnumerable<string>> growing)
    {
        var counted = this with { OwnRuns = OwnRuns + 1 };
        if (counted.OwnRuns < NextCheckpoint)
        {
            return counted;
        }

        var grown = growing().Where(id => Allows(id, settled: false)).Take(MaxExemplars).ToList();
        var worse = OfSettled.Runs >= MinRuns && OfGrowing.Runs >= MinRuns && OfGrowing.IsWorseThan(OfSettled);
        var aside = worse ? Aside.AddRange(grown.Where(id => !Settled.Contains(id))) : Aside;
        return counted with
        {
            Version = Version + 1,
            Settled = worse ? Settled : [.. grown],
            Aside = aside.Count > MaxExemplars ? aside.RemoveRange(0, aside.Count - MaxExemplars) : aside,
            OfSettled = default,
            OfGrowing = default,
        };
    }
}
