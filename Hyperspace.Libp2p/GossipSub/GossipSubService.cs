using System.Collections.Immutable;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// GossipSub over an <see cref="ISwitch"/>: gives the router streams, a clock and a lock. Signatures and validators run on
/// the readers' threads, outside the lock. Starts when constructed.
/// </summary>
public sealed class GossipSubService : IPubSub, ISwitchObserver, IAsyncDisposable
{
    private const int MaxInboundStreams = 4;
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

    /// <inheritdoc/>
    void ISwitchObserver.PeerIdentified(PeerRecord peer)
    {
        foreach (var protocol in GossipSubProtocol.Ids)
        {
            if (peer.Protocols.Contains(protocol))
            {
                AddPeer(peer.Peer, GossipSubProtocol.VersionOf(protocol)!.Value);
                return;
            }
        }
    }

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

    private void AddPeer(PeerId peer, GossipSubVersion version)
    {
        lock (_gate)
        {
            if (_disposed != 0 || _links.ContainsKey(peer))
            {
                return;
            }

            var link = new PeerLink(_network, peer, _options, Reopened, l => RemovePeer(l.Peer, l), count => Interlocked.Add(ref _bytesOut, count));
            _links[peer] = link;
            _router.AddPeer(peer, version, outbound: false, _effects);
            Dispatch(null);
            link.Start();
        }
    }

    private void RemovePeer(PeerId peer, PeerLink? only)
    {
        PeerLink? link;
        lock (_gate)
        {
            if (!_links.TryGetValue(peer, out link) || (only is not null && link != only))
            {
                return;
            }

            _links.Remove(peer);
            Interlocked.Add(ref _dropped, link.Queue.Dropped);
            _router.RemovePeer(peer, Now());
        }

        _ = link.StopAsync();
    }

    private void Reopened(PeerLink link)
    {
        lock (_gate)
        {
            _router.Announce(link.Peer, _effects);
            Dispatch(null);
        }
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

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        using var reader = new RpcFrameReader(stream, _options.MaxRpcSize);
        var topics = new TopicTable();
        var inbox = new List<GossipEffect>();
        var peer = stream.RemotePeer;

        // The remote's subscriptions may come before its Identify.
        AddPeer(peer, GossipSubProtocol.VersionOf(stream.Protocol) ?? GossipSubVersion.Floodsub);
        try
        {
            while (await reader.ReadAsync(both.Token).ConfigureAwait(false) is { } frame)
            {
                Interlocked.Add(ref _bytesIn, frame.Length);
                var rpc = GossipRpcCodec.Decode(frame.Span, topics, _options.Parameters)
                    ?? throw new InvalidDataException("An RPC is not a protobuf message.");
                Receive(peer, rpc, inbox);
                await SettleAsync(inbox, both.Token).ConfigureAwait(false);
            }
        }
        catch (InvalidDataException e)
        {
            _options.Logger?.LogDebug("{Peer} broke the GossipSub framing: {Reason}", peer, e.Message);
            lock (_gate)
            {
                _router.ReceivedGarbage(peer);
            }

            stream.Reset();
        }
        finally
        {
            if (!_network.ConnectedPeers.Contains(peer))
            {
                RemovePeer(peer, null);
            }
        }
    }

    private void Receive(PeerId peer, GossipRpc rpc, List<GossipEffect> inbox)
    {
        if (rpc.Messages is { } messages)
        {
            // The costly part, done outside the lock and only for messages that are new.
            foreach (var message in messages)
            {
                bool wanted;
                lock (_gate)
                {
                    wanted = _router.Wants(peer, message);
                }

                if (wanted)
                {
                    message.Authenticate(_authors);
                }
            }
        }

        lock (_gate)
        {
            _router.Receive(peer, rpc, Now(), _effects);
            Dispatch(inbox);
        }
    }

    /// <summary>Has messages judged and delivers them, waiting for handlers that fall behind (so the remote feels it), for a while.</summary>
    private async ValueTask SettleAsync(List<GossipEffect> inbox, CancellationToken cancellationToken)
    {
        for (var i = 0; i < inbox.Count; i++)
        {
            var (kind, from, message, _) = inbox[i];
            var delivery = new PubSubMessage(message!.Topic, message.Author, from, message.SequenceNumber, message.Data, message.Id);
            if (kind == GossipEffectKind.Validate)
            {
                var verdict = Judge(delivery);
                lock (_gate)
                {
                    _router.Validated(from, message, verdict, _effects);
                    Dispatch(inbox);
                }

                continue;
            }

            foreach (var handler in Volatile.Read(ref _handlers).GetValueOrDefault(message.Topic, []))
            {
                if (!await handler.OfferAsync(delivery, _options.QueuePatience, _options.TimeProvider, cancellationToken).ConfigureAwait(false))
                {
                    Interlocked.Increment(ref _dropped);
                }
            }
        }

        inbox.Clear();
    }

    private Validation Judge(PubSubMessage message)
    {
        try
        {
            return ValidatorOf(message.Topic)?.Invoke(message) ?? Validation.Accept;
        }
        catch (Exception e)
        {
            _options.Logger?.LogError(e, "The validator of topic {Topic} failed; the message is dropped.", message.Topic);
            return Validation.Ignore;
        }
    }

    /// <summary>When every receiver of the effects at hand is congested: a task that ends when one of them is not.</summary>
    private Task? AllCongested()
    {
        List<OutboundQueue>? congested = null;
        foreach (var effect in _effects)
        {
            if (effect.Kind == GossipEffectKind.SendMessage && _links.TryGetValue(effect.Peer, out var link))
            {
                if (!link.Queue.Congested)
                {
                    return null;
                }

                (congested ??= []).Add(link.Queue);
            }
        }

        return congested is null ? null : Task.WhenAny(congested.ConvertAll(q => q.RoomAsync()));
    }

    /// <summary>Carries out the router's effects; call it inside the lock. What is for this peer itself goes to <paramref name="inbox"/>.</summary>
    private void Dispatch(List<GossipEffect>? inbox)
    {
        foreach (var effect in _effects)
        {
            switch (effect.Kind)
            {
                case GossipEffectKind.SendMessage when _links.TryGetValue(effect.Peer, out var link):
                    link.Queue.Enqueue(effect.Message!);
                    break;
                case GossipEffectKind.SendControl when _links.TryGetValue(effect.Peer, out var link):
                    var rpc = effect.Control!;
                    var gossip = rpc.Subscriptions is null && rpc.Graft is null && rpc.Prune is null;
                    foreach (var frame in GossipRpcCodec.EncodeControl(rpc, _options.MaxControlRpcSize))
                    {
                        link.Queue.Enqueue(frame, gossip);
                    }

                    break;
                case GossipEffectKind.Deliver or GossipEffectKind.Validate:
                    inbox!.Add(effect);
                    break;
            }
        }

        _effects.Clear();
    }
}
