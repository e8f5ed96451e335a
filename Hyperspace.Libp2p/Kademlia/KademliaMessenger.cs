using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>How a request to a peer ended.</summary>
/// <param name="Reply">The answer, or null.</param>
/// <param name="Silent">True when the peer could not be reached or said nothing in time; false when it answered or refused.</param>
internal readonly record struct Outcome(Message? Reply, bool Silent);

/// <summary>Sends requests to peers: one answer each, a time-out, bounded in number; streams carry one request after the other.</summary>
internal sealed class KademliaMessenger(ISwitch @switch, KademliaOptions options, TimeProvider time) : IAsyncDisposable
{
    private readonly StreamPool _pool = new(options.MaxIdleStreams, options.StreamReuseTime, time);
    private readonly SemaphoreSlim _room = new(options.MaxConcurrentRequests);

    /// <summary>Sends a request and reads the answer.</summary>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public Task<Outcome> RequestAsync(PeerId peer, Message request, CancellationToken cancellationToken) =>
        ExchangeAsync(peer, request.ToLengthPrefixed(), cancellationToken);

    /// <summary>
    /// Sends a message that has no answer, and a ping after it on the same stream: requests are served in order and a
    /// refused one ends the stream, so the ping's answer says that the message was taken. (The end of the stream says
    /// nothing: js-libp2p resets it either way.)
    /// </summary>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public Task<Outcome> SendAsync(PeerId peer, Message message, CancellationToken cancellationToken) =>
        ExchangeAsync(peer, [.. message.ToLengthPrefixed(), .. KademliaMessages.Ping().ToLengthPrefixed()], cancellationToken);

    /// <summary>Closes the streams that lie idle.</summary>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private async Task<Outcome> ExchangeAsync(PeerId peer, byte[] bytes, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(options.RpcTimeout, time, cancellationToken);
        try
        {
            await _room.WaitAsync(timer.Token).ConfigureAwait(false);
            try
            {
                // An idle stream may have been closed by the other side meanwhile; that says nothing about the peer.
                var reply = _pool.Take(peer) is { } idle
                    ? await TryExchangeAsync(idle, bytes, timer.Token).ConfigureAwait(false)
                    : null;
                reply ??= await ExchangeAsync(await @switch.OpenStreamAsync(peer, [options.ProtocolId], timer.Token).ConfigureAwait(false), bytes, timer.Token).ConfigureAwait(false);
                return new Outcome(reply, false);
            }
            finally
            {
                _room.Release();
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // A damaged answer is an IOException too. A reset or a bad answer over a live connection is a refusal, not an absence.
            return new Outcome(null, !@switch.ConnectedPeers.Contains(peer));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Outcome(null, true);
        }
    }

    private async Task<Message?> TryExchangeAsync(IPeerStream stream, byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            return await ExchangeAsync(stream, bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return null;
        }
    }

    private async Task<Message> ExchangeAsync(IPeerStream stream, byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
            var reply = await stream.ReadMessageAsync(options.MaxMessageBytes, cancellationToken).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The peer closed the stream without an answer.");
            var message = Message.Parser.ParseFrom(reply);
            await _pool.ReturnAsync(stream).ConfigureAwait(false);
            return message;
        }
        catch
        {
            stream.Reset();
            throw;
        }
    }
}
