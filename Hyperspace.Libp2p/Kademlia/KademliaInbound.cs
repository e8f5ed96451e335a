using Hyperspace.Libp2p.Kademlia.Wire;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>Serves inbound streams: requests one after the other, until the peer closes, errs or falls idle.</summary>
internal sealed class KademliaInbound(KademliaNode node, KademliaOptions options, TimeProvider time, ILogger logger)
{
    /// <summary>True while requests are answered; in client mode streams that are open end at their next request.</summary>
    public bool Serves { get; set; }

    /// <summary>Serves one stream. A fault (bad bytes, a refused request, an unread answer) makes the switch reset it.</summary>
    public async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        while (true)
        {
            using var timer = new TimedCancellation(options.StreamIdleTimeout, time, cancellationToken);
            try
            {
                if (await stream.ReadMessageAsync(options.MaxMessageBytes, timer.Token).ConfigureAwait(false) is not { } bytes)
                {
                    return;
                }

                var message = Message.Parser.ParseFrom(bytes);
                var (reply, refusal) = Serves ? node.Locked(s => s.Handle(message, stream.RemotePeer, time.GetUtcNow())) : ServerReply.Refused("This peer is a client now.");
                if (refusal is not null)
                {
                    logger.LogDebug("Refused a {Type} request of {Peer}: {Why}", message.Type, stream.RemotePeer, refusal);
                    stream.Reset();
                    return;
                }

                if (reply is not null)
                {
                    await stream.WriteAsync(reply.ToLengthPrefixed(), timer.Token).ConfigureAwait(false);
                }
            }
            catch (IOException e)
            {
                logger.LogDebug("A Kademlia stream of {Peer} ended: {Why}", stream.RemotePeer, e.Message);
                stream.Reset();
                return;
            }
            catch (OperationCanceledException) when (timer.TimedOut)
            {
                return;
            }
        }
    }
}
