using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Host.Net;

/// <summary>The commands of gossip.</summary>
internal sealed class GossipCommands(GossipSubService pubSub, NetOutput output) : IDisposable
{
    private const int MaxInline = 64 * 1024;
    private const double MaxRate = 1_000_000;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (IDisposable Handle, ReceivedMeter? Meter)> _subscriptions = new(StringComparer.Ordinal);

    public NetReply Subscribe(NetRequest request)
    {
        var topic = NetCommands.Required(request.Topic, "topic");
        lock (_gate)
        {
            if (_subscriptions.ContainsKey(topic))
            {
                throw new NetRequestException($"topic: '{topic}' is subscribed to already; unsubscribe first.");
            }

            var meter = request.Quiet ? new ReceivedMeter() : null;
            _subscriptions.Add(topic, (pubSub.Subscribe(topic, meter is null ? Tell : meter.Add), meter));
        }

        return new NetReply();
    }

    public NetReply Unsubscribe(NetRequest request)
    {
        var topic = NetCommands.Required(request.Topic, "topic");
        lock (_gate)
        {
            if (!_subscriptions.Remove(topic, out var subscription))
            {
                throw new NetRequestException($"topic: '{topic}' is not subscribed to.");
            }

            subscription.Handle.Dispose();
        }

        return new NetReply();
    }

    public NetReply Topic(NetRequest request)
    {
        var topic = NetCommands.Required(request.Topic, "topic");
        return new TopicReply([.. pubSub.MeshOf(topic).Select(p => p.ToString())], [.. pubSub.SubscribersOf(topic).Select(p => p.ToString())]);
    }

    /// <summary>What a quiet subscription got since it began or was last reset.</summary>
    public NetReply Received(NetRequest request)
    {
        var topic = NetCommands.Required(request.Topic, "topic");
        lock (_gate)
        {
            return _subscriptions.GetValueOrDefault(topic).Meter?.Read(request.Reset)
                ?? throw new NetRequestException($"topic: '{topic}' is not subscribed to quietly; subscribe with quiet first.");
        }
    }

    public NetReply Score(NetRequest request, IEnumerable<PeerId> connected) =>
        new ScoreReply([.. (request.Peer is null ? connected : [NetCommands.PeerOf(request)]).Select(p => new ScoreLine(p.ToString(), pubSub.ScoreOf(p)))]);

    public async Task<NetReply> PublishAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var topic = NetCommands.Required(request.Topic, "topic");
        var start = Stopwatch.GetTimestamp();
        if (request.DataBase64 is not null || request.Data is not null)
        {
            var id = await pubSub.PublishAsync(topic, request.DataBase64 ?? Encoding.UTF8.GetBytes(request.Data!), cancellationToken);
            return new PublishReply(1, Stopwatch.GetElapsedTime(start).TotalMilliseconds, pubSub.SubscribersOf(topic).Count, Convert.ToBase64String(id.Span));
        }

        var size = NetCommands.Within(request.Size ?? throw new NetRequestException("data: give it, or dataBase64, or size."), "size", 0, 0, 1 << 20);
        var count = NetCommands.Within(request.Count, "count", 1, 1, int.MaxValue);
        if (request.Rate is { } rate and not (> 0 and <= MaxRate))
        {
            throw new NetRequestException($"rate: give messages per second, above 0 and up to {MaxRate}.");
        }

        await PublishManyAsync(topic, size, count, request.Rate, cancellationToken);
        return new PublishReply(count, Stopwatch.GetElapsedTime(start).TotalMilliseconds, pubSub.SubscribersOf(topic).Count, null);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var (handle, _) in _subscriptions.Values)
            {
                handle.Dispose();
            }

            _subscriptions.Clear();
        }
    }

    /// <summary>At a rate, or as fast as the peers take them. Each message is other bytes, and says when it left.</summary>
    private async Task PublishManyAsync(string topic, int size, int count, double? rate, CancellationToken cancellationToken)
    {
        var data = RandomNumberGenerator.GetBytes(size);
        var start = Stopwatch.GetTimestamp();
        for (var sent = 0; sent < count; sent++)
        {
            while (rate is { } perSecond && Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond < sent)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), cancellationToken);
            }

            ReceivedMeter.Stamp(data);
            await pubSub.PublishAsync(topic, data, cancellationToken);
        }
    }

    private void Tell(PubSubMessage message)
    {
        var data = message.Data.Span;
        var told = new MessageEvent(message.Topic, message.Author.ToString(), $"{message.SequenceNumber}", data.Length);
        output.Write(data.Length > MaxInline ? told with { Sha256 = Convert.ToHexStringLower(SHA256.HashData(data)) }
            : Utf8.IsValid(data) ? told with { Data = Encoding.UTF8.GetString(data) }
            : told with { DataBase64 = message.Data });
    }
}
