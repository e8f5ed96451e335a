using System.Buffers;
using System.Buffers.Binary;

namespace Hyperspace.Libp2p.Perf;

/// <summary>What a <see cref="PerfService"/> run took.</summary>
/// <param name="Upload">From the request to the first word of the remote, which it says when it has read everything.</param>
/// <param name="Download">From then to the last byte.</param>
public sealed record PerfResult(TimeSpan Upload, TimeSpan Download);

/// <summary>The remote's perf request makes no sense.</summary>
public sealed class PerfException(string message) : ProtocolViolationException(message);

/// <summary>
/// Perf (libp2p/specs perf): the client sends how many bytes it wants (u64, big-endian), uploads as many as it likes and
/// closes its writing side; the server reads them all, sends what was asked for, and closes.
/// </summary>
public sealed class PerfService
{
    /// <summary>The protocol's name.</summary>
    public const string Protocol = "/perf/1.0.0";

    /// <summary>Most bytes that a server sends on one stream: 1 TiB.</summary>
    public const ulong MaxDownload = 1UL << 40;

    private const int Chunk = 64 * 1024;
    private const int MaxInboundPerPeer = 2;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(1);
    private static readonly byte[] Zeros = new byte[Chunk];
    private readonly ISwitch _switch;
    private readonly TimeProvider _time;

    /// <summary>Serves perf on <paramref name="peers"/>: whoever connects may fill the line, so for diagnosis only.</summary>
    public PerfService(ISwitch peers, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _switch = peers;
        _time = time ?? TimeProvider.System;
        peers.Handle(Protocol, ServeAsync, MaxInboundPerPeer);
    }

    /// <summary>Uploads, then downloads, over one new stream.</summary>
    /// <param name="peer">The server.</param>
    /// <param name="upload">Bytes to send.</param>
    /// <param name="download">Bytes to ask for.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The peer cannot be reached, or sent fewer or more bytes.</exception>
    public async Task<PerfResult> PerfAsync(PeerId peer, ulong upload, ulong download, CancellationToken cancellationToken = default)
    {
        await using var stream = await _switch.OpenStreamAsync(peer, [Protocol], cancellationToken).ConfigureAwait(false);
        try
        {
            return await PerfAsync(stream, upload, download, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Whoever uploads or downloads has nobody to do it for.
            stream.Reset();
            throw;
        }
    }

    private async Task<PerfResult> PerfAsync(IPeerStream stream, ulong upload, ulong download, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        var request = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(request, download);
        await stream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
        await SendAsync(stream, upload, null, cancellationToken).ConfigureAwait(false);
        await stream.CloseWriteAsync(cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            var received = (ulong)await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            var uploaded = _time.GetTimestamp();
            for (var count = (int)received; count > 0; received += (ulong)count)
            {
                count = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }

            return received == download
                ? new PerfResult(_time.GetElapsedTime(start, uploaded), _time.GetElapsedTime(uploaded))
                : throw new IOException($"{stream.RemotePeer} sent {received} bytes where {download} were asked for.");
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
            idle.Restart(IdleTimeout);
            for (var read = 0; read < sizeof(ulong);)
            {
                var count = await stream.ReadAsync(buffer.AsMemory(read, sizeof(ulong) - read), idle.Token).ConfigureAwait(false);
                read += count > 0 ? count : throw new PerfException("A perf stream ended before it said how much to send.");
            }

            var wanted = BinaryPrimitives.ReadUInt64BigEndian(buffer);
            if (wanted > MaxDownload)
            {
                throw new PerfException($"{wanted} bytes were asked for; at most {MaxDownload} are sent.");
            }

            do
            {
                idle.Restart(IdleTimeout);
            }
            while (await stream.ReadAsync(buffer, idle.Token).ConfigureAwait(false) > 0);
            await SendAsync(stream, wanted, idle, idle.Token).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async Task SendAsync(IPeerStream stream, ulong bytes, TimedCancellation? idle, CancellationToken cancellationToken)
    {
        while (bytes > 0)
        {
            idle?.Restart(IdleTimeout);
            var count = (int)Math.Min(bytes, Chunk);
            await stream.WriteAsync(Zeros.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            bytes -= (ulong)count;
        }
    }
}
