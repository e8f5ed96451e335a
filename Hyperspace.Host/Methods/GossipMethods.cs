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
    private static readonly TimeSpan SubscribeTimeout = TimeSpan.FromSeconds(10);

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
        new("gossip.subscribe", $"Over /ws: notifications gossip.message {{topic, from, data}} until gossip.unsubscribe; closing the socket ends all of its subscriptions. Subscribing twice is as once; at most {Subscriptions.Max} topics a socket.",
            [Topic],
            "{topic}",
            async (p, client, ct) =>
            {
                var topic = p.String("topic", MaxTopicLength);
                var socket = SocketOf(client);
                var gossip = await actors.GetAsync<ActorKeys.Gossip>(ct);
                await socket.Subscriptions.AddAsync(topic, () => RelayAsync(system, gossip, topic, socket));
                return new JsonObject { ["topic"] = topic };
            }),
        new("gossip.unsubscribe", "Over /ws: ends a subscription of this socket.",
            [Topic],
            "{topic, unsubscribed: false when there was no subscription}",
            async (p, client, _) =>
            {
                var topic = p.String("topic", MaxTopicLength);
                return new JsonObject { ["topic"] = topic, ["unsubscribed"] = await SocketOf(client).Subscriptions.RemoveAsync(topic) };
            }),
    ];

    private static ApiParam Topic => new("topic", "string", true, "1 to 256 characters.");

    private static INotifications SocketOf(INotifications? client) =>
        client ?? throw JsonRpcException.BadParams("Subscriptions need a connection to send messages over: call this on the WebSocket at /ws.");

    private static async Task<IDisposable> RelayAsync(ActorSystem system, IActorRef gossip, string topic, INotifications client)
    {
        var subscribed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var relay = new Relay(system.ActorOf(Props.Create(() => new GossipRelayActor(gossip, topic, client, subscribed))), client.Closed);
        try
        {
            await subscribed.Task.WaitAsync(SubscribeTimeout, client.Closed);
            return relay;
        }
        catch (TimeoutException)
        {
            relay.Dispose();
            throw JsonRpcException.Refused(new Contracts.Refusal(Contracts.ErrorCodes.Timeout, "The peer did not subscribe in time; try again, or look into its log."));
        }
        catch
        {
            relay.Dispose();
            throw;
        }
    }

    /// <summary>A relay that ends when it is disposed or its client goes away.</summary>
    private sealed class Relay(IActorRef actor, CancellationToken closed) : IDisposable
    {
        private readonly CancellationTokenRegistration _registration = closed.UnsafeRegister(_ => actor.Tell(PoisonPill.Instance), null);

        public void Dispose()
        {
            _registration.Dispose();
            actor.Tell(PoisonPill.Instance);
        }
    }

    /// <summary>One WebSocket's subscription: turns the topic's messages into notifications; the gossip actor watches it.</summary>
    private sealed class GossipRelayActor : ReceiveActor
    {
        public GossipRelayActor(IActorRef gossip, string topic, INotifications client, TaskCompletionSource subscribed)
        {
            Receive<GossipSubscribed>(_ => subscribed.TrySetResult());
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
