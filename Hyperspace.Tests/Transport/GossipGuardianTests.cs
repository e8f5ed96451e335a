using Akka.Actor;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Transport;

public class GossipGuardianTests : PatientTestKit
{
    [Fact]
    public async Task A_stopped_gossip_actor_is_made_anew_with_its_subscriptions()
    {
        await using var peer = await TestSwitch.StartAsync();
        await using var pubSub = new GossipSubService(peer.Switch, peer.Keys, new GossipSubOptions());
        var guardian = Sys.ActorOf(Props.Create(() => new GossipGuardian(pubSub, NullLoggerFactory.Instance)), "gossip");
        guardian.Tell(new GossipCommands.Subscribe("kept"));
        await ExpectMsgAsync<GossipSubscribed>(m => Assert.Equal("kept", m.Topic));
        guardian.Tell(new GossipCommands.Subscribe("left"));
        await ExpectMsgAsync<GossipSubscribed>();
        guardian.Tell(new GossipCommands.Unsubscribe("left"));
        guardian.Tell(new GossipCommands.Publish("kept", [1]));
        await ExpectMsgAsync<GossipPublished>();

        Sys.ActorSelection("/user/gossip/*").Tell(Kill.Instance);
        await ExpectMsgAsync<GossipSubscribed>(m => Assert.Equal("kept", m.Topic), TimeSpan.FromSeconds(10));
        Assert.Equal(["kept"], pubSub.Topics);
        guardian.Tell(new GossipCommands.Publish("kept", [2]));
        await ExpectMsgAsync<GossipPublished>();
    }

    [Fact]
    public async Task Subscriptions_of_a_stopped_subscriber_are_forgotten()
    {
        await using var peer = await TestSwitch.StartAsync();
        await using var pubSub = new GossipSubService(peer.Switch, peer.Keys, new GossipSubOptions());
        var guardian = Sys.ActorOf(Props.Create(() => new GossipGuardian(pubSub, NullLoggerFactory.Instance)), "gossip");
        var subscriber = CreateTestProbe();
        guardian.Tell(new GossipCommands.Subscribe("topic"), subscriber);
        await subscriber.ExpectMsgAsync<GossipSubscribed>();
        Sys.Stop(subscriber);
        await AwaitConditionAsync(() => Task.FromResult(pubSub.Topics.Count == 0), TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public async Task A_topic_without_a_proper_name_is_refused(int length)
    {
        await using var peer = await TestSwitch.StartAsync();
        await using var pubSub = new GossipSubService(peer.Switch, peer.Keys, new GossipSubOptions());
        var guardian = Sys.ActorOf(Props.Create(() => new GossipGuardian(pubSub, NullLoggerFactory.Instance)));
        guardian.Tell(new GossipCommands.Subscribe(new string('t', length)));
        await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.InvalidParams, m.Code));
    }
}
