using System.Buffers;
using System.Security.Cryptography;

namespace Hyperspace.Libp2p.Echo;

/// <summary>
/// Echo, for diagnosis: what comes in goes out again until the remote closes its writing side; then this side closes too.
/// No specification has it; js-libp2p's examples have the like.
/// </summary>
public sealed class EchoService
{
    /// <summary>The protocol's name.</summary>
    public const string Protocol = "/hyperspace/echo/1.0.0";

    private const int Chunk = 64 * 1024;
    private const int MaxInboundPerPeer = 32;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(1);
    private readonly ISwitch _switch;
    private readonly TimeProvider _time;

    /// <summary>Serves echoes on <paramref name="peers"/>.</summary>
    public EchoService(ISwitch peers, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _switch = peers;
        _time = time ?? TimeProvider.System;
        peers.Handle(Protocol, ServeAsync, MaxInboundPerPeer);
    }

    /// <summary>
    /// Sends random bytes over one new stream and waits until all of them came back, <paramref name="rounds"/> times; then
    /// closes the writing side and waits for the remote to close its own.
    /// </summary>
    /// <param name="peer">Who echoes.</param>
    /// <param name="bytes">Bytes per round; none is fine.</param>
    /// <param name="rounds">Round trips, one after the other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What each round took.</returns>
    /// <exception cref="IOException">The peer cannot be reached, or sent other bytes, fewer or more.</exception>
    public async Task<IReadOnlyList<TimeSpan>> EchoAsync(PeerId peer, int bytes, int rounds = 1, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rounds);
        await using var stream = await _switch.OpenStreamAsync(peer, [Protocol], cancellationToken).ConfigureAwait(false);
        try
        {
            return await EchoAsync(stream, bytes, rounds, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Whoever echoes has no more to send for.
            stream.Reset();
            throw;
        }
    }

    private async Task<IReadOnlyList<TimeSpan>> EchoAsync(IPeerStream stream, int bytes, int rounds, CancellationToken cancellationToken)
    {
        var sent = RandomNumberGenerator.GetBytes(bytes);
        var took = new List<TimeSpan>();
        for (var round = 1; round <= rounds; round++)
        {
            var start = _time.GetTimestamp();

            // Both at once: a window that is full on both sides would stop whoever only writes.
            var coming = ReadBackAsync(stream, sent, cancellationToken);
            await stream.WriteAsync(sent, cancellationToken).ConfigureAwait(false);
            if (round == rounds)
            {
                await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
            }

            await coming.ConfigureAwait(false);
            took.Add(_time.GetElapsedTime(start));
        }

        return await stream.ReadAsync(new byte[1], cancellationToken).ConfigureAwait(false) == 0
            ? took
            : throw new IOException($"{stream.RemotePeer} sent back more than it was sent.");
    }

    private static async Task ReadBackAsync(IPeerStream stream, ReadOnlyMemory<byte> sent, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            for (var read = 0; read < sent.Length;)
            {
                var count = await stream.ReadAsync(buffer.AsMemory(0, Math.Min(Chunk, sent.Length - read)), cancellationToken).ConfigureAwait(false);
                if (count == 0)
                {
                    throw new IOException($"{stream.RemotePeer} sent {read} of {sent.Length} bytes back.");
                }

                if (!buffer.AsSpan(0, count).SequenceEqual(sent.Span.Slice(read, count)))
                {
                    throw new IOException($"{stream.RemotePeer} sent other bytes back.");
                }

                read += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        using var idle = new TimedCancellation(IdleTimeout, _time, cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (true)
            {
                idle.Restart(IdleTimeout);
                var count = await stream.ReadAsync(buffer, idle.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    return;
                }

                await stream.WriteAsync(buffer.AsMemory(0, count), idle.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
