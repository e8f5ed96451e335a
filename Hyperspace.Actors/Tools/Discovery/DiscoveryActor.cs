using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>
/// Answers <see cref="ToolCommands.Discover"/>, listens to what peers gossip about their tools, and lets the publisher
/// answer queries that fit this peer's. At most <see cref="MaxAtOnce"/> discoveries run at once.
/// </summary>
internal sealed class DiscoveryActor : ReceiveActor
{
    private const int MaxAtOnce = 64;
    private const int RememberedQueries = 1024;
    private readonly ToolDiscovery _discovery;
    private readonly OwnRecord _own;
    private readonly PeerServices _peer;
    private readonly CapabilityStore _store;
    private readonly IActorRef? _publisher;
    private readonly IActorRef _gossip;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Queue<string> _answered = new();
    private readonly HashSet<string> _answeredIds = new(StringComparer.Ordinal);
    private int _running;

    /// <summary>Makes the actor; a light peer has no publisher.</summary>
    public DiscoveryActor(ToolDiscovery discovery, OwnRecord own, PeerServices peer, CapabilityStore store, IActorRef? publisher, IActorRef gossip)
    {
        _discovery = discovery;
        _own = own;
        _peer = peer;
        _store = store;
        _publisher = publisher;
        _gossip = gossip;
        Receive<ToolCommands.Discover>(Discover);
        Receive<Finished>(finished =>
        {
            _running--;
            finished.Asker.Tell(finished.Answer);
        });
        Receive<GossipReceived>(Hear);
        Receive<GossipSubscribed>(_ => { });
        Receive<Refusal>(refusal => Context.GetLogger().Warning("The capability topic can't be followed: {0}", refusal.Message));
    }

    protected override void PreStart() => _gossip.Tell(new GossipCommands.Subscribe(Topics.Capabilities));

    protected override void PostStop()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void Discover(ToolCommands.Discover command)
    {
        if (_running >= MaxAtOnce)
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, $"{MaxAtOnce} discoveries are running; try again when one has ended."));
            return;
        }

        _running++;
        var asker = Sender;
        _discovery.RunAsync(command, _stopping.Token).PipeTo(
            Self,
            success: answer => new Finished(asker, answer),
            failure: e => new Finished(asker, new Refusal(ErrorCodes.Internal, $"The discovery failed: {e.Message}")));
    }

    private void Hear(GossipReceived message)
    {
        if (SignedEnvelope.Open(message.Data, _peer.Time.GetUtcNow(), out _) is not { } envelope || envelope.Author == _peer.Identity.PeerId)
        {
            return;
        }

        if (envelope.Type == EnvelopeTypes.Capabilities && CapabilityRecords.Open(message.Data, _peer.Time.GetUtcNow(), out _) is { } record)
        {
            _peer.Switch.AddAddresses(record.Peer, record.Addresses);
            _store.Offer(record, Tiers.Gossip);
        }
        else if (envelope.Type == EnvelopeTypes.CapabilityQuery && CapabilityQueries.Read(envelope) is { } query && IsNew(envelope.Id) && Fits(query))
        {
            _publisher?.Tell(new PublisherCommands.Answer());
        }
    }

    private bool Fits(CapabilityQuery query) => ToolRanking.Rank(
        query.Query,
        query.Capabilities,
        [.. _own.Offered().Select(t => new DiscoveredTool(t.Name, t, "", 0, 0, Tiers.Registry))]).Count > 0;

    private bool IsNew(string id)
    {
        if (!_answeredIds.Add(id))
        {
            return false;
        }

        _answered.Enqueue(id);
        if (_answered.Count > RememberedQueries)
        {
            _answeredIds.Remove(_answered.Dequeue());
        }

        return true;
    }

    private sealed record Finished(IActorRef Asker, object Answer);
}
