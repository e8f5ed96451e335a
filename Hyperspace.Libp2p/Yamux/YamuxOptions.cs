namespace Hyperspace.Libp2p.Yamux;

/// <summary>Yamux' limits and times.</summary>
internal sealed record YamuxOptions
{
    /// <summary>Every stream's first window, in bytes (fixed by the specification).</summary>
    public const uint InitialWindow = 256 * 1024;

    /// <summary>Streams that the remote may have open at once; more are reset.</summary>
    public int MaxInboundStreams { get; init; } = 1000;

    /// <summary>Streams that one side may have opened without an acknowledgement.</summary>
    public int AckBacklog { get; init; } = 256;

    /// <summary>What auto-tuning may grow one stream's window to, in bytes.</summary>
    public uint MaxWindow { get; init; } = 16 * 1024 * 1024;

    /// <summary>What auto-tuning may add to all windows of a connection together, in bytes.</summary>
    public long WindowBudget { get; init; } = 64 * 1024 * 1024;

    /// <summary>
    /// What all streams of a connection together may have received without its being consumed, in bytes; the stream that passes it is reset.
    /// A host that reports every quarter of a window never gets there while it reads, whatever <see cref="WindowBudget"/> allows.
    /// </summary>
    public long UnreadBudget { get; init; } = 128 * 1024 * 1024;

    /// <summary>Largest data frame that is sent, in bytes; fits one Noise frame with its header.</summary>
    public int MaxFrame { get; init; } = 65519 - YamuxHeader.Size;

    /// <summary>How often the remote is pinged.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a ping may stay unanswered before the connection counts as dead.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a stream that was closed here waits for the remote's FIN before it is reset.</summary>
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(15);
}
