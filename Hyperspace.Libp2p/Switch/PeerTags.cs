namespace Hyperspace.Libp2p.Switch;

/// <summary>What the protocols above say a connection is worth to them, by peer and by who says it. They take back what they said.</summary>
internal sealed class PeerTags
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, Dictionary<string, int>> _values = [];
    private readonly Dictionary<PeerId, HashSet<string>> _protected = [];

    /// <summary>Sets a tag's value; 0 takes it away.</summary>
    public void Set(PeerId peer, string tag, int value)
    {
        lock (_gate)
        {
            if (value != 0)
            {
                (_values.TryGetValue(peer, out var tags) ? tags : _values[peer] = new(StringComparer.Ordinal))[tag] = value;
            }
            else if (_values.TryGetValue(peer, out var tags) && tags.Remove(tag) && tags.Count == 0)
            {
                _values.Remove(peer);
            }
        }
    }

    /// <summary>Says whether a peer's connections are needed.</summary>
    public void Protect(PeerId peer, string tag, bool needed)
    {
        lock (_gate)
        {
            if (needed)
            {
                (_protected.TryGetValue(peer, out var tags) ? tags : _protected[peer] = new(StringComparer.Ordinal)).Add(tag);
            }
            else if (_protected.TryGetValue(peer, out var tags) && tags.Remove(tag) && tags.Count == 0)
            {
                _protected.Remove(peer);
            }
        }
    }

    /// <summary>The sum of a peer's tags, and whether it is protected.</summary>
    public (int Value, bool Protected) Of(PeerId peer)
    {
        lock (_gate)
        {
            return (_values.TryGetValue(peer, out var tags) ? tags.Values.Sum() : 0, _protected.ContainsKey(peer));
        }
    }
}
