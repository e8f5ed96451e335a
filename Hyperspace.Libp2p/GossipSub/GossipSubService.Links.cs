namespace Hyperspace.Libp2p.GossipSub;

public sealed partial class GossipSubService
{
    private void AddIfSpoken(PeerRecord peer)
    {
        foreach (var protocol in GossipSubProtocol.Ids)
        {
            if (peer.Protocols.Contains(protocol))
            {
                AddPeer(peer.Peer, GossipSubProtocol.VersionOf(protocol)!.Value);
                return;
            }
        }
    }

    private void AddPeer(PeerId peer, GossipSubVersion version)
    {
        var outbound = _network.HasDialed(peer);
        var addresses = _network.RemoteIpsOf(peer);
        lock (_gate)
        {
            if (_disposed != 0 || _links.ContainsKey(peer))
            {
                return;
            }

            var link = new PeerLink(_network, peer, _options, Reopened, l => RemovePeer(l.Peer, l), count => Interlocked.Add(ref _bytesOut, count));
            _links[peer] = link;
            _router.AddPeer(peer, version, outbound, _effects);
            _router.SetAddresses(peer, addresses);
            Dispatch(null);
            link.Start();
        }
    }

    /// <summary>Further connections to a peer, from elsewhere, come without notice; so it is asked now and then where peers are.</summary>
    private void RefreshAddresses()
    {
        PeerId[] peers;
        lock (_gate)
        {
            peers = [.. _links.Keys];
        }

        foreach (var peer in peers)
        {
            var addresses = _network.RemoteIpsOf(peer);
            lock (_gate)
            {
                _router.SetAddresses(peer, addresses);
            }
        }
    }

    private void RemovePeer(PeerId peer, PeerLink? only)
    {
        PeerLink? link;
        lock (_gate)
        {
            if (!_links.TryGetValue(peer, out link) || (only is not null && link != only))
            {
                return;
            }

            _links.Remove(peer);
            Interlocked.Add(ref _dropped, link.Queue.Dropped);
            _router.RemovePeer(peer, Now());
        }

        _ = link.StopAsync();
    }

    private void Reopened(PeerLink link)
    {
        lock (_gate)
        {
            _router.Announce(link.Peer, _effects);
            Dispatch(null);
        }
    }

    /// <summary>When every receiver of the effects at hand is congested: a task that ends when one of them is not.</summary>
    private Task? AllCongested()
    {
        List<OutboundQueue>? congested = null;
        foreach (var effect in _effects)
        {
            if (effect.Kind == GossipEffectKind.SendMessage && _links.TryGetValue(effect.Peer, out var link))
            {
                if (!link.Queue.Congested)
                {
                    return null;
                }

                (congested ??= []).Add(link.Queue);
            }
        }

        return congested is null ? null : Task.WhenAny(congested.ConvertAll(q => q.RoomAsync()));
    }

    /// <summary>Carries out the router's effects; call it inside the lock. What is for this peer itself goes to <paramref name="inbox"/>.</summary>
    private void Dispatch(List<GossipEffect>? inbox)
    {
        foreach (var effect in _effects)
        {
            switch (effect.Kind)
            {
                case GossipEffectKind.SendMessage when _links.TryGetValue(effect.Peer, out var link):
                    link.Queue.Enqueue(effect.Message!);
                    break;
                case GossipEffectKind.SendControl when _links.TryGetValue(effect.Peer, out var link):
                    var rpc = effect.Control!;
                    var gossip = rpc.Subscriptions is null && rpc.Graft is null && rpc.Prune is null;
                    foreach (var frame in GossipRpcCodec.EncodeControl(rpc, _options.MaxControlRpcSize))
                    {
                        link.Queue.Enqueue(frame, gossip);
                    }

                    break;
                case GossipEffectKind.Deliver or GossipEffectKind.Validate:
                    inbox!.Add(effect);
                    break;
            }
        }

        _effects.Clear();
    }
}
