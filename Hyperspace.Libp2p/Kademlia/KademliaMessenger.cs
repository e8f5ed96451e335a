using Hyperspace.Libp2p.Kademlia.Wire;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>How a request to a peer ended.</summary>
/// <param name="Reply">The answer, or null.</param>
/// <param name="Silent">True when the peer could not be reached or said nothing in time; false when it answered or refused.</param>
internal readonly record struct Outcome(Message? Reply, bool Silent);

/// <summary>Sends requests to peers: one stream each, one answer, a time-out.</summary>
internal sealed class KademliaMessenger(ISwitch @switch, KademliaOptions options, TimeProvider time)
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Sends a request and reads the answer.</summary>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public async Task<Outcome> RequestAsync(PeerId peer, Message request, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(options.RpcTimeout, time, cancellationToken);
        return await GuardAsync(peer, ExchangeAsync, timer, cancellationToken).ConfigureAwait(false);

        async Task<Outcome> ExchangeAsync(IPeerStream stream)
        {
            await stream.WriteAsync(request.ToLengthPrefixed(), timer.Token).ConfigureAwait(false);
            var bytes = await stream.ReadMessageAsync(options.MaxMessageBytes, timer.Token).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The peer closed the stream without an answer.");
            var reply = Message.Parser.ParseFrom(bytes);
            await stream.CloseWriteAsync(timer.Token).ConfigureAwait(false);
            return new Outcome(reply, false);
        }
    }

    /// <summary>Sends a message that has no answer; its <see cref="Outcome.Reply"/> is the message itself when it was taken.</summary>
    /// <exception cref="OperationCanceledException">The caller's token was cancelled.</exception>
    public async Task<Outcome> SendAsync(PeerId peer, Message message, CancellationToken cancellationToken)
    {
        using var timer = new TimedCancellation(options.RpcTimeout, time, cancellationToken);
        return await GuardAsync(peer, DeliverAsync, timer, cancellationToken).ConfigureAwait(false);

        async Task<Outcome> DeliverAsync(IPeerStream stream)
        {
            await stream.WriteAsync(message.ToLengthPrefixed(), timer.Token).ConfigureAwait(false);
            await stream.CloseWriteAsync(timer.Token).ConfigureAwait(false);

            // A peer that has read to the end closes too, one that refuses resets; one that does neither soon has taken it.
            using var close = new TimedCancellation(CloseTimeout, time, timer.Token);
            try
            {
                _ = await stream.ReadAsync(new byte[1], close.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (!timer.Token.IsCancellationRequested)
            {
                // Taken, as far as can be known.
            }

            return new Outcome(message, false);
        }
    }

    private async Task<Outcome> GuardAsync(PeerId peer, Func<IPeerStream, Task<Outcome>> exchange, TimedCancellation timer, CancellationToken cancellationToken)
    {
        IPeerStream? stream = null;
        try
        {
            stream = await @switch.OpenStreamAsync(peer, [options.ProtocolId], timer.Token).ConfigureAwait(false);
            var outcome = await exchange(stream).ConfigureAwait(false);
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
