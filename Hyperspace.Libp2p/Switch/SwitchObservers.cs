using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// Tells observers of peers coming and going, one call at a time and in order: under one lock it compares what each
/// peer's state is with what was told last.
/// </summary>
internal sealed class SwitchObservers(Func<PeerId, long> epochOf, Func<PeerId, PeerRecord?> find, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PeerId, long> _told = [];
    private readonly Dictionary<PeerId, long> _identified = [];
    private ISwitchObserver[] _observers = [];

    public IDisposable Add(ISwitchObserver observer)
    {
        lock (_gate)
        {
            _observers = [.. _observers, observer];
            foreach (var peer in _told.Keys.ToArray())
            {
                if (find(peer) is { } record)
                {
                    Call(() => observer.PeerIdentified(record));
                }
            }
        }

        return new Registration(this, observer);
    }

    /// <summary>Identify told something on a connection of that epoch.</summary>
    public void Identified(PeerRecord record, long epoch, bool changed)
    {
        lock (_gate)
        {
            var current = epochOf(record.Peer);
            if (current == 0 || current != epoch)
            {
                return;
            }

            _identified[record.Peer] = epoch;
            if (_told.TryGetValue(record.Peer, out var told) && told == epoch)
            {
                if (changed)
                {
                    TellAll(o => o.PeerUpdated(record));
                }

                return;
            }

            Refresh(record.Peer);
        }
    }

    /// <summary>A connection to the peer ended.</summary>
    public void Refresh(PeerId peer)
    {
        lock (_gate)
        {
            var epoch = epochOf(peer);
            if (_told.TryGetValue(peer, out var told) && told != epoch)
            {
                _told.Remove(peer);
                TellAll(o => o.PeerDisconnected(peer));
            }

            if (_identified.TryGetValue(peer, out var identified) && identified != epoch)
            {
                _identified.Remove(peer);
            }
            else if (identified != 0 && !_told.ContainsKey(peer) && find(peer) is { } record)
            {
                _told[peer] = epoch;
                TellAll(o => o.PeerIdentified(record));
            }
        }
    }

    private void TellAll(Action<ISwitchObserver> tell)
    {
        foreach (var observer in _observers)
        {
            Call(() => tell(observer));
        }
    }

    private void Call(Action tell)
    {
        try
        {
            tell();
        }
        catch (Exception e)
        {
            // One observer's bug must not keep the news from the others.
            logger.LogError(e, "A switch observer failed");
        }
    }

    private sealed class Registration(SwitchObservers owner, ISwitchObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._observers = [.. owner._observers.Where(o => !ReferenceEquals(o, observer))];
            }
        }
    }
}
