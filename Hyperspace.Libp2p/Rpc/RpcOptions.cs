namespace Hyperspace.Libp2p.Rpc;

/// <summary>Limits of <see cref="RpcService"/>.</summary>
public sealed record RpcOptions
{
    /// <summary>The longest request payload that is sent or accepted, in bytes.</summary>
    public int MaxRequestBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>The longest payload of an answer's frame that is sent or accepted, in bytes.</summary>
    public int MaxFrameBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Calls of one peer that are served at once; further ones are answered with <see cref="RpcStatus.ResourceExhausted"/>.</summary>
    public int MaxCallsPerPeer { get; init; } = 256;

    /// <summary>Calls of all peers that are served at once; further ones are answered with <see cref="RpcStatus.ResourceExhausted"/>.</summary>
    public int MaxCalls { get; init; } = 1024;

    /// <summary>The longest method name, in UTF-16 units.</summary>
    public int MaxMethodLength { get; init; } = 128;

    /// <summary>Longer deadlines are cut to this, on both sides.</summary>
    public TimeSpan MaxDeadline { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a caller may take to send its whole request after it opened the stream.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
