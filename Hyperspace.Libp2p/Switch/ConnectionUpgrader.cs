using System.Net.Sockets;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Multistream;
using Hyperspace.Libp2p.Noise;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Turns a TCP socket into a secured, multiplexed connection: multistream-select, Noise, Yamux.</summary>
internal sealed class ConnectionUpgrader(SwitchOptions options)
{
    private static readonly string[] Muxers = [YamuxSession.Protocol];

    /// <summary>Upgrades within the time-out; the socket is closed when that fails.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="remote">Where its other end is, without <c>/p2p</c>.</param>
    /// <param name="inbound">True when the remote dialed.</param>
    /// <param name="expected">Who should answer, if known.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The remote broke a protocol, is another peer than expected, is this peer itself, or is too slow.</exception>
    public async Task<Upgraded> UpgradeAsync(Socket socket, Multiaddr remote, bool inbound, PeerId? expected, CancellationToken cancellationToken)
    {
        socket.NoDelay = true;
        var transport = new NetworkStream(socket, ownsSocket: true);
        using var late = new CancellationTokenSource(options.UpgradeTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await UpgradeAsync(transport, remote, inbound, expected, either.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && late.IsCancellationRequested)
            {
                throw new IOException($"The upgrade with {remote} took longer than {options.UpgradeTimeout.TotalSeconds} s.", e);
            }

            throw;
        }
    }

    private async Task<Upgraded> UpgradeAsync(Stream transport, Multiaddr remote, bool inbound, PeerId? expected, CancellationToken cancellationToken)
    {
        var clear = new ClearChannel(transport);
        SecureChannel? secure = null;
        try
        {
            await SelectAsync(clear, inbound, NoiseHandshake.Protocol, cancellationToken).ConfigureAwait(false);
            using var handshake = new NoiseHandshake(!inbound, options.KeyPair, options.EarlyMuxer ? Muxers : [], expected);
            var session = await clear.HandshakeAsync(handshake, cancellationToken).ConfigureAwait(false);
            secure = new SecureChannel(clear, session);
            if (session.RemotePeer == options.KeyPair.PeerId)
            {
                throw new IOException($"{remote} is this peer itself.");
            }

            if (session.Muxer is null)
            {
                await SelectAsync(secure, inbound, YamuxSession.Protocol, cancellationToken).ConfigureAwait(false);
            }

            return new Upgraded(transport, secure, session.RemotePeer, remote, inbound, session.Muxer is not null);
        }
        catch
        {
            clear.Received.Dispose();
            secure?.Dispose();
            throw;
        }
    }

    private Task<string> SelectAsync(IByteChannel channel, bool inbound, string protocol, CancellationToken cancellationToken) =>
        channel.NegotiateAsync(
            inbound ? new MultistreamListener(p => p == protocol) : new MultistreamDialer([protocol]),
            options.NegotiationTimeout,
            options.TimeProvider,
            cancellationToken);
}
