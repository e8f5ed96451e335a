using System.Net;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// The GossipSub router as a state machine: events in, effects out, no socket, clock or thread. Time is any monotonic
/// count of milliseconds; chance is the <see cref="Random"/> given, so a run can be repeated. Not thread-safe.
/// The parts: membership here, own messages in <c>.Publish</c>, inbound RPCs in <c>.Receive</c> and <c>.Control</c>, the mesh
/// in <c>.Mesh</c>, upkeep and gossip in <c>.Heartbeat</c>.
/// </summary>
internal sealed partial class GossipSubRouter
{
    private readonly PeerId _local;
    private readonly GossipSubParameters _parameters;
    private readonly Random _random;
    private readonly AuthorCache _authors;
    private readonly Func<string, bool> _needsValidation;
    private readonly Func<PeerId, byte[]?> _signedRecordOf;
    private readonly PeerScore _score;
    private readonly SeenCache _seen;
    private readonly SeenCache _rejected;
    private readonly MessageCache _cache;
    private readonly GossipPromises _promises = new();
    private readonly Dictionary<PeerId, PeerState> _peers = [];
    private readonly Dictionary<string, TopicState> _topics = [];
    private readonly List<TopicState> _joined = [];
    private readonly List<PeerState> _pending = [];
    private readonly List<PeerState> _scratch = [];
    private long _ticks;
    private int _pxConnects;

    /// <summary>
    /// A router for <paramref name="local"/>. Topics for which <paramref name="needsValidation"/> says yes have their messages
    /// judged by <see cref="GossipEffectKind.Validate"/>; <paramref name="signedRecordOf"/> finds what peers are introduced with (PX).
    /// </summary>
    public GossipSubRouter(PeerId local, GossipSubParameters parameters, Random random, AuthorCache? authors = null, Func<string, bool>? needsValidation = null, Func<PeerId, byte[]?>? signedRecordOf = null)
    {
        _local = local;
        _parameters = parameters;
        _random = random;
        _authors = authors ?? new AuthorCache();
        _needsValidation = needsValidation ?? (static _ => false);
        _signedRecordOf = signedRecordOf ?? (static _ => null);
        _score = new PeerScore(parameters.Score);
        _seen = new SeenCache((long)parameters.SeenTtl.TotalMilliseconds);
        _rejected = new SeenCache((long)parameters.SeenTtl.TotalMilliseconds);
        _cache = new MessageCache(parameters.HistoryLength, parameters.HistoryGossip, parameters.MaxHistoryBytes);
    }

    public long Published { get; private set; }

    public long Delivered { get; private set; }

    public long Duplicates { get; private set; }

    public long Rejected { get; private set; }

    /// <summary>Copies not sent because their receivers refused them.</summary>
    public long Spared { get; private set; }

    /// <summary>Topics that this peer subscribes to.</summary>
    public IReadOnlyCollection<string> Topics => _joined.ConvertAll(t => t.Name);

    /// <summary>Topics that anything at all is remembered of.</summary>
    internal int KnownTopics => _topics.Count;

    public IReadOnlyCollection<PeerId> SubscribersOf(string topic) =>
        _topics.TryGetValue(topic, out var state) ? [.. state.Subscribers.Select(p => p.Peer)] : [];

    public IReadOnlyCollection<PeerId> MeshOf(string topic) =>
        _topics.TryGetValue(topic, out var state) ? state.Mesh.ConvertAll(p => p.Peer) : [];

    /// <summary>The peers of all meshes.</summary>
    public IReadOnlySet<PeerId> MeshPeers() => _topics.Values.SelectMany(t => t.Mesh).Select(p => p.Peer).ToHashSet();

    internal IReadOnlyCollection<PeerId> FanoutOf(string topic) =>
        _topics.TryGetValue(topic, out var state) && state.Fanout is { } fanout ? fanout.ConvertAll(p => p.Peer) : [];

    /// <summary>A connected peer's score; 0 for others.</summary>
    public double ScoreOf(PeerId peer) => _peers.TryGetValue(peer, out var state) ? state.Score : 0;

    /// <summary>Where each connected peer's score comes from.</summary>
    public IReadOnlyList<PeerScoreBreakdown> Scores() => _score.Inspect();

    /// <summary>
    /// A peer connected, from <paramref name="address"/> if that is known (P6): it is told this peer's topics. Known peers
    /// keep their state.
    /// </summary>
    public void AddPeer(PeerId peer, GossipSubVersion version, bool outbound, List<GossipEffect> effects, IPAddress? address = null)
    {
        if (_peers.ContainsKey(peer) || peer == _local)
        {
            return;
        }

        _peers[peer] = new PeerState(peer, version, outbound, _parameters.DirectPeers.Contains(peer), _score.Connect(peer, address));
        Announce(peer, effects);
    }

