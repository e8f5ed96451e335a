namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Message keys seen lately. Three generations, each open for half the time to live: a key stays for at least the whole
/// and at most one and a half, and expiry is dropping a set, not walking it.
/// </summary>
internal sealed class SeenCache(long ttlMilliseconds)
{
    private readonly long _generation = Math.Max(1, ttlMilliseconds / 2);
    private HashSet<MessageKey> _current = [];
    private HashSet<MessageKey> _previous = [];
    private HashSet<MessageKey> _oldest = [];
    private long? _opened;

    /// <summary>Keys remembered, some perhaps twice.</summary>
    public int Count => _current.Count + _previous.Count + _oldest.Count;

    public bool Contains(MessageKey key) => _current.Contains(key) || _previous.Contains(key) || _oldest.Contains(key);

    public void Add(MessageKey key) => _current.Add(key);

    /// <summary>Drops what has expired; call it about once a second.</summary>
    public void Advance(long now)
    {
        _opened ??= now;
        while (now - _opened >= _generation)
        {
            _opened += _generation;
            (_oldest, _previous, _current) = (_previous, _current, []);
            if (Count == 0)
            {
                _opened = now;
            }
        }
    }
}
