namespace Hyperspace.Libp2p.GossipSub;

/// <summary>How a message id is formed. Peers that disagree still get mesh pushes, but lazy pull (IHAVE/IWANT) between them breaks.</summary>
public enum MessageIdForm
{
    /// <summary>js-libp2p's default: the author's public key protobuf ‖ seqno (44 bytes).</summary>
    KeyAndSequence,

    /// <summary>The pubsub specification's default, also go's: the <c>from</c> field ‖ seqno (46 bytes).</summary>
    AuthorAndSequence,
}

/// <summary>What a message id can be made of.</summary>
/// <param name="from">The author's peer id bytes.</param>
/// <param name="sequenceNumber">The author's sequence number.</param>
/// <param name="topic">The topic.</param>
/// <param name="data">The payload.</param>
/// <returns>1 to 128 bytes. Called on any thread, before the signature is checked; pure, and it must not throw.</returns>
public delegate byte[] MessageIdFunction(ReadOnlySpan<byte> from, ulong sequenceNumber, string topic, ReadOnlySpan<byte> data);

/// <summary>Parameters of the protocol (libp2p/specs gossipsub-v1.0, v1.1 and v1.2). The defaults are js-libp2p's.</summary>
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

    /// <summary>A PRUNE introduces other peers of the topic (peer exchange), with their signed records.</summary>
    public bool DoPx { get; init; }

    /// <summary>With <see cref="DoPx"/>: those too that this peer sends when it leaves a topic.</summary>
    public bool PxOnUnsubscribe { get; init; } = true;

    /// <summary>Peers that one PRUNE introduces, and that are accepted of one.</summary>
    public int PxPeers { get; init; } = 16;

    /// <summary>Introduced peers that are dialled in a heartbeat, whoever introduces them.</summary>
    public int MaxPxConnects { get; init; } = 16;

    /// <summary>Payload from which on mesh peers are told that a message has come (IDONTWANT), in bytes.</summary>
    public int IDontWantMinSize { get; init; } = 512;

    /// <summary>Ids that one peer may refuse in a heartbeat; further ones are not heard.</summary>
    public int MaxIDontWantIds { get; init; } = 512;

    /// <summary>Heartbeats for which a refusal holds.</summary>
    public int IDontWantHeartbeats { get; init; } = 3;

    /// <summary>
    /// Peers with which all messages of common topics are exchanged, outside the mesh and whatever their score (explicit
    /// peering agreements; both sides should list each other).
    /// </summary>
    public IReadOnlySet<PeerId> DirectPeers { get; init; } = new HashSet<PeerId>();

    /// <summary>Heartbeats between attempts to connect to direct peers that are away; the first is at the first heartbeat.</summary>
    public int DirectConnectTicks { get; init; } = 300;

    /// <summary>Largest payload of a message, in bytes.</summary>
    public int MaxMessageSize { get; init; } = 1 << 20;

    /// <summary>Longest topic name, in bytes of UTF-8.</summary>
    public int MaxTopicLength { get; init; } = 256;

    /// <summary>Topics that one peer may subscribe to; further ones are not recorded.</summary>
    public int MaxTopicsPerPeer { get; init; } = 2048;

    /// <summary>Topics of which others' subscriptions are recorded; null for all. Whatever this peer joins must pass.</summary>
    public Func<string, bool>? SubscriptionFilter { get; init; }

    /// <summary>How message ids are formed; all peers of a topic must agree.</summary>
    public MessageIdForm MessageIdForm { get; init; } = MessageIdForm.KeyAndSequence;

    /// <summary>Forms message ids instead of <see cref="MessageIdForm"/>.</summary>
    public MessageIdFunction? MessageId { get; init; }

    /// <summary>Peer scoring.</summary>
    public PeerScoreParameters Score { get; init; } = new();
}
