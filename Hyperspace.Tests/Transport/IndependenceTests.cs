using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Transport;

/// <summary>The death of any actor of the transport is nobody else's: an open stream, a call, a subscription and the other actors go on.</summary>
public class IndependenceTests : PatientTestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("connections")]
    [InlineData("gossip")]
    [InlineData("dht")]
    public async Task Streams_calls_and_subscriptions_outlive_any_transport_actor(string victim)
    {
        await using var here = await TestSwitch.StartAsync();
        await using var there = await TestSwitch.StartAsync();
        await using var pubSub = new GossipSubService(here.Switch, here.Keys, new GossipSubOptions());
        await using var pubSubThere = new GossipSubService(there.Switch, there.Keys, new GossipSubOptions());
        await using var routing = new KademliaService(here.Switch);
        await using var routingThere = new KademliaService(there.Switch);
        await using var rpc = new RpcService(here.Switch);
        await using var rpcThere = new RpcService(there.Switch);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        rpcThere.Handle("slow", (_, stop) => AnswerAfterAsync(release.Task, stop));
        var (connections, gossip, dht) = (
            Sys.ActorOf(Props.Create(() => new ConnectionGuardian(here.Switch, NullLoggerFactory.Instance)), "connections"),
            Sys.ActorOf(Props.Create(() => new GossipGuardian(pubSub, NullLoggerFactory.Instance)), "gossip"),
            Sys.ActorOf(Props.Create(() => new DhtGuardian(routing, NullLoggerFactory.Instance)), "dht"));
        gossip.Tell(new GossipCommands.Subscribe("topic"));
        await ExpectMsgAsync<GossipSubscribed>(Patience);
        Assert.IsType<Dialled>(await connections.Ask<object>(new ConnectionCommands.Dial(there.Address.ToString()), Patience));
        await using var stream = await here.Switch.OpenStreamAsync(there.PeerId, [TestSwitch.Echo]);
        await EchoAsync(stream, [1]);
        var call = rpc.CallUnaryAsync(there.PeerId, "slow", new byte[] { 5 }, Patience);
        await Eventually.TrueAsync(() => pubSubThere.SubscribersOf("topic").Count == 1);

        var killed = await Sys.ActorSelection($"/user/{victim}/*").ResolveOne(Patience);
        Sys.EventStream.Subscribe(TestActor, typeof(Error));
        killed.Tell(Kill.Instance);
        await FishForMessageAsync<Error>(m => m.Cause is ActorKilledException, Patience);

        await EchoAsync(stream, [2, 3]);
        release.SetResult();
        Assert.Equal([9], (await call).ToArray());
        await Eventually.TrueAsync(async () =>
        {
            await pubSubThere.PublishAsync("topic", new byte[] { 4 });
            return await FishForGossipAsync();
        });
        await AnswersAsync<Connections>(connections, new ConnectionCommands.List(), m => m.Peers.Count == 1);
        await AnswersAsync<DhtPeer>(dht, new DhtCommands.FindPeer(there.PeerId.ToString()), m => m.Addresses.Count > 0);
        await AnswersAsync<GossipPublished>(gossip, new GossipCommands.Publish("topic", [6]), _ => true);
        Assert.DoesNotContain($"disconnected {there.PeerId}", here.News);
    }

    private async Task<bool> FishForGossipAsync()
    {
        while (await ReceiveOneAsync(TimeSpan.FromMilliseconds(100)) is { } message)
        {
            if (message is GossipReceived { Data: [4] })
            {
                return true;
            }
        }

        return false;
    }

    private static Task AnswersAsync<T>(IActorRef actor, object command, Func<T, bool> satisfied) =>
        Eventually.TrueAsync(async () => await actor.Ask<object>(command, Patience) is T answer && satisfied(answer));

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> AnswerAfterAsync(Task release, [EnumeratorCancellation] CancellationToken stop)
    {
        await release.WaitAsync(stop);
        yield return new byte[] { 9 };
    }

    private static async Task EchoAsync(IPeerStream stream, byte[] data)
    {
        using var timeout = new CancellationTokenSource(Patience);
        await stream.WriteAsync(data, timeout.Token);
        var back = new byte[data.Length];
        for (var read = 0; read < back.Length;)
        {
            var count = await stream.ReadAsync(back.AsMemory(read), timeout.Token);
            Assert.True(count > 0, "The stream ended.");
            read += count;
        }

        Assert.Equal(data, back);
    }
}
