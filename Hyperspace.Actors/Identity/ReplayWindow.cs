using System.Collections.Immutable;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Identity;

/// <summary>What a <see cref="ReplayWindow"/> says of an envelope.</summary>
public enum ReplayVerdict
{
    /// <summary>Not seen before, and the author's newest of its type.</summary>
    Newest,

    /// <summary>Not seen before, but the author has signed a newer one of its type: late for a record that replaces its predecessor, fine for one that stands alone.</summary>
    Late,

    /// <summary>Seen before: drop it.</summary>
    Replayed,
}

/// <summary>
/// Which envelopes were seen: the last <paramref name="capacity"/> ids in order of arrival, and per author and type
/// the latest time, for at most <paramref name="capacity"/> of them, the longest unheard forgotten first. Immutable and pure.
/// An id that was forgotten is told from a fresh one by its time where the type allows it (<see cref="ReplayVerdict.Late"/>).
/// </summary>
public sealed class ReplayWindow(int capacity)
{
    private readonly int _capacity = capacity > 0 ? capacity : throw new ArgumentOutOfRangeException(nameof(capacity), "A window holds at least one envelope.");

    private ImmutableHashSet<string> Ids { get; init; } = [];

    private ImmutableQueue<string> Order { get; init; } = [];

    private ImmutableDictionary<(PeerId Author, string Type), (HybridTime Time, long Heard)> Latest { get; init; } = ImmutableDictionary<(PeerId, string), (HybridTime, long)>.Empty;

    private ImmutableSortedDictionary<long, (PeerId Author, string Type)> Heard { get; init; } = ImmutableSortedDictionary<long, (PeerId, string)>.Empty;

    private long Clock { get; init; }

    /// <summary>How many ids are remembered.</summary>
    public int Count => Ids.Count;

    /// <summary>The window after this envelope, and what it is.</summary>
    public (ReplayWindow Next, ReplayVerdict Verdict) Admit(SignedEnvelope envelope)
    {
        if (Ids.Contains(envelope.Id))
        {
            return (this, ReplayVerdict.Replayed);
        }

        var (ids, order) = (Ids.Add(envelope.Id), Order.Enqueue(envelope.Id));
        if (ids.Count > _capacity)
        {
            order = order.Dequeue(out var oldest);
            ids = ids.Remove(oldest);
        }

        var key = (envelope.Author, envelope.Type);
        var known = Latest.TryGetValue(key, out var before);
        var newest = !known || envelope.Time.CompareTo(before.Time) > 0;
        var heard = known ? Heard.Remove(before.Heard) : Heard;
        var latest = Latest.SetItem(key, (newest ? envelope.Time : before.Time, Clock));
        heard = heard.Add(Clock, key);
        if (latest.Count > _capacity)
        {
            var (unheardSince, unheard) = heard.First();
            heard = heard.Remove(unheardSince);
            latest = latest.Remove(unheard);
        }

        var next = new ReplayWindow(_capacity) { Ids = ids, Order = order, Latest = latest, Heard = heard, Clock = Clock + 1 };
        return (next, newest ? ReplayVerdict.Newest : ReplayVerdict.Late);
    }
}
