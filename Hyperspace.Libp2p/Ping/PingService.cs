using System.Security.Cryptography;

namespace Hyperspace.Libp2p.Ping;

/// <summary>Ping (libp2p/specs ping): 32 random bytes go out and come back; streams are served until the remote closes its side.</summary>
public sealed class PingService
{
    /// <summary>The protocol's name.</summary>
    public const string Protocol = "/ipfs/ping/1.0.0";

    private const int Length = 32;
    private const int MaxInboundPerPeer = 2;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(1);
    private readonly ISwitch _switch;
    private readonly TimeProvider _time;

    /// <summary>Serves pings on <paramref name="peers"/>.</summary>
    public PingService(ISwitch peers, TimeProvider? time = null)
    {
        _switch = peers;
        _time = time ?? TimeProvider.System;
        peers.Handle(Protocol, ServeAsync, MaxInboundPerPeer, runOnLimited: true);
    }

    /// <summary>Pings a peer over a new stream and returns the round trip of the 32 bytes.</summary>
    /// <exception cref="IOException">The peer cannot be reached, or answered with other bytes.</exception>
    public async Task<TimeSpan> PingAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        await using var stream = await _switch.OpenStreamAsync(peer, [Protocol], runOnLimited: true, cancellationToken).ConfigureAwait(false);
        var sent = RandomNumberGenerator.GetBytes(Length);
        var received = new byte[Length];
        var start = _time.GetTimestamp();
        await stream.WriteAsync(sent, cancellationToken).ConfigureAwait(false);
        var whole = await ReadWholeAsync(stream, received, cancellationToken).ConfigureAwait(false);
        var elapsed = _time.GetElapsedTime(start);
        return whole && received.AsSpan().SequenceEqual(sent)
            ? elapsed
            : throw new IOException($"{peer} did not send the ping's bytes back.");
    }

    private static async ValueTask<bool> ReadWholeAsync(IPeerStream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            var read = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }

            buffer = buffer[read..];
        }

        return true;
    }

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[Length];
        using var idle = new TimedCancellation(IdleTimeout, _time, cancellationToken);
        while (true)
        {
            idle.Restart(IdleTimeout);
            if (!await ReadWholeAsync(stream, buffer, idle.Token).ConfigureAwait(false))
            {
                return;
            }

            await stream.WriteAsync(buffer, idle.Token).ConfigureAwait(false);
        }
    }
}
