using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

public sealed partial class GossipSubService
{
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
            var delivery = DeliveryOf(message!, from);
            if (kind == GossipEffectKind.Validate)
            {
                var verdict = Judge(delivery);
                lock (_gate)
                {
                    _router.Validated(from, message!, verdict, Now(), _effects);
                    Dispatch(inbox);
                }

                continue;
            }

            foreach (var handler in Volatile.Read(ref _handlers).GetValueOrDefault(message!.Topic, []))
            {
                if (!await handler.OfferAsync(delivery, _options.QueuePatience, _options.TimeProvider, cancellationToken).ConfigureAwait(false))
                {
                    Interlocked.Increment(ref _dropped);
                }
            }
        }

        inbox.Clear();
    }

    private static PubSubMessage DeliveryOf(GossipMessage message, PeerId from) =>
        new(message.Topic, message.Author, from, message.SequenceNumber, message.Data, message.Id);

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
}
