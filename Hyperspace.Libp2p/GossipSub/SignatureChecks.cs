namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Checks signatures, the costliest part of a message: a batch on several threads, and a copy that comes from another peer
/// while the first is being checked only once. Thread-safe.
/// </summary>
internal sealed class SignatureChecks(AuthorCache authors, int parallelism)
{
    // Fewer are done sooner than other threads are woken.
    private const int WorthSharing = 4;
    private readonly Lock _gate = new();
    private readonly Dictionary<MessageKey, GossipMessage> _running = [];
    private readonly ParallelOptions _options = new() { MaxDegreeOfParallelism = parallelism };

    /// <summary>Checks all messages; copies that are being checked elsewhere already are replaced in the list by those.</summary>
    public void Check(List<GossipMessage> messages)
    {
        lock (_gate)
        {
            for (var i = 0; i < messages.Count; i++)
            {
                // The same key with other bytes is a forgery of one or the other: both are checked.
                if (!_running.TryAdd(messages[i].Key, messages[i]) && _running[messages[i].Key].Encoded.Span.SequenceEqual(messages[i].Encoded.Span))
                {
                    messages[i] = _running[messages[i].Key];
                }
            }
        }

        try
        {
            if (messages.Count < WorthSharing || parallelism == 1)
            {
                messages.ForEach(Check);
            }
            else
            {
                Parallel.ForEach(messages, _options, Check);
            }
        }
        finally
        {
            lock (_gate)
            {
                foreach (var message in messages)
                {
                    if (_running.TryGetValue(message.Key, out var running) && running == message)
                    {
                        _running.Remove(message.Key);
                    }
                }
            }
        }
    }

    private void Check(GossipMessage message)
    {
        // Whoever comes second waits for the first one's result.
        lock (message)
        {
            message.Authenticate(authors);
        }
    }
}
