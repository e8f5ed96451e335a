using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The last <see cref="Capacity"/> requests of a channel by id, the oldest forgotten first. Forgetting is safe: cumulative
/// amounts only go up, so a forgotten voucher is stale. Immutable.
/// </summary>
internal sealed record RecentRequests<T>
{
    /// <summary>How many are remembered.</summary>
    public const int Capacity = 10_000;

    private ImmutableDictionary<string, T> ById { get; init; } = ImmutableDictionary.Create<string, T>(StringComparer.Ordinal);

    private ImmutableQueue<string> Order { get; init; } = [];

    /// <summary>True once a request was forgotten.</summary>
    public bool Forgot { get; init; }

    /// <summary>All, oldest first.</summary>
    public IEnumerable<KeyValuePair<string, T>> OldestFirst => Order.Select(id => KeyValuePair.Create(id, ById[id]));

    /// <summary>Finds a request.</summary>
    public bool TryGet(string id, [MaybeNullWhen(false)] out T request) => ById.TryGetValue(id, out request);

    /// <summary>With this request, new or changed; a changed one keeps its place.</summary>
    public RecentRequests<T> With(string id, T request)
    {
        if (ById.ContainsKey(id))
        {
            return this with { ById = ById.SetItem(id, request) };
        }

        var (order, byId) = (Order.Enqueue(id), ById.Add(id, request));
        if (byId.Count <= Capacity)
        {
            return this with { ById = byId, Order = order };
        }

        order = order.Dequeue(out var oldest);
        return new RecentRequests<T> { ById = byId.Remove(oldest), Order = order, Forgot = true };
    }
}
