using System.Threading.Channels;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>What a peer answered to a lookup.</summary>
internal sealed record LookupReply(PeerId Peer, Wire.Message Message, IReadOnlyList<PeerId> Closer);

/// <summary>How a lookup ended.</summary>
internal sealed record LookupResult(IReadOnlyList<PeerId> Closest, QueryEnd End, int Requests, int Hops);

/// <summary>
/// Drives one <see cref="KademliaQuery"/>: its effects become requests, answers and the clock become its events. All
/// callbacks and the query itself run in one loop.
/// </summary>
/// <param name="query">The query, not yet started.</param>
/// <param name="ask">Sends the request to a peer; null when there was no good answer. Its token is cancelled when the query gives up on the peer.</param>
/// <param name="time">The clock.</param>
internal sealed class KademliaLookup(KademliaQuery query, Func<PeerId, CancellationToken, Task<LookupReply?>> ask, TimeProvider time)
{
    // Bounded by the query: one answer per request, and single-shot timers.
    private readonly Channel<(QueryEvent Event, LookupReply? Reply)> _events = Channel.CreateUnbounded<(QueryEvent, LookupReply?)>(new UnboundedChannelOptions { SingleReader = true });
    private ITimer? _patience;

    /// <summary>Runs to the end.</summary>
    /// <param name="seeds">Where to begin.</param>
    /// <param name="onReply">Sees every answer, one at a time, before the query goes on.</param>
    /// <param name="cancellationToken">Abandons the lookup.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<LookupResult> RunAsync(IEnumerable<PeerId> seeds, Action<LookupReply>? onReply, CancellationToken cancellationToken)
    {
        using var all = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ticks = time.CreateTimer(_ => _events.Writer.TryWrite((new QueryEvent.Tick(), null)), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        var waiting = new Dictionary<PeerId, CancellationTokenSource>();
        try
        {
            var effects = query.Start(seeds, time.GetUtcNow());
            while (true)
            {
                foreach (var effect in effects)
                {
                    switch (effect)
                    {
                        case QueryEffect.Ask(var peer):
                            waiting[peer] = CancellationTokenSource.CreateLinkedTokenSource(all.Token);
                            _ = AskAsync(peer, waiting[peer].Token);
                            break;
                        case QueryEffect.GiveUp(var peer):
                            await waiting[peer].CancelAsync().ConfigureAwait(false);
                            break;
                        case QueryEffect.Finished(var why):
                            return new LookupResult(query.Closest, why, query.Requests, query.Hops);
                    }
                }

                var due = query.NextTick - time.GetUtcNow();
                ticks.Change(due > TimeSpan.Zero ? due : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
                var (next, reply) = await _events.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (reply is not null)
                {
                    onReply?.Invoke(reply);
                }

                effects = query.Handle(next, time.GetUtcNow());
            }
        }
        finally
        {
            await all.CancelAsync().ConfigureAwait(false);
            _patience?.Dispose();
            foreach (var source in waiting.Values)
            {
                source.Dispose();
            }
        }
    }

    /// <summary>Ends the lookup: what was sought is found. Called from the reply callback.</summary>
    public void Stop() => _events.Writer.TryWrite((new QueryEvent.Stop(), null));

    /// <summary>Ends the lookup after a while, unless it ends before; only the first call counts. Called from the reply callback.</summary>
    public void StopAfter(TimeSpan patience) =>
        _patience ??= time.CreateTimer(_ => Stop(), null, patience, Timeout.InfiniteTimeSpan);

    private async Task AskAsync(PeerId peer, CancellationToken cancellationToken)
    {
        try
        {
            // Off the loop: opening a stream may run for a while before it first yields.
            var reply = await Task.Run(() => ask(peer, cancellationToken), cancellationToken).ConfigureAwait(false);
            QueryEvent e = reply is null ? new QueryEvent.Failed(peer) : new QueryEvent.Answered(peer, reply.Closer);
            _events.Writer.TryWrite((e, reply));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The query gave up on the peer and does not wait for it.
        }
        catch (Exception e)
        {
            // A bug: let it surface in the loop.
            _events.Writer.TryComplete(e);
        }
    }
}