    /// <summary>All addresses that the peer's connections come from, when they have changed.</summary>
    public void SetAddresses(PeerId peer, IEnumerable<IPAddress> addresses)
    {
        if (_peers.TryGetValue(peer, out var state))
        {
            _score.SetAddresses(state.ScoreRecord, addresses);
        }
    }

    /// <summary>The stream to a peer was opened (again): tells it the topics and the meshes that it is in, which it may have missed.</summary>
    public void Announce(PeerId peer, List<GossipEffect> effects)
    {
        if (!_peers.TryGetValue(peer, out var state))
        {
            return;
        }

        foreach (var topic in _joined)
        {
            (Pending(state).Subscriptions ??= []).Add(new TopicSubscription(topic.Name, true));
            if (topic.Mesh.Contains(state))
            {
                (Pending(state).Graft ??= []).Add(topic.Name);
            }
        }

        Flush(effects);
    }

    /// <summary>The last connection to a peer is gone.</summary>
    public void RemovePeer(PeerId peer, long now)
    {
        if (!_peers.Remove(peer, out var state))
        {
            return;
        }

        foreach (var topic in state.Topics)
        {
            topic.Subscribers.Remove(state);
            topic.FloodPeers?.Remove(state);
            topic.Fanout?.Remove(state);
            topic.Gossiped.Remove(state);
            DropIfUnused(topic);
        }

        // All joined topics: a peer may graft without having subscribed. The score settles what it owes there.
        foreach (var topic in _joined)
        {
            topic.Mesh.Remove(state);
        }

        _promises.Forget(peer);
        _score.Disconnect(state.ScoreRecord, now);
    }

    /// <summary>Joins a topic: announces it, and grafts a mesh out of the fanout and the known subscribers.</summary>
    public void Subscribe(string topic, long now, List<GossipEffect> effects)
    {
        var state = Topic(topic);
        if (state.Joined)
        {
            return;
        }

        state.Joined = true;
        _joined.Add(state);
        foreach (var peer in _peers.Values)
        {
            (Pending(peer).Subscriptions ??= []).Add(new TopicSubscription(topic, true));
        }

        foreach (var peer in state.Fanout ?? [])
        {
            if (state.Mesh.Count < _parameters.D && MayGraft(state, peer, now))
            {
                Graft(state, peer, now);
            }
        }

        state.Fanout = null;
        GraftUpTo(state, _parameters.D, now);
        Flush(effects);
    }

    /// <summary>Leaves a topic: prunes the mesh with the short backoff and announces it.</summary>
    public void Unsubscribe(string topic, long now, List<GossipEffect> effects)
    {
        if (!_topics.TryGetValue(topic, out var state) || !state.Joined)
        {
            return;
        }

        state.Joined = false;
        _joined.Remove(state);
        foreach (var peer in _peers.Values)
        {
            (Pending(peer).Subscriptions ??= []).Add(new TopicSubscription(topic, false));
        }

        foreach (var peer in state.Mesh)
        {
            _score.Pruned(peer.ScoreRecord, topic);
            SendPrune(state, peer, _parameters.UnsubscribeBackoff, now, _parameters.PxOnUnsubscribe);
        }

        state.Mesh.Clear();
        DropIfUnused(state);
        Flush(effects);
    }

    private TopicState Topic(string name)
    {
        if (!_topics.TryGetValue(name, out var topic))
        {
            _topics[name] = topic = new TopicState(name);
        }

        return topic;
    }

    private void DropIfUnused(TopicState topic)
    {
        if (topic.Unused)
        {
            _topics.Remove(topic.Name);
        }
    }

    /// <summary>The control RPC that goes to a peer when the event at hand is done.</summary>
    private GossipRpc Pending(PeerState peer)
    {
        if (peer.Pending is null)
        {
            peer.Pending = new GossipRpc();
            _pending.Add(peer);
        }

        return peer.Pending;
    }

    private void Flush(List<GossipEffect> effects)
    {
        foreach (var peer in _pending)
        {
            effects.Add(new GossipEffect(GossipEffectKind.SendControl, peer.Peer, null, peer.Pending));
            peer.Pending = null;
        }

        _pending.Clear();
    }

    /// <summary>Leaves <paramref name="count"/> of the candidates, chosen at random, in random order.</summary>
    private void Choose<T>(List<T> candidates, int count)
    {
        var keep = Math.Clamp(count, 0, candidates.Count);
        for (var i = 0; i < keep; i++)
        {
            var j = _random.Next(i, candidates.Count);
            (candidates[i], candidates[j]) = (candidates[j], candidates[i]);
        }

        candidates.RemoveRange(keep, candidates.Count - keep);
    }
}
