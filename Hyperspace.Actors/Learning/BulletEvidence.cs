using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>One author's counters of a bullet: how often it helped, harmed, or made no difference.</summary>
internal readonly record struct BulletEvidence(ulong Helpful, ulong Harmful, ulong Neutral)
{
    /// <summary>All of it together.</summary>
    public ulong Total => Helpful + Harmful + Neutral;

    /// <summary>What a record says.</summary>
    public static BulletEvidence Of(BulletCount count) => new(count.Helpful, count.Harmful, count.Neutral);

    /// <summary>What a tombstone has seen.</summary>
    public static BulletEvidence Of(EvidenceSeen seen) => new(seen.Helpful, seen.Harmful, seen.Neutral);

    /// <summary>As a tombstone says it.</summary>
    public EvidenceSeen ToSeen(string author) => new() { Author = author, Helpful = Helpful, Harmful = Harmful, Neutral = Neutral };

    /// <summary>Both together.</summary>
    public BulletEvidence Plus(BulletEvidence other) => new(Helpful + other.Helpful, Harmful + other.Harmful, Neutral + other.Neutral);

    /// <summary>What goes beyond <paramref name="seen"/>.</summary>
    public BulletEvidence Beyond(BulletEvidence seen) => new(Beyond(Helpful, seen.Helpful), Beyond(Harmful, seen.Harmful), Beyond(Neutral, seen.Neutral));

    /// <summary>The larger one of each counter.</summary>
    public BulletEvidence Max(BulletEvidence other) => new(Math.Max(Helpful, other.Helpful), Math.Max(Harmful, other.Harmful), Math.Max(Neutral, other.Neutral));

    /// <summary>No counter over <paramref name="cap"/>.</summary>
    public BulletEvidence CappedAt(ulong cap) => new(Math.Min(Helpful, cap), Math.Min(Harmful, cap), Math.Min(Neutral, cap));

    private static ulong Beyond(ulong count, ulong seen) => count > seen ? count - seen : 0;
}

/// <summary>Evidence of several authors, each weighed by how far it is trusted, in thousandths: integers, so that the order of adding makes no difference.</summary>
internal readonly record struct WeighedEvidence(ulong Helpful, ulong Harmful, ulong Neutral)
{
    /// <summary>One outcome of a fully trusted author.</summary>
    public const ulong Unit = 1_000;

    /// <summary>Whether anybody who counts has said that it helps or harms.</summary>
    public bool IsProven => Helpful + Harmful > 0;

    /// <summary>0 to 1, with one helpful and one harmful outcome assumed beforehand.</summary>
    public double Score => (double)(Helpful + Unit) / (Helpful + Harmful + (2 * Unit));

    /// <summary>With one more author's.</summary>
    public WeighedEvidence Plus(BulletEvidence evidence, ulong weight) =>
        new(Helpful + (evidence.Helpful * weight), Harmful + (evidence.Harmful * weight), Neutral + (evidence.Neutral * weight));
}
