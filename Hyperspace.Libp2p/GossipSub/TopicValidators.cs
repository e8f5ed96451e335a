using System.Collections.Immutable;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>The validators by topic prefix; the longest that fits judges. Thread-safe.</summary>
internal sealed class TopicValidators(TimeSpan timeout, int maxConcurrent, TimeProvider time, ILogger? logger)
{
    private readonly SemaphoreSlim _room = new(maxConcurrent);
    private ImmutableArray<Entry> _entries = [];

    /// <summary>Sets the validator of a prefix, instead of any that it had.</summary>
    public void Set(string prefix, TopicValidator? quick, AsyncTopicValidator? slow) => ImmutableInterlocked.Update(
        ref _entries,
        static (entries, added) => [.. entries.Where(e => e.Prefix != added.Prefix).Append(added).OrderByDescending(static e => e.Prefix.Length)],
        new Entry(prefix, quick, slow));

    /// <summary>Messages of the topic have to be judged.</summary>
    public bool Covers(string topic) => Find(topic) is not null;

    /// <summary>The verdict of a synchronous validator; null when only <see cref="JudgeAsync"/> can tell.</summary>
    public Validation? Judge(PubSubMessage message)
    {
        var entry = Find(message.Topic);
        if (entry?.Slow is not null)
        {
            return null;
        }

        try
        {
            return entry?.Quick?.Invoke(message) ?? Validation.Accept;
        }
        catch (Exception e)
        {
            return Failed(message, e);
        }
    }

    /// <summary>Waits for room for one more judgement.</summary>
    public Task RoomAsync(CancellationToken cancellationToken) => _room.WaitAsync(cancellationToken);

    /// <summary>
    /// The verdict, after <see cref="RoomAsync"/>; <see cref="Validation.Ignore"/> when it takes too long. The room is given
    /// back when the validator ends, so that one that ignores its cancellation cannot pile up.
    /// </summary>
    public async Task<Validation> JudgeAsync(PubSubMessage message, CancellationToken cancellationToken)
    {
        var judging = RunAsync(message, cancellationToken);
        try
        {
            return await judging.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            logger?.LogDebug("The validator of topic {Topic} took longer than {Timeout}; the message is dropped.", message.Topic, timeout);
            return Validation.Ignore;
        }
    }

    private async Task<Validation> RunAsync(PubSubMessage message, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return Find(message.Topic) switch
            {
                { Slow: { } slow } => await slow(message, either.Token).ConfigureAwait(false),
                { Quick: { } quick } => quick(message),
                _ => Validation.Accept,
            };
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            return Validation.Ignore;
        }
        catch (Exception e)
        {
            return Failed(message, e);
        }
        finally
        {
            _room.Release();
        }
    }

    private Validation Failed(PubSubMessage message, Exception e)
    {
        // A validator's bug says nothing about the message, nor about who brought it.
        logger?.LogError(e, "The validator of topic {Topic} failed; the message is dropped.", message.Topic);
        return Validation.Ignore;
    }

    private Entry? Find(string topic)
    {
        foreach (var entry in _entries)
        {
            if (topic.StartsWith(entry.Prefix, StringComparison.Ordinal))
            {
                return entry;
            }
        }

        return null;
    }

    private sealed record Entry(string Prefix, TopicValidator? Quick, AsyncTopicValidator? Slow);
}
