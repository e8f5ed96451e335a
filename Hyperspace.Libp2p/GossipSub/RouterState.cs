namespace Hyperspace.Libp2p.GossipSub;

/// <summary>What the router knows of a connected peer.</summary>
internal sealed class PeerState(PeerId peer, GossipSubVersion version, bool outbound, PeerScoreRecord score)
{
    public PeerId Peer { get; } = peer;

    public GossipSubVersion Version { get; } = version;

    /// <summary>This peer dialled it.</summary>
    public bool Outbound { get; } = outbound;

    public PeerScoreRecord ScoreRecord { get; } = score;

    public double Score => ScoreRecord.Value;

    /// <summary>Topics that it subscribes to.</summary>
    public HashSet<TopicState> Topics { get; } = [];

    /// <summary>IHAVE RPCs in this heartbeat.</summary>
    public int IHaveRpcs { get; set; }

    /// <summary>Ids asked of it in this heartbeat.</summary>
    public int IdsAsked { get; set; }

    /// <summary>Control that goes out at the end of the event at hand.</summary>
    public GossipRpc? Pending { get; set; }

    public override string ToString() => Peer.ToString();
}

/// <summary>What the router knows of a topic: there as long as this peer, or a connected one, has to do with it.</summary>
internal sealed class TopicState(string name)
{
    public string Name { get; } = name;

    /// <summary>This peer subscribes; then <see cref="Mesh"/> counts.</summary>
    public bool Joined { get; set; }

    public List<PeerState> Mesh { get; } = [];

    /// <summary>Connected peers that subscribe.</summary>
    public HashSet<PeerState> Subscribers { get; } = [];

    /// <summary>Those of them that speak floodsub only.</summary>
    public List<PeerState>? FloodPeers { get; set; }

    /// <summary>Peers that messages go to when this peer publishes without subscribing; null when it does not.</summary>
    public List<PeerState>? Fanout { get; set; }

    /// <summary>When this peer last published so.</summary>
    public long LastPublish { get; set; }

    /// <summary>Until when a peer must not be grafted, nor graft; outlives its connection.</summary>
    public Dictionary<PeerId, long>? Backoffs { get; set; }

    public bool Unused => !Joined && Fanout is null && Subscribers.Count == 0 && Backoffs is null;
}
