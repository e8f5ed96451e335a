using Hyperspace.Contracts;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>Gets other peers' records: from the peer itself, else from the DHT. What it gets goes into the store.</summary>
internal sealed class CapabilityFetcher(PeerServices peer, CapabilityStore store)
{
    private static readonly TimeSpan DirectTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    /// <summary>The peer's record: a fresh one out of the store, else asked for. Null when nobody has one in time.</summary>
    public async Task<PeerCapabilities?> GetAsync(PeerId provider, string tier, CancellationToken cancellationToken)
    {
        if (store.Use(provider) is { } known && peer.Time.GetUtcNow() - known.HeardAt < Fresh)
        {
            return known.Record;
        }

        var record = await AskPeerAsync(provider, cancellationToken).ConfigureAwait(false) ?? await AskRoutingAsync(provider, cancellationToken).ConfigureAwait(false);
        if (record is null)
        {
            return null;
        }

        peer.Switch.AddAddresses(provider, record.Addresses);
        store.Offer(record, tier);
        return record;
    }

    private async Task<PeerCapabilities?> AskPeerAsync(PeerId provider, CancellationToken cancellationToken)
    {
        try
        {
            return Open(provider, await peer.Rpc.CallUnaryAsync(provider, RpcMethods.CapabilitiesGet, ReadOnlyMemory<byte>.Empty, DirectTimeout, cancellationToken).ConfigureAwait(false));
        }
        catch (RpcException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }

    private async Task<PeerCapabilities?> AskRoutingAsync(PeerId provider, CancellationToken cancellationToken)
    {
        var value = await peer.Routing.GetValueAsync(CapabilityRecords.KeyOf(provider), cancellationToken).ConfigureAwait(false);
        return value is { } bytes ? Open(provider, bytes) : null;
    }

    private PeerCapabilities? Open(PeerId provider, ReadOnlyMemory<byte> bytes) =>
        CapabilityRecords.Open(bytes, peer.Time.GetUtcNow(), out _) is { } record && record.Peer == provider ? record : null;
}
