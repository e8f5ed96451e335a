namespace Hyperspace.Libp2p.GossipSub;

/// <summary>The last heartbeats' messages (mcache): what IHAVE announces and IWANT gets. Bounded in bytes.</summary>
internal sealed class MessageCache(int historyLength, int historyGossip, long maxBytes)
{
    private readonly Dictionary<MessageKey, Entry> _entries = [];
    private readonly LinkedList<List<GossipMessage>> _windows = new([new List<GossipMessage>()]);
    private long _bytes;

    /// <summary>Messages kept.</summary>
    public int Count => _entries.Count;

    public void Put(GossipMessage message)
    {
        if (!_entries.TryAdd(message.Key, new Entry(message)))
        {
            return;
        }

        _windows.First!.Value.Add(message);
        _bytes += message.Encoded.Length;
        while (_bytes > maxBytes && _windows.Count > 1)
        {
            DropOldest();
        }

        if (_bytes > maxBytes)
        {
            // A single heartbeat brought more than the cache holds: it starts over.
            DropOldest();
            _windows.AddFirst(new List<GossipMessage>());
        }
    }

    /// <summary>The message, if this peer has not been given it too often already (-1: not cached; otherwise the times counted, this one included).</summary>
    public int CountFor(MessageKey key, PeerId peer, out GossipMessage? message)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            message = null;
            return -1;
        }

        message = entry.Message;
        var sent = entry.Sent ??= [];
        var count = sent.GetValueOrDefault(peer) + 1;
        sent[peer] = count;
        return count;
    }

    /// <summary>Adds the ids of a topic's messages that are still announced.</summary>
    public void CollectIds(string topic, List<ReadOnlyMemory<byte>> ids)
    {
        var left = historyGossip;
        for (var window = _windows.First; window is not null && left > 0; window = window.Next, left--)
        {
            foreach (var message in window.Value)
            {
                if (message.Topic == topic)
                {
                    ids.Add(message.Id);
                }
            }
        }
    }

    /// <summary>A heartbeat passed.</summary>
    public void Shift()
    {
        while (_windows.Count >= historyLength)
        {
            DropOldest();
        }

        _windows.AddFirst(new List<GossipMessage>());
    }

    private void DropOldest()
    {
        foreach (var message in _windows.Last!.Value)
        {
            _entries.Remove(message.Key);
            _bytes -= message.Encoded.Length;
        }

        _windows.RemoveLast();
    }

    private sealed class Entry(GossipMessage message)
    {
        public GossipMessage Message { get; } = message;

        public Dictionary<PeerId, int>? Sent { get; set; }
    }
}
