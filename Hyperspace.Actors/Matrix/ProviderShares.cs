namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Which provider offers what. When the index is full whoever has most in it gives way to whoever has less, so that a few providers
/// with very many capabilities do not keep the others out; this peer itself gives way to nobody.
/// </summary>
/// <param name="self">This peer.</param>
internal sealed class ProviderShares(string self)
{
    private readonly Dictionary<string, SortedSet<string>> _ids = new(StringComparer.Ordinal);
    private readonly SortedSet<(int Count, string Provider)> _others = new(Comparer<(int Count, string Provider)>.Create((a, b) =>
        a.Count != b.Count ? a.Count.CompareTo(b.Count) : string.CompareOrdinal(a.Provider, b.Provider)));

    /// <summary>The ids of a provider's capabilities, ordinal.</summary>
    public IReadOnlyCollection<string> Of(string provider) => _ids.TryGetValue(provider, out var ids) ? ids : [];

    /// <summary>A capability came in.</summary>
    public void Add(string id)
    {
        var provider = ProviderOf(id);
        if (!_ids.TryGetValue(provider, out var ids))
        {
            _ids.Add(provider, ids = new SortedSet<string>(StringComparer.Ordinal));
        }

        Count(provider, ids.Count, ids.Add(id) ? 1 : 0);
    }

    /// <summary>A capability is gone.</summary>
    public void Remove(string id)
    {
        var provider = ProviderOf(id);
        if (_ids.TryGetValue(provider, out var ids) && ids.Remove(id))
        {
            Count(provider, ids.Count + 1, -1);
            if (ids.Count == 0)
            {
                _ids.Remove(provider);
            }
        }
    }

    /// <summary>
    /// Which capability gives way to a new one; null: none does. Afterwards its provider still has at least as many as the newcomer's, so that
    /// two records that are told again and again do not drive each other out.
    /// </summary>
    /// <param name="id">The new one.</param>
    public string? GivingWayTo(string id)
    {
        var provider = ProviderOf(id);
        return _others.Count > 0 && _others.Max is var most && (provider == self || Of(provider).Count + 1 < most.Count) ? _ids[most.Provider].Max : null;
    }

    private static string ProviderOf(string id) => id.IndexOf('/', StringComparison.Ordinal) is >= 0 and var end ? id[..end] : id;

    private void Count(string provider, int before, int more)
    {
        if (provider != self)
        {
            _others.Remove((before, provider));
            if (before + more > 0)
            {
                _others.Add((before + more, provider));
            }
        }
    }
}
