using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>
/// A network of nodes in virtual time, in one thread and without sockets: the same seed gives the same run. RPCs travel as
/// objects, never as bytes, but are counted with the sizes that the codec gives them. A message is signed once, by its author;
/// that it holds is then known to all, so what is left out beside sockets is decoding and checking signatures.
/// Events and links here; joining, leaving and dialling in <c>.Membership</c>.
/// </summary>
internal sealed partial class GossipSimulation
{
    /// <summary>The topic that everybody subscribes to.</summary>
    public const string Topic = "hyperspace/trajectories/simulated";

    private const int MaxControlRpcSize = 512 << 10;
    private const int MaxForgedRpcSize = 4 << 20;
    private readonly TopicTable _topicNames = new();
    private readonly EventQueue<Event> _events = new();
    private readonly Dictionary<GossipMessage, MessageTrack> _tracks = new(ReferenceEqualityComparer.Instance);
    private readonly int _seed;
    private readonly Random _random;
    private ulong _sequence;
    private (IReadOnlyList<ReadOnlyMemory<byte>>? Ids, int Size) _lastIHave;

    public GossipSimulation(int seed, NetworkModel? model = null, GossipSubParameters? parameters = null)
    {
        _seed = seed;
        _random = new Random(seed);
        Model = model ?? new NetworkModel();
        Parameters = parameters ?? new GossipSubParameters();
    }

    private enum EventKind : byte
    {
        Message,
        Control,
        Heartbeat,
        Open,
        Closed,
        Act,
    }

    public NetworkModel Model { get; set; }

    public GossipSubParameters Parameters { get; }

    /// <summary>Judges every message at every node; null: all are accepted without asking.</summary>
    public Func<GossipMessage, Validation>? Validator { get; set; }

    /// <summary>Verified authors; shared, as verdicts are.</summary>
    public AuthorCache Authors { get; } = new();

    /// <summary>The list that every router puts its effects into, one at a time.</summary>
    public List<GossipEffect> Effects { get; } = [];

    /// <summary>Virtual milliseconds since the start.</summary>
    public long Now => _events.Now;

    /// <summary>What honest peers have sent and got so far.</summary>
    public GossipTraffic Traffic { get; private set; }

    /// <summary>Messages that are being followed.</summary>
    public int Followed => _tracks.Count;

    public int NextSeed() => _random.Next();

    /// <summary>Lets virtual time pass.</summary>
    public void Run(long milliseconds)
    {
        var end = Now + milliseconds;
        while (_events.TryNext(end, out var e))
        {
            Handle(e);
        }
    }

    /// <summary>Has something done after so many virtual milliseconds.</summary>
    public void After(long milliseconds, Action act) => _events.Schedule(Now + milliseconds, new Event(EventKind.Act, null, null, act, 0));

    /// <summary>Has a node sign and publish a payload, and follows the message from then on.</summary>
    public MessageTrack Publish(RouterNode author, ReadOnlySpan<byte> data)
    {
        var message = Sign(author.Number, data);
        Span<byte> header = stackalloc byte[32];
        var track = new MessageTrack(message, author, Now, Nodes.Count, GossipRpcCodec.WriteMessageHeader(header, message) + message.Encoded.Length);
        track.Arrived(author.Number, Now, 0);
        _tracks[message] = track;
        author.Publish(message);
        return track;
    }

    /// <summary>A message as that peer signs it.</summary>
    public GossipMessage Sign(int author, ReadOnlySpan<byte> data)
    {
        using var keys = SimulatedPeers.Keys(author);
        return GossipMessage.Sign(keys, new Author(SimulatedPeers.Id(author), keys.PublicKey), Topic, data, ++_sequence, Parameters.MessageIdForm);
    }

    /// <summary>Follows a message no longer.</summary>
    public void Forget(MessageTrack track) => _tracks.Remove(track.Message);

    /// <summary>A node's application got a message for the first time.</summary>
    public void Delivered(GossipNode node, GossipMessage message, int hops)
    {
        if (_tracks.TryGetValue(message, out var track))
        {
            track.Arrived(node.Number, Now, hops);
        }
    }

    /// <summary>A node got messages that it had already.</summary>
    public void Duplicated(long count) => Traffic = Traffic with { Duplicates = Traffic.Duplicates + count };

