using System.Collections.Immutable;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Who holds how much memory, within a bound on all of it: whoever was not used for longest is asked to give way. Immutable.
/// </summary>
/// <typeparam name="TOwner">Who holds memory.</typeparam>
internal sealed class WorkingSets<TOwner>
    where TOwner : notnull
{
    private readonly long _limit;
    private readonly ImmutableDictionary<TOwner, Held> _held;

    // Those that were not asked to give way, the one that was not used for longest first.
    private readonly ImmutableSortedDictionary<long, TOwner> _byUse;
    private readonly long _uses;

    private WorkingSets(long limit, ImmutableDictionary<TOwner, Held> held, ImmutableSortedDictionary<long, TOwner> byUse, long uses, long bytes)
    {
        _limit = limit;
        _held = held;
        _byUse = byUse;
        _uses = uses;
        Bytes = bytes;
    }

    // Use: its key among those by use; null when it was asked to give way.
    private sealed record Held(long Bytes, long? Use);

    /// <summary>Bytes of those that were not asked to give way.</summary>
    public long Bytes { get; }

    /// <summary>How many hold memory, those that were asked to give way included.</summary>
    public int Count => _held.Count;

    /// <summary>Nobody holds anything.</summary>
    /// <param name="limit">Most bytes of all together; one alone may have more.</param>
    public static WorkingSets<TOwner> Empty(long limit) => new(limit, ImmutableDictionary<TOwner, Held>.Empty, ImmutableSortedDictionary<long, TOwner>.Empty, 0, 0);

    /// <summary>The state once <paramref name="owner"/>, which holds so much now, was used; and who is to give way for it.</summary>
    public (WorkingSets<TOwner> State, IReadOnlyList<TOwner> GiveWay) Use(TOwner owner, long bytes)
    {
        var without = Free(owner);
        var (held, byUse, total) = (without._held.Add(owner, new Held(bytes, _uses)), without._byUse.Add(_uses, owner), without.Bytes + bytes);
        var giveWay = new List<TOwner>();
        while (total > _limit && byUse.Count > 1)
        {
            var (use, oldest) = byUse.First();
            byUse = byUse.Remove(use);
            total -= held[oldest].Bytes;
            held = held.SetItem(oldest, held[oldest] with { Use = null });
            giveWay.Add(oldest);
        }

        return (new WorkingSets<TOwner>(_limit, held, byUse, _uses + 1, total), giveWay);
    }

    /// <summary>The state once <paramref name="owner"/> holds nothing any more.</summary>
    public WorkingSets<TOwner> Free(TOwner owner) => !_held.TryGetValue(owner, out var known) ? this
        : new(_limit, _held.Remove(owner), known.Use is { } use ? _byUse.Remove(use) : _byUse, _uses, Bytes - (known.Use is null ? 0 : known.Bytes));
}
