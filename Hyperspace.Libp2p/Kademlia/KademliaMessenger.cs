using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>How a request to a peer ended.</summary>
/// <param name="Reply">The answer, or null.</param>
/// <param name="Silent">True when the peer could not be reached or said nothing in time; false when it answered or refused.</param>
internal readonly record struct Outcome(Message? Reply, bool Silent);

/// <summary>Sends requests to peers: one stream each, one answer, a time-out.</summary>
internal sealed class KademliaMessenger(ISwitch @switch, KademliaOptions options, TimeProvider time)
{
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

    private async Task<Outcome> ExchangeAsync(PeerId peer, byte[] bytes, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(options.RpcTimeout, time, cancellationToken);
        IPeerStream? stream = null;
        try
        {
            stream = await @switch.OpenStreamAsync(peer, [options.ProtocolId], timer.Token).ConfigureAwait(false);
            await stream.WriteAsync(bytes, timer.Token).ConfigureAwait(false);
            var reply = await stream.ReadMessageAsync(options.MaxMessageBytes, timer.Token).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The peer closed the stream without an answer.");
            var outcome = new Outcome(Message.Parser.ParseFrom(reply), false);
            await stream.CloseWriteAsync(timer.Token).ConfigureAwait(false);
            await stream.DisposeAsync().ConfigureAwait(false);
            return outcome;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            stream?.Reset();

            // A damaged answer is an IOException too. A reset or a bad answer over a live connection is a refusal, not an absence.
            return new Outcome(null, !@switch.ConnectedPeers.Contains(peer));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            stream?.Reset();
            return new Outcome(null, true);
        }
        catch (OperationCanceledException)
        {
            stream?.Reset();
            throw;
        }
    }
}
