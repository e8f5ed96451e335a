using Google.Protobuf;
using Hyperspace.Libp2p.Relay.Wire;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Libp2p.Relay;

/// <summary>What a client asks of a relay that it is connected to (libp2p/specs relay/circuit-v2).</summary>
internal static class RelayClient
{
    private static readonly string[] Hop = [RelayMessages.HopProtocol];

    /// <summary>Makes or refreshes this peer's reservation.</summary>
    /// <exception cref="RelayRefusedException">The relay said no.</exception>
    /// <exception cref="IOException">The relay does not speak the protocol, broke it, or is gone.</exception>
    public static async Task<RelayReservation> ReserveAsync(PeerConnection relay, PeerId local, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var stream = await relay.OpenAsync(Hop, cancellationToken).ConfigureAwait(false);
        await RelayMessages.WriteAsync(stream, new HopMessage { Type = HopMessage.Types.Type.Reserve }, cancellationToken).ConfigureAwait(false);
        var answer = await RelayMessages.ReadAsync(stream, HopMessage.Parser, cancellationToken).ConfigureAwait(false);
        return RelayReservation.Read(answer, relay.RemotePeer, local, time.GetUtcNow());
    }

    /// <summary>Opens a circuit; the stream then leads to the target.</summary>
    /// <exception cref="RelayRefusedException">The relay or the target said no.</exception>
    /// <exception cref="IOException">The relay does not speak the protocol, broke it, or is gone.</exception>
    public static async Task<(PeerStream Stream, RelayLimit Limit)> ConnectAsync(PeerConnection relay, PeerId target, CancellationToken cancellationToken)
    {
        var stream = await relay.OpenAsync(Hop, cancellationToken).ConfigureAwait(false);
        try
        {
            var request = new HopMessage { Type = HopMessage.Types.Type.Connect, Peer = new Peer { Id = ByteString.CopyFrom(target.Bytes.Span) } };
            await RelayMessages.WriteAsync(stream, request, cancellationToken).ConfigureAwait(false);
            var answer = await RelayMessages.ReadAsync(stream, HopMessage.Parser, cancellationToken).ConfigureAwait(false);
            if (answer is not { HasType: true, Type: HopMessage.Types.Type.Status, HasStatus: true })
            {
                throw new RelayProtocolException($"{relay.RemotePeer} answered a CONNECT with something that is no status.");
            }

            var status = (RelayStatus)answer.Status;
            return status == RelayStatus.Ok
                ? (stream, RelayLimit.FromWire(answer.Limit))
                : throw new RelayRefusedException($"{relay.RemotePeer} opens no circuit to {target}: {status}.", status);
        }
        catch
        {
            stream.Reset();
            await stream.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
