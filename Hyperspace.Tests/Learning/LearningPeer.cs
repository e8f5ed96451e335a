using System.Collections.Concurrent;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using PeerRecord = Hyperspace.Libp2p.PeerRecord;

namespace Hyperspace.Tests.Learning;

/// <summary>
/// The learning primitive on the real engine. The mesh is observed from outside: what the peer says to the gossip
/// actor can be read, and messages of other authors can be delivered to whoever subscribed.
/// </summary>
internal sealed class LearningPeer : IAsyncDisposable
{
    private readonly Channel<object> _said = Channel.CreateUnbounded<object>();
    private readonly ConcurrentDictionary<string, IActorRef> _subscribers = new();

    private LearningPeer(int author, LoopbackNetwork network)
    {
        Identity = new PeerIdentity(Runs.Author(author), new NoWallet(), new IdentityBinding());
        Network = network.Join(Identity.PeerId);
    }

    public PeerIdentity Identity { get; }

    public LoopbackNetwork.Node Network { get; }

    public EngineFixture Engine { get; private set; } = null!;

    public FakeTimeProvider Time { get; } = new(Runs.Now);

    /// <param name="author">Which of <see cref="Runs"/>' authors the peer is.</param>
    /// <param name="network">Where it has neighbours; null: it has none.</param>
    /// <param name="options">How it learns.</param>
    /// <param name="withReputation">Whether it judges the others, too.</param>
    public static async Task<LearningPeer> StartAsync(int author, LoopbackNetwork? network = null, LearningOptions? options = null, bool withReputation = false)
    {
        var peer = new LearningPeer(author, network ?? new LoopbackNetwork());
        peer.Engine = await EngineFixture.StartAsync(
            builder =>
            {
                builder.WithActors((system, registry) => registry.Register<ActorKeys.Gossip>(system.ActorOf(Props.Create(() => new GossipRecorder(peer)))));
                (withReputation ? builder.WithReputation() : builder).WithLearning();
            },
            services => (withReputation ? services.AddTrust() : services)
                .AddSingleton(peer.Identity)
                .AddSingleton(new HybridClock(peer.Time))
                .AddSingleton<TimeProvider>(peer.Time)
                .AddSingleton<IRpc>(peer.Network)
                .AddSingleton<ISwitch>(peer.Network),
            own => own with { Learning = options ?? own.Learning });
        return peer;
    }

    /// <summary>Asks the learning actor.</summary>
    public Task<T> Ask<T>(object message) => Engine.Get<ActorKeys.Learning>().Ask<T>(message, EngineFixture.Timeout);

    /// <summary>The next thing of that kind that the peer told the gossip actor.</summary>
    public async Task<T> Said<T>()
    {
        using var timeout = new CancellationTokenSource(EngineFixture.Timeout);
        await foreach (var message in _said.Reader.ReadAllAsync(timeout.Token))
        {
            if (message is T wanted)
            {
                return wanted;
            }
        }

        throw new InvalidOperationException("The channel ended.");
    }

    /// <summary>Brings a message of the mesh to the subscriber.</summary>
    public void Deliver(string topic, ReadOnlyMemory<byte> data) => _subscribers[topic].Tell(new GossipReceived(topic, "some peer", data.ToArray()));

    public ValueTask DisposeAsync() => Engine.DisposeAsync();

    private sealed class GossipRecorder : ReceiveActor
    {
        public GossipRecorder(LearningPeer peer)
        {
            Receive<GossipCommands.Publish>(publish =>
            {
                Sender.Tell(new GossipPublished(publish.Topic, [1]));
                peer._said.Writer.TryWrite(publish);
            });
            Receive<GossipCommands.Subscribe>(subscribe =>
            {
                peer._subscribers[subscribe.Topic] = Sender;
                Sender.Tell(new GossipSubscribed(subscribe.Topic));
                peer._said.Writer.TryWrite(subscribe);
            });
        }
    }

    private sealed class NoWallet : IWallet
    {
        public ReadOnlyMemory<byte> Address => throw new NotSupportedException();

        public byte[] SignDigest(ReadOnlySpan<byte> digest) => throw new NotSupportedException();
    }
}

/// <summary>Direct calls between peers of one test, without sockets.</summary>
internal sealed class LoopbackNetwork
{
    private readonly ConcurrentDictionary<PeerId, Node> _nodes = new();

    public Node Join(PeerId peer) => _nodes.GetOrAdd(peer, id => new Node(this, id));

    public sealed class Node(LoopbackNetwork network, PeerId self) : IRpc, ISwitch
    {
        private readonly ConcurrentDictionary<string, RpcHandler> _handlers = new();
        private readonly ConcurrentDictionary<ISwitchObserver, bool> _observers = new();
        private readonly ConcurrentDictionary<PeerId, bool> _connected = new();

        public PeerId LocalPeer => self;

        public IReadOnlyList<Multiaddr> ListenAddresses => [];

        public IReadOnlyCollection<PeerId> ConnectedPeers => [.. _connected.Keys];

        /// <summary>Connects both ways, as Identify would report it.</summary>
        public void Connect(Node other)
        {
            Connected(other.LocalPeer);
            other.Connected(self);
        }

        public void Handle(string method, RpcHandler handler) => _handlers[method] = handler;

        public IAsyncEnumerable<ReadOnlyMemory<byte>> CallAsync(PeerId peer, string method, ReadOnlyMemory<byte> payload, TimeSpan deadline, CancellationToken cancellationToken = default) =>
            _connected.ContainsKey(peer) && network._nodes[peer]._handlers.TryGetValue(method, out var handler)
                ? handler(new RpcCall(self, method, payload, DateTimeOffset.MaxValue), cancellationToken)
                : throw new RpcException(RpcStatus.Unavailable, "The peer is not connected.");

        public IDisposable Observe(ISwitchObserver observer)
        {
            _observers[observer] = true;
            return new Subscription(() => _observers.TryRemove(observer, out _));
        }

        public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => throw new NotSupportedException();

        public void Unhandle(string protocol) => throw new NotSupportedException();

        public Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task DisconnectAsync(PeerId peer) => throw new NotSupportedException();

        public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses) => throw new NotSupportedException();

        public PeerRecord? Find(PeerId peer) => null;

        private void Connected(PeerId peer)
        {
            _connected[peer] = true;
            foreach (var observer in _observers.Keys)
            {
                observer.PeerIdentified(new PeerRecord(peer, [], [], null));
            }
        }
    }

    private sealed class Subscription(Action dispose) : IDisposable
    {
        public void Dispose() => dispose();
    }
}
