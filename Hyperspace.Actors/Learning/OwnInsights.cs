namespace Hyperspace.Actors.Learning;

/// <summary>
/// Which of a peer's own counters give way when there are too many; pure. Counters that the peer's own tombstone covers go first:
/// the tombstone tells as much. Of the others those with most evidence beyond it stay, and the newest, whatever speaks for them:
/// what was just learnt must be able to prove itself.
/// </summary>
internal static class OwnInsights
{
    // One place in four is for the newest.
    private const int NewestShare = 4;

    private static readonly IComparer<InsightRecord> NewestFirst = Comparer<InsightRecord>.Create((a, b) =>
    {
        var order = b.Envelope.Time.CompareTo(a.Envelope.Time);
        order = order != 0 ? order : string.CompareOrdinal(a.Envelope.Id, b.Envelope.Id);
        return order != 0 ? order : string.CompareOrdinal(a.BulletId, b.BulletId);
    });

    /// <summary>The one to go. It has as many before it whatever came first, as long as the tombstones are the same.</summary>
    /// <param name="records">One more than fit.</param>
    /// <param name="tombstoneOf">The peer's own tombstone of a bullet, if there is one.</param>
    public static InsightRecord Last(IReadOnlyCollection<InsightRecord> records, Func<string, TombstoneRecord?> tombstoneOf)
    {
        var ranked = records.Select(record => (Record: record, Tombstone: tombstoneOf(record.BulletId)))
            .Select(entry => (entry.Record, entry.Tombstone, Beyond: entry.Record.Evidence.Beyond(entry.Tombstone?.SeenOf(entry.Record.Author) ?? default).Total))
            .OrderByDescending(entry => entry.Tombstone is null || entry.Beyond > 0)
            .ThenByDescending(entry => entry.Beyond)
            .ThenBy(entry => entry.Record, InsightRecord.MostEvidenceFirst)
            .ToList();
        if (ranked[^1] is { Tombstone: not null, Beyond: 0 } covered)
        {
            return covered.Record;
        }

        var newest = records.Order(NewestFirst).Take((records.Count - 1) / NewestShare).ToHashSet();
        return ranked.FindLast(entry => !newest.Contains(entry.Record)).Record;
    }
}
