using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>Messages of the publisher.</summary>
internal static class PublisherCommands
{
    /// <summary>The tools changed, or somebody new may not have heard: publish soon.</summary>
    public sealed record Publish;

    /// <summary>Somebody asked for what this peer has: publish on the parent topic, unless that was just done.</summary>
    public sealed record Answer;
}

/// <summary>
/// Tells the mesh what this peer offers: its record into the DHT and onto its gossip topics, its tags as provider keys.
/// Bursts of changes become one publication; what the DHT did not take is tried again.
/// </summary>
internal sealed class CapabilityPublisherActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Debounce = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan GossipInterval = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RoutingInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AnswerInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    private readonly PeerServices _peer;
    private readonly OwnRecord _own;
    private readonly IActorRef _gossip;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly HashSet<string> _provided = new(StringComparer.Ordinal);
    private IDisposable? _observation;
    private DateTimeOffset _answeredAt;
    private bool _routing;
    private bool _routeAgain;
    private int _failures;

    /// <summary>Makes the publisher of a full peer.</summary>
    public CapabilityPublisherActor(PeerServices peer, OwnRecord own, IActorRef gossip)
    {
        _peer = peer;
        _own = own;
        _gossip = gossip;
        Receive<PublisherCommands.Publish>(_ => Timers.StartSingleTimer(nameof(Debounce), Due.Instance, Debounce));
        Receive<PublisherCommands.Answer>(_ => Answer());
        Receive<Due>(_ =>
        {
            Gossip();
            Route();
        });
        Receive<GossipTick>(_ => Gossip());
        Receive<RouteTick>(_ => Route());
        Receive<Routed>(Finish);
        Receive<GossipPublished>(_ => { });
        Receive<Refusal>(refusal => _log.Warning("Capabilities were not gossiped: {0}", refusal.Message));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartPeriodicTimer(nameof(GossipTick), GossipTick.Instance, GossipInterval);
        Timers.StartPeriodicTimer(nameof(RouteTick), RouteTick.Instance, RoutingInterval);
        _observation = _peer.Switch.Observe(new Newcomers(Self));
        Self.Tell(new PublisherCommands.Publish());
    }

    protected override void PostStop()
    {
        _observation?.Dispose();
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private void Gossip()
    {
        var record = _own.Current().Bytes.ToArray();
        _gossip.Tell(new GossipCommands.Publish(Topics.CapabilitiesOf(_peer.Identity.PeerId.ToString()), record));
        _gossip.Tell(new GossipCommands.Publish(Topics.Capabilities, record));
    }

    private void Answer()
    {
        var now = _peer.Time.GetUtcNow();
        if (now - _answeredAt < AnswerInterval)
        {
            return;
        }

        _answeredAt = now;
        _gossip.Tell(new GossipCommands.Publish(Topics.Capabilities, _own.Current().Bytes.ToArray()));
    }

    private void Route()
    {
        if (_routing)
        {
            _routeAgain = true;
            return;
        }

        _routing = true;
        var record = _own.Current().Bytes;
        var tags = CapabilityRecords.TagsOf(_own.Offered());
        foreach (var gone in _provided.Except(tags).ToList())
        {
            _provided.Remove(gone);
            _peer.Routing.Unprovide(CapabilityRecords.ProviderKey(gone));
        }

        RouteAsync(record, tags, _stopping.Token).PipeTo(Self, success: took => new Routed(tags, took, null), failure: e => new Routed(tags, 0, e));
    }

    private async Task<int> RouteAsync(ReadOnlyMemory<byte> record, IReadOnlyList<string> tags, CancellationToken cancellationToken)
    {
        var took = await _peer.Routing.PutValueAsync(CapabilityRecords.KeyOf(_peer.Identity.PeerId), record, cancellationToken).ConfigureAwait(false);
        foreach (var tag in tags)
        {
            await _peer.Routing.ProvideAsync(CapabilityRecords.ProviderKey(tag), cancellationToken).ConfigureAwait(false);
        }

        return took;
    }

    private void Finish(Routed routed)
    {
        _routing = false;
        _provided.UnionWith(routed.Tags);
        _failures = routed.Took > 0 ? 0 : _failures + 1;
        if (routed.Failure is not null)
        {
            _log.Warning("Capabilities were not put into the DHT and will be tried again: {0}", routed.Failure.Message);
        }

        if (_routeAgain)
        {
            _routeAgain = false;
            Route();
        }
        else if (routed.Took == 0 && _peer.Switch.ConnectedPeers.Count > 0)
        {
            var wait = TimeSpan.FromMilliseconds(Math.Min(LongestRetry.TotalMilliseconds, 250 * Math.Pow(2, _failures)));
            Timers.StartSingleTimer("retry", RouteTick.Instance, wait);
        }
    }

    private sealed record Due
    {
        public static readonly Due Instance = new();
    }

    private sealed record GossipTick
    {
        public static readonly GossipTick Instance = new();
    }

    private sealed record RouteTick
    {
        public static readonly RouteTick Instance = new();
    }

    private sealed record Routed(IReadOnlyList<string> Tags, int Took, Exception? Failure);

    private sealed class Newcomers(IActorRef publisher) : ISwitchObserver
    {
        public void PeerIdentified(PeerRecord peer) => publisher.Tell(new PublisherCommands.Publish());

        public void PeerDisconnected(PeerId peer)
        {
        }
    }
}
