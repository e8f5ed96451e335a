using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Learning;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Matrix;

/// <summary>Matrices of several peers on the real engine, joined without sockets: gossip that passes the topics' validators, and direct calls.</summary>
internal sealed class MatrixMesh
{
    private readonly LoopbackNetwork _network = new();
    private readonly ConcurrentBag<Peer> _peers = [];

    /// <summary>All that was gossiped and that the validators let through, by topic.</summary>
    public ConcurrentBag<(string Topic, byte[] Data)> Published { get; } = [];

    /// <summary>Starts a peer; one that is connected can compare with those that are, too, and what it missed comes that way.</summary>
    public async Task<Peer> JoinAsync(int author, bool hearsGossip = true, bool isConnected = false, IEmbeddingModel? embedder = null)
    {
        var peer = new Peer(this, author, _network) { HearsGossip = hearsGossip, Embedder = embedder };
        await peer.StartAsync();
        foreach (var other in isConnected ? _peers : [])
        {
            peer.Node.Connect(other.Node);
        }

        _peers.Add(peer);
        return peer;
    }

    private void Publish(Peer from, string topic, byte[] data)
    {
        if (MatrixGossip.Judge(topic, data, DateTimeOffset.UtcNow) != Validation.Accept)
        {
            return;
        }

        Published.Add((topic, data));
        foreach (var other in _peers.Where(p => p != from && p.HearsGossip))
        {
            other.Hear(topic, data);
        }
    }

    internal sealed class Peer(MatrixMesh mesh, int author, LoopbackNetwork network) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, IActorRef> _subscribers = new();

        public PeerIdentity Identity { get; } = new(KeyPair.FromSeed([.. Enumerable.Repeat((byte)(100 + author), 32)]), null!, new IdentityBinding());

        public LoopbackNetwork.Node Node { get; private set; } = null!;

        public EngineFixture Engine { get; private set; } = null!;

        public bool HearsGossip { get; set; }

        public IEmbeddingModel? Embedder { get; init; }

        public string Id => Identity.PeerId.ToString();

        public async Task StartAsync()
        {
            Node = network.Join(Identity.PeerId);
            Engine = await EngineFixture.StartAsync(
                builder => builder
                    .WithActors((system, registry) => registry.Register<ActorKeys.Gossip>(system.ActorOf(Props.Create(() => new Gossip(this)))))
                    .WithMatrix(),
                services => services
                    .AddSingleton(Identity)
                    .AddSingleton(new HybridClock(TimeProvider.System))
                    .AddSingleton<IRpc>(Node)
                    .AddSingleton<ISwitch>(Node),
                options => options with { Learning = new LearningOptions { Embedder = Embedder } });
        }

        public void Tell(object message) => Engine.Get<ActorKeys.Matrix>().Tell(message);

        public Task<T> Ask<T>(object message) => Engine.Get<ActorKeys.Matrix>().Ask<T>(message, EngineFixture.Timeout);

        public async Task<IReadOnlyList<MatrixHit>> SearchAsync(string query) => (await Ask<MatrixHits>(new MatrixCommands.Search(query, [], 10))).Hits;

        public void Hear(string topic, byte[] data)
        {
            if (_subscribers.TryGetValue(topic, out var subscriber))
            {
                subscriber.Tell(new GossipReceived(topic, "some peer", data));
            }
        }

        public ValueTask DisposeAsync() => Engine.DisposeAsync();

        private sealed class Gossip : ReceiveActor
        {
            public Gossip(Peer peer)
            {
                Receive<GossipCommands.Publish>(publish =>
                {
                    peer.Publish(publish.Topic, publish.Data);
                    Sender.Tell(new GossipPublished(publish.Topic, [1]));
                });
                Receive<GossipCommands.Subscribe>(subscribe =>
                {
                    peer._subscribers[subscribe.Topic] = Sender;
                    Sender.Tell(new GossipSubscribed(subscribe.Topic));
                });
            }
        }

        private void Publish(string topic, byte[] data) => mesh.Publish(this, topic, data);
    }
}
