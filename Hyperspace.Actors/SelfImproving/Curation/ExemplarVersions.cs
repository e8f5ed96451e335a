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
/// The set of exemplars in versions, taken whenever the exemplars that this peer has added have doubled: 10, 20, 40… (database-level
/// curation of arXiv:2505.00234, with two sets instead of five: see ADR-0022). Between two checkpoints most contexts are
/// handed out from the growing set, every fourth one from the version before it; at the next checkpoint the growing set
/// becomes the version, unless its runs went worse: then what it added is set aside. Immutable.
/// </summary>
internal sealed record ExemplarVersions
{
    /// <summary>Own exemplars at the first checkpoint.</summary>
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

    /// <summary>Exemplars that this peer has added so far, with a context or without: the size of its database. Others' don't count, so nobody hurries a checkpoint on.</summary>
    public long Own { get; init; }

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

    /// <summary><see cref="Own"/> at the next checkpoint.</summary>
    public long NextCheckpoint => (long)FirstCheckpoint << Math.Min(Version, 40);

    /// <summary>True when the context of that number is handed out from <see cref="Settled"/>.</summary>
    public bool UsesSettled(long contextNumber) => !Settled.IsEmpty && contextNumber % Turn == Turn - 1;

    /// <summary>True when the exemplar may be shown.</summary>
    public bool Allows(string trajectoryId, bool settled) => settled ? Settled.Contains(trajectoryId) : !_asideIds.Contains(trajectoryId);

    /// <summary>A context's run has ended. Only contexts of this segment tell about it.</summary>
    public ExemplarVersions Ended(int version, bool settled, bool success) => version != Version ? this
        : settled ? this with { OfSettled = OfSettled.And(success) }
        : this with { OfGrowing = OfGrowing.And(success) };

    /// <summary>This peer has added so many exemplars in all.</summary>
    public ExemplarVersions Counted(long own) => own > Own ? this with { Own = own } : this;

    /// <summary>A checkpoint; <paramref name="growing"/> is the growing set, best first.</summary>
    public ExemplarVersions Checkpoint(IEnumerable<string> growing)
    {
        var grown = growing.Where(id => Allows(id, settled: false)).Take(MaxExemplars).ToList();
        var worse = OfSettled.Runs >= MinRuns && OfGrowing.Runs >= MinRuns && OfGrowing.IsWorseThan(OfSettled);
        var aside = worse ? Aside.AddRange(grown.Where(id => !Settled.Contains(id))) : Aside;
        return this with
        {
            Version = Version + 1,
            Settled = worse ? Settled : [.. grown],
            Aside = aside.Count > MaxExemplars ? aside.RemoveRange(0, aside.Count - MaxExemplars) : aside,
            OfSettled = default,
            OfGrowing = default,
        };
    }
}
