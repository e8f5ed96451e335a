using System.Collections.Frozen;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>That an author pruned a bullet and on what evidence, with the envelope that proves it.</summary>
internal sealed class TombstoneRecord : IBulletRecord
{
    private readonly FrozenDictionary<string, BulletEvidence> _seen;
    private readonly BulletEvidence _others;

    /// <summary>Of a tombstone within the rules.</summary>
    public TombstoneRecord(BulletTombstone tombstone, SignedEnvelope envelope)
    {
        BulletId = tombstone.BulletId;
        Envelope = envelope;
        Author = envelope.Author.ToString();
        _seen = tombstone.Seen.ToFrozenDictionary(seen => seen.Author, BulletEvidence.Of, StringComparer.Ordinal);
        _others = tombstone.Others is { } others ? BulletEvidence.Of(others) : default;
    }

    /// <inheritdoc/>
    public string BulletId { get; }

    /// <inheritdoc/>
    public string Author { get; }

    /// <summary>What the author signed.</summary>
    public SignedEnvelope Envelope { get; }

    /// <summary>A total order: an author's tombstone of a bullet only grows, so of two the one that covers more is the later one.</summary>
    public static IComparer<TombstoneRecord> MostSeenFirst { get; } = Comparer<TombstoneRecord>.Create((a, b) =>
    {
        var order = b.Sum().CompareTo(a.Sum());
        order = order != 0 ? order : b.Envelope.Time.CompareTo(a.Envelope.Time);
        order = order != 0 ? order : string.CompareOrdinal(a.Envelope.Id, b.Envelope.Id);
        return order != 0 ? order : string.CompareOrdinal(a.BulletId, b.BulletId);
    });

    /// <summary>
    /// A tombstone over these counters and over what <paramref name="known"/>, the author's last one, covers, which may have
    /// been displaced since; null when that says nothing new. It always names its author, if that has counted anything, and
    /// never covers less than the last one.
    /// </summary>
    /// <param name="bulletId">The bullet.</param>
    /// <param name="records">Counters of authors who count: whoever is covered must say that much more to be heard again.</param>
    /// <param name="self">The tombstone's author.</param>
    /// <param name="known">Its last tombstone of the bullet.</param>
    public static BulletTombstone? Covering(string bulletId, IEnumerable<InsightRecord> records, string self, TombstoneRecord? known)
    {
        var seen = new Dictionary<string, BulletEvidence>(known?._seen ?? FrozenDictionary<string, BulletEvidence>.Empty, StringComparer.Ordinal);
        var grown = false;
        foreach (var record in records)
        {
            var before = known?.SeenOf(record.Author) ?? default;
            if (record.Evidence.Beyond(before).Total > 0)
            {
                grown = true;
                seen[record.Author] = record.Evidence.Max(before);
            }
        }

        if (!grown)
        {
            return null;
        }

        // One's own place is kept free before one has counted anything, so that nobody who has it needs to give way.
        var places = PlaybookRules.MaxAuthorsSeen - (seen.ContainsKey(self) ? 0 : 1);
        var ranked = seen.OrderByDescending(entry => entry.Key == self).ThenByDescending(entry => entry.Value.Total).ThenBy(entry => entry.Key, StringComparer.Ordinal).ToList();
        var others = ranked.Skip(places).Aggregate(known?._others ?? default, (most, entry) => most.Max(entry.Value));
        var tombstone = new BulletTombstone { BulletId = bulletId, Others = others.Total > 0 ? others.ToSeen("") : null };
        tombstone.Seen.AddRange(ranked.Take(places).OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => entry.Value.ToSeen(entry.Key)));
        return tombstone;
    }

    /// <summary>What it covers of somebody's counters.</summary>
    public BulletEvidence SeenOf(string author) => _seen.TryGetValue(author, out var seen) ? seen : _others;

    /// <summary>What it says of an author whom it names; null of others.</summary>
    public BulletEvidence? Of(string author) => _seen.TryGetValue(author, out var seen) ? seen : null;

    private ulong Sum() => _seen.Values.Aggregate(_others.Total, (sum, seen) => sum + seen.Total);
}
