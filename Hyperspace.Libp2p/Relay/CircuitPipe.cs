using System.Buffers;

namespace Hyperspace.Libp2p.Relay;

/// <summary>Why a circuit ended.</summary>
internal enum CircuitEnd
{
    /// <summary>Both ends closed.</summary>
    Closed,

    /// <summary>An end wanted to send more than the limit.</summary>
    ByteLimit,

    /// <summary>It lasted as long as it may.</summary>
    TimeLimit,

    /// <summary>A stream broke.</summary>
    Broken,
}

/// <summary>
/// Joins two streams. Each direction reads only when the other end took what was read before, so a slow reader slows
/// the sender; exactly the limit's bytes pass, and the first byte beyond it resets both streams.
/// </summary>
internal static class CircuitPipe
{
    /// <summary>Carries bytes until both ends closed or a limit is reached; does not throw for what the ends do.</summary>
    public static async Task<CircuitEnd> RunAsync(IPeerStream a, IPeerStream b, RelayLimit limit, int bufferSize, TimeProvider time, CancellationToken cancellationToken)
    {
        using var lifetime = new TimedCancellation(limit.Duration > TimeSpan.Zero ? limit.Duration : Timeout.InfiniteTimeSpan, time, cancellationToken);
        var ends = await Task.WhenAll(CopyAsync(a, b, limit.Bytes, bufferSize, lifetime), CopyAsync(b, a, limit.Bytes, bufferSize, lifetime)).ConfigureAwait(false);

        // When one direction meets a limit, the other only finds its streams reset.
        return Array.Find(ends, e => e is CircuitEnd.ByteLimit or CircuitEnd.TimeLimit) is var cause and not CircuitEnd.Closed ? cause
            : Array.Find(ends, e => e != CircuitEnd.Closed);
    }

    private static async Task<CircuitEnd> CopyAsync(IPeerStream from, IPeerStream to, ulong maxBytes, int bufferSize, TimedCancellation lifetime)
    {
        var end = CircuitEnd.Broken;
        var budget = new ByteBudget(maxBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(bufferSize);
        try
        {
            while (true)
            {
                var read = await from.ReadAsync(buffer.AsMemory(0, bufferSize), lifetime.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    await to.CloseWriteAsync(lifetime.Token).ConfigureAwait(false);
                    return end = CircuitEnd.Closed;
                }

                var allowed = budget.Take(read);
                await to.WriteAsync(buffer.AsMemory(0, allowed), lifetime.Token).ConfigureAwait(false);
                if (allowed < read)
                {
                    return end = CircuitEnd.ByteLimit;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return end = e is OperationCanceledException && lifetime.TimedOut ? CircuitEnd.TimeLimit : CircuitEnd.Broken;
        }
        finally
        {
            if (end != CircuitEnd.Closed)
            {
                from.Reset();
                to.Reset();
            }

            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
