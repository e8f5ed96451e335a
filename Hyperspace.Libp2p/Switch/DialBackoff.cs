using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// When an address of a peer that failed may be tried again: after a time that doubles with each failure, up to a cap, drawn
/// between half and the whole of it so that many peers do not come back at once. Bounded: the oldest failure is forgotten first.
/// </summary>
internal sealed class DialBackoff(TimeSpan first, TimeSpan cap, int maxEntries, TimeProvider time, Func<double> random)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(PeerId Peer, Multiaddr Address), LinkedListNode<Entry>> _index = [];
    private readonly LinkedList<Entry> _byAge = new();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _index.Count;
            }
        }
    }

    /// <summary>How long to wait yet before the address is tried again; zero when it may be.</summary>
    public TimeSpan WaitFor(PeerId peer, Multiaddr address)
    {
        lock (_gate)
        {
            if (!_index.TryGetValue((peer, address), out var node))
            {
                return TimeSpan.Zero;
            }

            var left = node.Value.Wait - time.GetElapsedTime(node.Value.At);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>The address failed.</summary>
    public void Failed(PeerId peer, Multiaddr address)
    {
        lock (_gate)
        {
            var failures = 1;
            if (_index.Remove((peer, address), out var node))
            {
                failures = node.Value.Failures + 1;
                _byAge.Remove(node);
            }
            else if (_index.Count >= maxEntries)
            {
                var oldest = _byAge.First!;
                _byAge.RemoveFirst();
                _index.Remove((oldest.Value.Peer, oldest.Value.Address));
            }

            _index.Add((peer, address), _byAge.AddLast(new Entry(peer, address, failures, time.GetTimestamp(), WaitAfter(failures, random()))));
        }
    }

    /// <summary>The peer is there: none of its addresses has to wait.</summary>
    public void Succeeded(PeerId peer)
    {
        lock (_gate)
        {
            for (var node = _byAge.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Peer == peer)
                {
                    _byAge.Remove(node);
                    _index.Remove((peer, node.Value.Address));
                }

                node = next;
            }
        }
    }

    /// <summary>The wait after so many failures; <paramref name="draw"/> lies in [0, 1).</summary>
    internal TimeSpan WaitAfter(int failures, double draw)
    {
        var whole = Math.Min(cap.TotalSeconds, first.TotalSeconds * Math.Pow(2, Math.Min(failures - 1, 40)));
        return TimeSpan.FromSeconds(whole * (0.5 + draw / 2));
    }

    private sealed record Entry(PeerId Peer, Multiaddr Address, int Failures, long At, TimeSpan Wait);
}
