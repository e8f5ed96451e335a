using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Connections for actors, behind <see cref="ConnectionGuardian"/>: dials, closes and lists them, and tells subscribers of peers that come
/// and go. It owns none of them; they stand whether it runs or not.
/// </summary>
internal sealed class ConnectionActor : ReceiveActor
{
    /// <summary>Dials that run at once.</summary>
    public const int MaxDials = 32;

    /// <summary>Dials that wait.</summary>
    public const int MaxWaitingDials = 128;

    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(15);
    private readonly ISwitch _network;
    private readonly Assignments _dials = new(Context.Self, Context.GetLogger(), MaxDials, MaxWaitingDials);
    private readonly HashSet<IActorRef> _subscribers = [];
    private readonly Observer _observer = new(Context.Self);
    private ImmutableDictionary<PeerId, PeerRecord> _told = ImmutableDictionary<PeerId, PeerRecord>.Empty;
    private IDisposable? _observation;

    public ConnectionActor(ISwitch network)
    {
        _network = network;
        Receive<ConnectionCommands.Dial>(Dial);
        Receive<ConnectionCommands.Close>(Close);
        Receive<ConnectionCommands.List>(_ => Sender.Tell(new Connections(Describe(_observer.Peers))));
        Receive<ConnectionCommands.Subscribe>(_ =>
        {
            TellNews();
            if (_subscribers.Add(Sender))
            {
                Context.Watch(Sender);
            }

            Sender.Tell(new ConnectionsSubscribed(Describe(_told)));
        });
        Receive<ConnectionCommands.Unsubscribe>(_ =>
        {
            _subscribers.Remove(Sender);
            Context.Unwatch(Sender);
        });
        Receive<Terminated>(m => _subscribers.Remove(m.ActorRef));
        Receive<Assignments.Ended>(_dials.Finish);
        Receive<News>(_ => TellNews());
    }

    protected override void PreStart() => _observation = _network.Observe(_observer);

    protected override void PostRestart(Exception reason)
    {
        base.PostRestart(reason);
        Context.Parent.Tell(Guardian.Restarted.Instance);
    }

    protected override void PostStop()
    {
        _observation?.Dispose();
        _dials.Abandon();
    }

    private void Dial(ConnectionCommands.Dial command)
    {
        if (!Multiaddr.TryParse(command.Address, out var address))
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, "That is not a multiaddr; expected the form /ip4/127.0.0.1/tcp/4001."));
            return;
        }

        _dials.Take(Sender, DialTimeout, async stop =>
        {
            try
            {
                return new Dialled((await _network.DialAsync(address, stop).ConfigureAwait(false)).ToString());
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                return new Refusal(ErrorCodes.PeerUnreachable, $"{address} cannot be dialled: {e.Message}");
            }
        });
    }

    private void Close(ConnectionCommands.Close command)
    {
        if (!PeerId.TryParse(command.PeerId, out var peer))
        {
            Sender.Tell(new Refusal(ErrorCodes.InvalidParams, "That is not a peer id; expected the form 12D3KooW…."));
            return;
        }

        _dials.Take(Sender, DialTimeout, async stop =>
        {
            await _network.DisconnectAsync(peer).WaitAsync(stop).ConfigureAwait(false);
            return new Closed(command.PeerId);
        });
    }

    private void TellNews()
    {
        var (before, now) = (_told, _observer.TakeNews());
        _told = now;
        foreach (var (peer, record) in now)
        {
            if (!before.TryGetValue(peer, out var known))
            {
                TellAll(new PeerUp(Describe(record)));
            }
            else if (!ReferenceEquals(known, record))
            {
                TellAll(new PeerChanged(Describe(record)));
            }
        }

        foreach (var peer in before.Keys.Where(p => !now.ContainsKey(p)))
        {
            TellAll(new PeerDown(peer.ToString()));
        }
    }

    private void TellAll(object news)
    {
        foreach (var subscriber in _subscribers)
        {
            subscriber.Tell(news);
        }
    }

    private static IReadOnlyList<ConnectedPeer> Describe(ImmutableDictionary<PeerId, PeerRecord> peers) => [.. peers.Values.Select(Describe)];

    private static ConnectedPeer Describe(PeerRecord peer) =>
        new(peer.Peer.ToString(), [.. peer.Addresses.Select(a => a.ToString())], [.. peer.Protocols], peer.AgentVersion ?? "");

    private sealed record News
    {
        public static readonly News Instance = new();
    }

    /// <summary>Keeps who is connected. However fast peers come and go, one message to the actor waits: it looks at what is so, not at what happened.</summary>
    private sealed class Observer(IActorRef actor) : ISwitchObserver
    {
        private readonly Lock _gate = new();
        private ImmutableDictionary<PeerId, PeerRecord> _peers = ImmutableDictionary<PeerId, PeerRecord>.Empty;
        private bool _waiting;

        public ImmutableDictionary<PeerId, PeerRecord> Peers
        {
            get
            {
                lock (_gate)
                {
                    return _peers;
                }
            }
        }

        public ImmutableDictionary<PeerId, PeerRecord> TakeNews()
        {
            lock (_gate)
            {
                _waiting = false;
                return _peers;
            }
        }

        public void PeerIdentified(PeerRecord peer) => Change(peers => peers.SetItem(peer.Peer, peer));

        public void PeerUpdated(PeerRecord peer) => Change(peers => peers.SetItem(peer.Peer, peer));

        public void PeerDisconnected(PeerId peer) => Change(peers => peers.Remove(peer));

        private void Change(Func<ImmutableDictionary<PeerId, PeerRecord>, ImmutableDictionary<PeerId, PeerRecord>> change)
        {
            lock (_gate)
            {
                _peers = change(_peers);
                if (_waiting)
                {
                    return;
                }

                _waiting = true;
            }

            actor.Tell(News.Instance);
        }
    }
}
