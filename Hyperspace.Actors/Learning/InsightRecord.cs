using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>One author's counters of one bullet, with the envelope that proves them.</summary>
/// <param name="BulletId">The bullet.</param>
/// <param name="Author">The author's peer id.</param>
/// <param name="Count">Section, text, counters and sources; not to be changed.</param>
/// <param name="Envelope">What the author signed.</param>
internal sealed record InsightRecord(string BulletId, string Author, BulletCount Count, SignedEnvelope Envelope) : IBulletRecord
{
    /// <summary>Where the bullet comes from: the runs that the reflections named, else the signed reflection itself.</summary>
    public IReadOnlyList<string> Sources => Count.Sources.Count > 0 ? Count.Sources : [Envelope.Id];

    /// <summary>What the author counted.</summary>
    public BulletEvidence Evidence => BulletEvidence.Of(Count);

    /// <summary>
    /// A total order. Counters only grow, so of two records of one author and bullet the first one here is the later
    /// one, whatever the clocks say.
    /// </summary>
    public static IComparer<InsightRecord> MostEvidenceFirst { get; } = Comparer<InsightRecord>.Create((a, b) =>
    {
        var order = b.Evidence.Total.CompareTo(a.Evidence.Total);
        order = order != 0 ? order : b.Count.Helpful.CompareTo(a.Count.Helpful);
        order = order != 0 ? order : b.Count.Harmful.CompareTo(a.Count.Harmful);
        order = order != 0 ? order : b.Envelope.Time.CompareTo(a.Envelope.Time);
        order = order != 0 ? order : string.CompareOrdinal(a.Envelope.Id, b.Envelope.Id);
        order = order != 0 ? order : string.CompareOrdinal(a.BulletId, b.BulletId);
        return order != 0 ? order : string.CompareOrdinal(a.Count.Text, b.Count.Text);
    });
}
