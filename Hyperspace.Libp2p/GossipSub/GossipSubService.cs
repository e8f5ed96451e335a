using System.Collections.Immutable;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// GossipSub over an <see cref="ISwitch"/>: gives the router streams, a clock and a lock. Signatures and validators run on
/// the readers' threads, outside the lock (<c>.Inbound</c>); links to peers are in <c>.Links</c>. Starts when constructed.
/// </summary>
public sealed partial class GossipSubService : IPubSub, ISwitchObserver, IAsyncDisposable
{
    private const int MaxInboundStreams = 4;
    private const int BeatsBetweenAddresses = 60;
    private readonly ISwitch _network;
    private readonly KeyPair _keys;
    private readonly Author _author;
    private readonly GossipSubOptions _options;
    private readonly AuthorCache _authors = new();
    private readonly Lock _gate = new();
    private readonly GossipSubRouter _router;
    private readonly List<GossipEffect> _effects = [];
    private readonly Dictionary<PeerId, PeerLink> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly long _started;
    private readonly ITimer _heartbeat;
    private readonly IDisposable _observation;
    private ImmutableDictionary<string, ImmutableArray<TopicHandler>> _handlers = ImmutableDictionary<string, ImmutableArray<TopicHandler>>.Empty;
    private ImmutableArray<(string Prefix, TopicValidator Validator)> _validators = [];
    private long _sequence;
    private long _bytesIn;
    private long _bytesOut;
    private long _dropped;
    private long _beats;
    private int _disposed;

