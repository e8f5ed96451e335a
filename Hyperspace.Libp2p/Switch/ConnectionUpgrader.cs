using Hyperspace.Libp2p.Multistream;
using Hyperspace.Libp2p.Noise;
using Hyperspace.Libp2p.Transports;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Libp2p.Switch;

/// <summary>Turns a transport's connection into a secured, multiplexed one: multistream-select, Noise, Yamux.</summary>
internal sealed class ConnectionUpgrader(SwitchOptions options)
{
    private static readonly string[] Muxers = [YamuxSession.Protocol];

    /// <summary>Upgrades within the time-out; the connection is closed when that fails.</summary>
    /// <param name="raw">What a transport brought.</param>
    /// <param name="inbound">True when the remote dialed.</param>
    /// <param name="expected">Who should answer, if known.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The remote broke a protocol, is another peer than expected, is this peer itself, or is too slow.</exception>
    public async Task<Upgraded> UpgradeAsync(RawConnection raw, bool inbound, PeerId? expected, CancellationToken cancellationToken)
    {
        using var limit = new TimedCancellation(options.UpgradeTimeout, options.TimeProvider, cancellationToken);
        var stream = raw.Stream;
        try
        {
            if (raw.Handshake is not null)
            {
                stream = await raw.Handshake(limit.Token).ConfigureAwait(false);
            }

            return await UpgradeAsync(raw with { Stream = stream }, inbound, expected, limit).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (e is OperationCanceledException && limit.TimedOut)
            {
                throw new IOException($"The upgrade with {raw.RemoteAddress} took longer than {options.UpgradeTimeout.TotalSeconds} s.", e);
            }

            throw;
        }
    }

    private async Task<Upgraded> UpgradeAsync(RawConnection raw, bool inbound, PeerId? expected, TimedCancellation limit)
    {
        var cancellationToken = limit.Token;
        var clear = new ClearChannel(raw.Stream);
        SecureChannel? secure = null;
        try
        {
            await SelectAsync(clear, inbound, NoiseHandshake.Protocol, cancellationToken).ConfigureAwait(false);
            using var handshake = new NoiseHandshake(!inbound, options.KeyPair, options.EarlyMuxer ? Muxers : [], expected);
            var session = await clear.HandshakeAsync(handshake, cancellationToken).ConfigureAwait(false);
            secure = new SecureChannel(clear, session);
            if (session.RemotePeer == options.KeyPair.PeerId)
            {
                throw new IOException($"{raw.RemoteAddress} is this peer itself.");
            }

            if (session.Muxer is null)
            {
                await SelectAsync(secure, inbound, YamuxSession.Protocol, cancellationToken).ConfigureAwait(false);
            }

            return new Upgraded(raw.Stream, secure, session.RemotePeer, raw.RemoteAddress, inbound, session.Muxer is not null, raw.Limited);
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
