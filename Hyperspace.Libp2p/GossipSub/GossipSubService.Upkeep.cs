using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

public sealed partial class GossipSubService
{
    private const int BeatsBetweenAddresses = 60;
    private const string MeshTag = "gossipsub-mesh";
    private long _beats;
    private IReadOnlySet<PeerId> _kept = new HashSet<PeerId>();

    private void Beat()
    {
        try
        {
            if (Interlocked.Increment(ref _beats) % BeatsBetweenAddresses == 0)
            {
                RefreshAddresses();
            }

            lock (_gate)
            {
                _router.Heartbeat(Now(), _effects);
                Dispatch(null);
                KeepMeshes();
            }
        }
        catch (Exception e)
        {
            // On a timer's thread an exception would end the process.
            _options.Logger?.LogError(e, "A GossipSub heartbeat failed.");
        }
    }

    /// <summary>Peers of a mesh are not among those that the switch closes when it has too many connections.</summary>
    private void KeepMeshes()
    {
        var meshes = _router.MeshPeers();
        foreach (var peer in _kept.Except(meshes))
        {
            _network.Protect(peer, MeshTag, needed: false);
        }

        foreach (var peer in meshes.Except(_kept))
        {
            _network.Protect(peer, MeshTag, needed: true);
        }

        _kept = meshes;
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
}
