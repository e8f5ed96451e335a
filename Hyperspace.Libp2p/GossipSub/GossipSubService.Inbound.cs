using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Libp2p.GossipSub;

public sealed partial class GossipSubService
{
    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        using var reader = new RpcFrameReader(stream, _options.MaxRpcSize);
        var batch = new InboundBatch(_options);
        var inbox = new List<GossipEffect>();
        var peer = stream.RemotePeer;

        // The remote's subscriptions may come before its Identify.
        AddPeer(peer, GossipSubProtocol.VersionOf(stream.Protocol) ?? GossipSubVersion.Floodsub);
        try
        {
            while (await batch.FillAsync(reader, both.Token).ConfigureAwait(false))
            {
                Interlocked.Add(ref _bytesIn, batch.Bytes);
                Receive(peer, batch, inbox);
                await SettleAsync(inbox, both.Token).ConfigureAwait(false);
                if (batch.Failure is { } failure)
                {
                    throw failure;
                }
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

    private void Receive(PeerId peer, InboundBatch batch, List<GossipEffect> inbox)
    {
        // The costly part, done outside the lock and only for messages that are new.
        lock (_gate)
        {
            batch.SelectUnchecked(message => _router.Wants(peer, message));
        }

        batch.Check(_signatures);
        lock (_gate)
        {
            _links.TryGetValue(peer, out var link);
            var now = Now();
            foreach (var rpc in batch.Rpcs)
            {
                if (rpc.IDontWant is { } ids)
                {
                    link?.Queue.Withdraw(ids);
                }

                _router.Receive(peer, rpc, now, _effects);
            }

            Dispatch(inbox);
        }
    }

    /// <summary>Has messages judged and delivers them, waiting for handlers that fall behind (so the remote feels it), for a while.</summary>
    private async ValueTask SettleAsync(List<GossipEffect> inbox, CancellationToken cancellationToken)
    {
        for (var i = 0; i < inbox.Count; i++)
        {
            var (from, message) = (inbox[i].Peer, inbox[i].Message!);
            var delivery = DeliveryOf(message, from);
            if (inbox[i].Kind == GossipEffectKind.Deliver)
            {
                await DeliverAsync(delivery, cancellationToken).ConfigureAwait(false);
            }
            else if (_validators.Judge(delivery) is { } verdict)
            {
                Conclude(from, message, verdict, inbox);
            }
            else
            {
                await _validators.RoomAsync(cancellationToken).ConfigureAwait(false);
                _ = ConcludeLaterAsync(from, message, delivery);
            }
        }

        inbox.Clear();
    }

    private async Task DeliverAsync(PubSubMessage delivery, CancellationToken cancellationToken)
    {
        foreach (var handler in Volatile.Read(ref _handlers).GetValueOrDefault(delivery.Topic, []))
        {
            if (!await handler.OfferAsync(delivery, _options.QueuePatience, _options.TimeProvider, cancellationToken).ConfigureAwait(false))
            {
                Interlocked.Increment(ref _dropped);
            }
        }
    }

    private void Conclude(PeerId from, GossipMessage message, Validation verdict, List<GossipEffect> inbox)
    {
        lock (_gate)
        {
            _router.Validated(from, message, verdict, Now(), _effects);
            Dispatch(inbox);
        }
    }

    /// <summary>Judges on its own, so that a slow validator holds up neither other topics nor what the peer sends next.</summary>
    private async Task ConcludeLaterAsync(PeerId from, GossipMessage message, PubSubMessage delivery)
    {
        try
        {
            var verdict = await _validators.JudgeAsync(delivery, _stop.Token).ConfigureAwait(false);
            var inbox = new List<GossipEffect>(1);
            Conclude(from, message, verdict, inbox);
            await SettleAsync(inbox, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The service ends.
        }
    }

    private async ValueTask<Validation> JudgeOwnAsync(PubSubMessage message, CancellationToken cancellationToken)
    {
        if (_validators.Judge(message) is { } verdict)
        {
            return verdict;
        }

        await _validators.RoomAsync(cancellationToken).ConfigureAwait(false);
        return await _validators.JudgeAsync(message, cancellationToken).ConfigureAwait(false);
    }

    private static PubSubMessage DeliveryOf(GossipMessage message, PeerId from) =>
        new(message.Topic, message.Author, from, message.SequenceNumber, message.Data, message.Id);
}
