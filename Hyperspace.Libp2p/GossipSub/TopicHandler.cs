using System.Threading.Channels;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>One subscriber's handler with its bounded queue: messages are handed over one at a time.</summary>
internal sealed class TopicHandler : IDisposable
{
    private readonly Channel<PubSubMessage> _queue;
    private readonly Action<TopicHandler> _left;
    private readonly Action<PubSubMessage> _handler;
    private readonly ILogger? _logger;
    private int _disposed;

    public TopicHandler(string topic, Action<PubSubMessage> handler, int capacity, ILogger? logger, Action<TopicHandler> left)
    {
        Topic = topic;
        _handler = handler;
        _logger = logger;
        _left = left;
        _queue = Channel.CreateBounded<PubSubMessage>(new BoundedChannelOptions(capacity) { SingleReader = true });
        Pump = Task.Run(PumpAsync);
    }

    public string Topic { get; }

    /// <summary>Ends after <see cref="Dispose"/>, when the handler has returned.</summary>
    public Task Pump { get; }

    /// <summary>Queues a message, waiting for room as long as <paramref name="patience"/> lasts; false when it was dropped.</summary>
    public async ValueTask<bool> OfferAsync(PubSubMessage message, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        if (_queue.Writer.TryWrite(message))
        {
            return true;
        }

        using var timeout = new CancellationTokenSource(patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await _queue.Writer.WriteAsync(message, both.Token).ConfigureAwait(false);
            return true;
        }
        catch (ChannelClosedException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Leaves; queued messages are forgotten.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _queue.Writer.TryComplete();
            _left(this);
        }
    }

    private async Task PumpAsync()
    {
        await foreach (var message in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            if (Volatile.Read(ref _disposed) != 0)
            {
                return;
            }

            try
            {
                _handler(message);
            }
            catch (Exception e)
            {
                // A subscriber's bug must not stop its later messages, nor anyone else's.
                _logger?.LogError(e, "The handler of topic {Topic} failed on a message from {Author}.", message.Topic, message.Author);
            }
        }
    }
}
