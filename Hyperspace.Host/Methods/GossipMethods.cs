using System.Text.Json.Nodes;
using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Transport;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Host.Methods;

/// <summary><c>gossip.*</c>.</summary>
internal static class GossipMethods
{
    private const int MaxTopicLength = 256;
    private const int MaxDataBytes = 1024 * 1024;

    public static IEnumerable<ApiMethod> All(PeerActors actors, ActorSystem system) =>
    [
        new("gossip.publish", "Publishes bytes on a topic.",
            [Topic, new("data", "base64", true, "At most 1 MiB.")],
            "{messageId}",
            async (p, _, ct) =>
            {
                var publish = new GossipCommands.Publish(p.String("topic", MaxTopicLength), p.Base64("data", MaxDataBytes));
                var published = await actors.AskAsync<ActorKeys.Gossip, GossipPublished>(publish, cancellationToken: ct);
                return new JsonObject { ["messageId"] = Convert.ToBase64String(published.MessageId) };
            }),
        new("gossip.subscribe", "Over /ws: notifications gossip.message {topic, from, data} until the socket closes.",
            [Topic],
            "{topic}",
            async (p, client, ct) =>
            {
                var topic = p.String("topic", MaxTopicLength);
                if (client is null)
                {
                    throw JsonRpcException.BadParams("gossip.subscribe needs a connection to send messages over: call it on the WebSocket at /ws.");
                }

                var gossip = await actors.GetAsync<ActorKeys.Gossip>(ct);
                var subscribed = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
                var relay = system.ActorOf(Props.Create(() => new GossipRelayActor(gossip, topic, client, subscribed)));
                client.Closed.UnsafeRegister(_ => relay.Tell(PoisonPill.Instance), null);
                return new JsonObject { ["topic"] = await subscribed.Task.WaitAsync(TimeSpan.FromSeconds(10), ct) };
            }),
    ];

    private static ApiParam Topic => new("topic", "string", true, "1 to 256 characters.");

    /// <summary>One WebSocket's subscription: turns the topic's messages into notifications; the gossip actor watches it.</summary>
    private sealed class GossipRelayActor : ReceiveActor
    {
        public GossipRelayActor(IActorRef gossip, string topic, INotifications client, TaskCompletionSource<string> subscribed)
        {
            Receive<GossipSubscribed>(m => subscribed.TrySetResult(m.Topic));
            Receive<Contracts.Refusal>(m =>
            {
                subscribed.TrySetException(JsonRpcException.Refused(m));
                Context.Stop(Self);
            });
            Receive<GossipReceived>(m => client.TryNotify("gossip.message", new JsonObject
            {
                ["topic"] = m.Topic,
                ["from"] = m.From,
                ["data"] = Convert.ToBase64String(m.Data),
            }));
            gossip.Tell(new GossipCommands.Subscribe(topic));
        }
    }
}
