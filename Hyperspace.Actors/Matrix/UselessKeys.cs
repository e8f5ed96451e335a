namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Keys of envelopes that proved nothing here, or nothing any more: they are not asked for again at each sync with somebody who
/// keeps them. Bounded, and forgotten after a while, because there may be room by then. For one thread at a time.
/// </summary>
internal sealed class UselessKeys
{
    /// <summary>So many of the latest are remembered, and up to twice as many.</summary>
    public const int Capacity = 32768;

    private HashSet<ulong> _earlier = [];
    private HashSet<ulong> _latest = [];

    /// <summary>Remembers a key.</summary>
    public void Add(ulong key)
    {
        if (_latest.Count >= Capacity)
        {
            Age();
        }

        _latest.Add(key);
    }

    /// <summary>Whether a key is remembered.</summary>
    public bool Contains(ulong key) => _latest.Contains(key) || _earlier.Contains(key);

    /// <summary>Forgets the earlier half.</summary>
    public void Age() => (_earlier, _latest) = (_latest, []);
}