    public void Send(GossipNode from, PeerId to, GossipMessage message)
    {
        if (!from.Links.TryGetValue(to, out var link))
        {
            return;
        }

        var followed = _tracks.TryGetValue(message, out var track);
        Span<byte> header = stackalloc byte[32];
        var size = followed ? track!.FrameSize : GossipRpcCodec.WriteMessageHeader(header, message) + message.Encoded.Length;
        if (from.Honest)
        {
            Traffic = Traffic with { Messages = Traffic.Messages + 1, Bytes = Traffic.Bytes + size };
        }

        Carry(from, link, EventKind.Message, message, followed ? track!.HopsTo(from.Number) + 1 : 0);
    }

    public void Send(GossipNode from, PeerId to, GossipRpc control)
    {
        if (!from.Links.TryGetValue(to, out var link))
        {
            return;
        }

        var size = SizeOf(control);
        if (from.Honest)
        {
            Traffic = Traffic with { Controls = Traffic.Controls + 1, Bytes = Traffic.Bytes + size, ControlBytes = Traffic.ControlBytes + size };
        }

        Carry(from, link, EventKind.Control, control, 0);
    }

    /// <summary>Sends what an attacker made up; it passes through the codec, whose limits are a part of the defence.</summary>
    public void SendForged(GossipNode from, IReadOnlyCollection<PeerId> to, GossipRpc control)
    {
        foreach (var frame in GossipRpcCodec.EncodeControl(control, MaxForgedRpcSize))
        {
            _ = Varint.Read(frame, out var prefix);
            if (GossipRpcCodec.Decode(frame.AsSpan(prefix), _topicNames, Parameters) is not { } rpc)
            {
                continue;
            }

            foreach (var peer in to)
            {
                if (from.Links.TryGetValue(peer, out var link))
                {
                    Carry(from, link, EventKind.Control, rpc, 0);
                }
            }
        }
    }

    private void Carry(GossipNode from, GossipLink link, EventKind kind, object payload, int hops)
    {
        if (Model.Loses(_random) || IsCut(link))
        {
            return;
        }

        var to = link.Other(from);
        var at = link.Arrival(to, Now + Model.Delay(link.Latency, _random));
        _events.Schedule(at, new Event(kind, to, link, payload, hops));
    }

    private void Handle(in Event e)
    {
        switch (e.Kind)
        {
            case EventKind.Message when e.Link!.Open && e.Node!.Up:
                e.Node.Receive(e.Link, (GossipMessage)e.Payload!, e.Hops);
                break;
            case EventKind.Control when e.Link!.Open && e.Node!.Up:
                e.Node.Receive(e.Link, (GossipRpc)e.Payload!);
                break;
            case EventKind.Heartbeat when e.Node!.Up:
                e.Node.Heartbeat();
                KeepDialled(e.Node);
                Beat(e.Node, (long)Parameters.HeartbeatInterval.TotalMilliseconds);
                break;
            case EventKind.Open:
                Opened(e.Link!);
                break;
            case EventKind.Closed:
                NoticeClosed(e.Node!, e.Link!);
                break;
            case EventKind.Act:
                ((Action)e.Payload!)();
                break;
        }
    }

    private void Beat(GossipNode node, long wait) => _events.Schedule(Now + wait, new Event(EventKind.Heartbeat, node, null, null, 0));

    private int SizeOf(GossipRpc control)
    {
        // One heartbeat announces the same ids to several peers, and such RPCs are the most.
        var announcement = control is { IHave: [var ihave], Subscriptions: null, IWant: null, Graft: null, Prune: null } ? ihave.Ids : null;
        if (announcement is not null && ReferenceEquals(announcement, _lastIHave.Ids))
        {
            return _lastIHave.Size;
        }

        var size = 0;
        foreach (var frame in GossipRpcCodec.EncodeControl(control, MaxControlRpcSize))
        {
            size += frame.Length;
        }

        if (announcement is not null)
        {
            _lastIHave = (announcement, size);
        }

        return size;
    }

    private readonly record struct Event(EventKind Kind, GossipNode? Node, GossipLink? Link, object? Payload, int Hops);
}

/// <summary>What honest peers have sent, with the sizes that it has on a stream, and how often they got a message again.</summary>
internal readonly record struct GossipTraffic(long Messages, long Controls, long Bytes, long ControlBytes, long Duplicates)
{
    public static GossipTraffic operator -(GossipTraffic a, GossipTraffic b) =>
        new(a.Messages - b.Messages, a.Controls - b.Controls, a.Bytes - b.Bytes, a.ControlBytes - b.ControlBytes, a.Duplicates - b.Duplicates);
}
