using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>Options of <see cref="GossipSubService"/>.</summary>
public sealed record GossipSubOptions
{
    /// <summary>Parameters of the protocol.</summary>
    public GossipSubParameters Parameters { get; init; } = new();

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Seed of the choices that the router makes at random; null takes one from the operating system.</summary>
    public int? RandomSeed { get; init; }

    /// <summary>Where to log.</summary>
    public ILogger? Logger { get; init; }

    /// <summary>Largest RPC that is read, in bytes.</summary>
    public int MaxRpcSize { get; init; } = 4 << 20;

    /// <summary>Largest control RPC that is sent, in bytes; larger ones are split.</summary>
    public int MaxControlRpcSize { get; init; } = 512 << 10;

    /// <summary>Bytes of messages that wait for one slow peer; beyond that, messages to it are dropped and counted.</summary>
    public int MaxQueuedBytes { get; init; } = 16 << 20;

    /// <summary>Messages that wait for one handler.</summary>
    public int MaxQueuedDeliveries { get; init; } = 4096;

    /// <summary>How long a full queue holds back whoever fills it (a reader, a publisher) before messages are dropped.</summary>
    public TimeSpan QueuePatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Asynchronous validators that run at once; beyond that, whoever brings messages waits.</summary>
    public int MaxConcurrentValidations { get; init; } = 64;

    /// <summary>Time that an asynchronous validator has.</summary>
    public TimeSpan ValidationTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Threads that check the signatures of one peer's messages at once.</summary>
    public int MaxVerifyParallelism { get; init; } = Math.Min(8, Environment.ProcessorCount);

    /// <summary>Time in which a peer that was introduced by PX, or a direct peer, must be reached.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Such peers that are dialled at once; further ones are not dialled.</summary>
    public int MaxConcurrentConnects { get; init; } = 16;

    /// <summary>Wait before a broken outbound stream is opened again; doubles up to 32 times.</summary>
    public TimeSpan ReopenDelay { get; init; } = TimeSpan.FromMilliseconds(500);
}