    /// <summary>Offers the protocols on <paramref name="network"/> and starts the heartbeat. <paramref name="keys"/> sign what is published and stay the caller's to dispose.</summary>
    public GossipSubService(ISwitch network, KeyPair keys, GossipSubOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(keys);
        _network = network;
        _keys = keys;
        _author = Author.Of(keys);
        _options = options ?? new GossipSubOptions();
        var random = _options.RandomSeed is { } seed ? new Random(seed) : new Random();
        _router = new GossipSubRouter(_author.Peer, _options.Parameters, random, _authors, topic => ValidatorOf(topic) is not null);
        _started = _options.TimeProvider.GetTimestamp();

        // As go and js: numbers grow across restarts as long as the clock does.
        _sequence = (_options.TimeProvider.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
        foreach (var protocol in GossipSubProtocol.Ids)
        {
            network.Handle(protocol, ServeAsync, MaxInboundStreams);
        }

        _heartbeat = _options.TimeProvider.CreateTimer(_ => Beat(), null, _options.Parameters.HeartbeatInitialDelay, _options.Parameters.HeartbeatInterval);
        _observation = network.Observe(this);
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<string> Topics
    {
        get
        {
            lock (_gate)
            {
                return _router.Topics;
            }
        }
    }

    /// <inheritdoc/>
    public PubSubCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return new PubSubCounters(_router.Published, _router.Delivered, _router.Duplicates, _router.Rejected, Interlocked.Read(ref _bytesIn), Interlocked.Read(ref _bytesOut));
            }
        }
    }

    /// <summary>Messages and frames given up because a peer or a handler was too slow for longer than <see cref="GossipSubOptions.QueuePatience"/>.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate)
            {
                return Interlocked.Read(ref _dropped) + _links.Values.Sum(l => l.Queue.Dropped);
            }
        }
    }

    /// <inheritdoc/>
    public IDisposable Subscribe(string topic, Action<PubSubMessage> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        CheckTopic(topic);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var subscription = new TopicHandler(topic, handler, _options.MaxQueuedDeliveries, _options.Logger, Leave);
        lock (_gate)
        {
            _handlers = _handlers.SetItem(topic, _handlers.GetValueOrDefault(topic, []).Add(subscription));
            _router.Subscribe(topic, Now(), _effects);
            Dispatch(null);
        }

        return subscription;
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>> PublishAsync(string topic, ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        CheckTopic(topic);
        if (data.Length > _options.Parameters.MaxMessageSize)
        {
            throw new ArgumentException($"A message of {data.Length} bytes is over the limit of {_options.Parameters.MaxMessageSize}; publish a digest and serve the content by rpc.", nameof(data));
        }

        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        cancellationToken.ThrowIfCancellationRequested();
        var sequence = (ulong)Interlocked.Increment(ref _sequence);
        var message = GossipMessage.Sign(_keys, _author, topic, data.Span, sequence, _options.Parameters.MessageIdForm);
        if (Judge(DeliveryOf(message, _author.Peer)) != Validation.Accept)
        {
            throw new UnfitMessageException($"The validator of topic '{topic}' does not accept these {data.Length} bytes, and other peers would hold them against this one, so they were not published.");
        }

        Task? room;
        lock (_gate)
        {
            _router.Publish(message, Now(), _effects);
            room = AllCongested();
            Dispatch(null);
        }

        if (room is not null)
        {
            try
            {
                await room.WaitAsync(_options.QueuePatience, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _options.Logger?.LogDebug("No peer of {Topic} takes messages as fast as they are published.", topic);
            }
        }

        return message.Id;
    }

    /// <inheritdoc/>
    public void Validate(string topicPrefix, TopicValidator validator)
    {
        ArgumentNullException.ThrowIfNull(topicPrefix);
        ArgumentNullException.ThrowIfNull(validator);
        lock (_gate)
        {
            _validators = [.. _validators.Where(v => v.Prefix != topicPrefix).Append((topicPrefix, validator)).OrderByDescending(v => v.Item1.Length)];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId> SubscribersOf(string topic)
    {
        lock (_gate)
        {
            return _router.SubscribersOf(topic);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyCollection<PeerId> MeshOf(string topic)
    {
        lock (_gate)
        {
            return _router.MeshOf(topic);
        }
    }

    /// <summary>A connected peer's score; 0 for others.</summary>
    public double ScoreOf(PeerId peer)
    {
        lock (_gate)
        {
            return _router.ScoreOf(peer);
        }
    }

    /// <summary>Where each connected peer's score comes from.</summary>
    public IReadOnlyList<PeerScoreBreakdown> Scores()
    {
        lock (_gate)
        {
            return _router.Scores();
        }
    }

    /// <inheritdoc/>
    void ISwitchObserver.PeerIdentified(PeerRecord peer) => AddIfSpoken(peer);

    /// <inheritdoc/>
    void ISwitchObserver.PeerUpdated(PeerRecord peer) => AddIfSpoken(peer);

    /// <inheritdoc/>
    void ISwitchObserver.PeerDisconnected(PeerId peer) => RemovePeer(peer, null);

    /// <summary>Stops the heartbeat, the streams and the handlers. Peers are not told; the switch's end tells them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _observation.Dispose();
        await _heartbeat.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        List<PeerLink> links;
        List<TopicHandler> handlers;
        lock (_gate)
        {
            links = [.. _links.Values];
            _links.Clear();
            handlers = [.. _handlers.Values.SelectMany(h => h)];
        }

        await Task.WhenAll(links.Select(l => l.StopAsync())).ConfigureAwait(false);
        handlers.ForEach(h => h.Dispose());
        await Task.WhenAll(handlers.Select(h => h.Pump)).ConfigureAwait(false);
    }

    private long Now() => (long)_options.TimeProvider.GetElapsedTime(_started).TotalMilliseconds;

    private void CheckTopic(string topic)
    {
        ArgumentException.ThrowIfNullOrEmpty(topic);
        if (System.Text.Encoding.UTF8.GetByteCount(topic) > _options.Parameters.MaxTopicLength)
        {
            throw new ArgumentException($"A topic's name has at most {_options.Parameters.MaxTopicLength} bytes of UTF-8.", nameof(topic));
        }
    }

    private TopicValidator? ValidatorOf(string topic)
    {
        foreach (var (prefix, validator) in _validators)
        {
            if (topic.StartsWith(prefix, StringComparison.Ordinal))
            {
                return validator;
            }
        }

        return null;
    }

    private void Leave(TopicHandler handler)
    {
        lock (_gate)
        {
            var left = _handlers[handler.Topic].Remove(handler);
            if (left.Length > 0)
            {
                _handlers = _handlers.SetItem(handler.Topic, left);
                return;
            }

            _handlers = _handlers.Remove(handler.Topic);
            _router.Unsubscribe(handler.Topic, Now(), _effects);
            Dispatch(null);
        }
    }

    private void Beat()
    {
        try
        {
            if (Interlocked.Increment(ref _beats) % BeatsBetweenAddresses == 0)
            {
                RefreshAddresses();
            }

            lock (_gate)
            {
                _router.Heartbeat(Now(), _effects);
                Dispatch(null);
            }
        }
        catch (Exception e)
        {
            // On a timer's thread an exception would end the process.
            _options.Logger?.LogError(e, "A GossipSub heartbeat failed.");
        }
    }
}
