using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>How a message id is formed. Peers that disagree still get mesh pushes, but lazy pull (IHAVE/IWANT) between them breaks.</summary>
public enum MessageIdForm
{
    /// <summary>js-libp2p's default: the author's public key protobuf ‖ seqno (44 bytes).</summary>
    KeyAndSequence,

    /// <summary>The pubsub specification's default, also go's: the <c>from</c> field ‖ seqno (46 bytes).</summary>
    AuthorAndSequence,
}

/// <summary>Parameters of the protocol (libp2p/specs gossipsub-v1.0 and v1.1). The defaults are js-libp2p's.</summary>
public sealed record GossipSubParameters
{
    /// <summary>Desired mesh degree (D).</summary>
    public int D { get; init; } = 6;

    /// <summary>A mesh smaller than this is filled up to <see cref="D"/>.</summary>
    public int Dlo { get; init; } = 4;

    /// <summary>A mesh larger than this is pruned down to <see cref="D"/>.</summary>
    public int Dhi { get; init; } = 12;

    /// <summary>Peers outside the mesh that get IHAVE per heartbeat, at least.</summary>
    public int Dlazy { get; init; } = 6;

    /// <summary>Best-scored peers that an over-full mesh keeps.</summary>
    public int Dscore { get; init; } = 4;

    /// <summary>Outbound connections that a mesh keeps, against eclipse by inbound peers.</summary>
    public int Dout { get; init; } = 2;

    /// <summary>Share of the peers outside the mesh that get IHAVE, when that is more than <see cref="Dlazy"/>.</summary>
    public double GossipFactor { get; init; } = 0.25;

    /// <summary>Time between heartbeats.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Time to the first heartbeat.</summary>
    public TimeSpan HeartbeatInitialDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Heartbeats for which a message can be asked for by IWANT.</summary>
    public int HistoryLength { get; init; } = 5;

    /// <summary>Heartbeats for which a message is announced by IHAVE.</summary>
    public int HistoryGossip { get; init; } = 3;

    /// <summary>Bytes of messages kept for IWANT; the oldest go first.</summary>
    public long MaxHistoryBytes { get; init; } = 64 << 20;

    /// <summary>How long a topic that is published to but not joined keeps its peers after the last publish.</summary>
    public TimeSpan FanoutTtl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a message id is remembered, at least.</summary>
    public TimeSpan SeenTtl { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Time before a pruned peer may graft again.</summary>
    public TimeSpan PruneBackoff { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The same after leaving a topic.</summary>
    public TimeSpan UnsubscribeBackoff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest backoff that a remote can impose.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A GRAFT so soon after a PRUNE is penalised twice.</summary>
    public TimeSpan GraftFloodThreshold { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Heartbeats between opportunistic grafts.</summary>
    public int OpportunisticGraftTicks { get; init; } = 60;

    /// <summary>Peers grafted then.</summary>
    public int OpportunisticGraftPeers { get; init; } = 2;

    /// <summary>Ids per IHAVE sent, and ids that one peer can make this peer ask for in a heartbeat.</summary>
    public int MaxIHaveLength { get; init; } = 5000;

    /// <summary>IHAVE RPCs of one peer that are looked at in a heartbeat.</summary>
    public int MaxIHaveMessages { get; init; } = 10;

    /// <summary>Time in which an IWANT must be answered before it counts as a broken promise.</summary>
    public TimeSpan IWantFollowUp { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Times that one message is sent to one peer in answer to IWANT.</summary>
    public int GossipRetransmission { get; init; } = 3;

    /// <summary>Own messages go to every peer of the topic, not only to the mesh.</summary>
    public bool FloodPublish { get; init; } = true;

    /// <summary>Largest payload of a message, in bytes.</summary>
    public int MaxMessageSize { get; init; } = 1 << 20;

    /// <summary>Longest topic name, in bytes of UTF-8.</summary>
    public int MaxTopicLength { get; init; } = 256;

    /// <summary>Topics that one peer may subscribe to; further ones are not recorded.</summary>
    public int MaxTopicsPerPeer { get; init; } = 2048;

    /// <summary>How message ids are formed.</summary>
    public MessageIdForm MessageIdForm { get; init; } = MessageIdForm.KeyAndSequence;

    /// <summary>Peer scoring.</summary>
    public PeerScoreParameters Score { get; init; } = new();
}

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

    /// <summary>Wait before a broken outbound stream is opened again; doubles up to 32 times.</summary>
    public TimeSpan ReopenDelay { get; init; } = TimeSpan.FromMilliseconds(500);
}
