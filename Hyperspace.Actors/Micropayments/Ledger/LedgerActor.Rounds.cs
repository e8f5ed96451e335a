using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Transport;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>Rounds of settlements: closed, journalled, published, and heard from others.</summary>
internal sealed partial class LedgerActor
{
    /// <summary>Closes the oldest round that is due, or the current one when somebody asks for that; those after it follow once the ledger has read it.</summary>
    private object? Close(OpenLedger ledger, LedgerCommands.CloseRound? asked)
    {
        if (_closing)
        {
            // Its turn comes when the other one is journalled.
            Self.Tell(asked is null ? Tick.Instance : asked, _asker);
            return null;
        }

        var (period, now) = (_services.Options.SettlementPeriod, _services.Time.GetUtcNow());
        var start = ledger.Queries.FirstAfter(_state.Through) is { } first ? _state.StartOf(first, period) : long.MaxValue;
        var isOver = start != long.MaxValue && RoundState.IsDue(start, now, period, early: false);
        if (!isOver && (asked is null || start == long.MaxValue || !RoundState.IsDue(start, now, period, early: true)))
        {
            Publish();
            return asked is null ? null : new Refusal(ErrorCodes.Conflict, start == long.MaxValue
                ? "No money has moved over a channel since the last round, so there is nothing to close."
                : $"The current round is closed already. What came after it belongs to {RoundState.NameOf(start)}, which can be closed from then on.");
        }

        var through = isOver ? ledger.Queries.LastBefore(_state.Through, start + (long)period.TotalMilliseconds) : ledger.Position.Ordering;
        var closed = new LedgerEvents.RoundClosed(start, through, ledger.Queries.Round(_state.Through, through, ledger.Queries.PositionOf));
        var (replyTo, self) = (_asker, Self);
        _closing = true;
        Record(closed, replyTo, () =>
        {
            _closing = false;
            FaultPoints.Hit("ledger.round-closed");
            if (isOver)
            {
                self.Tell(asked is null ? Tick.Instance : asked, replyTo);
            }
            else
            {
                replyTo.Tell(SettlementTable.View(_services.Identity.PeerId.ToString(), closed, published: false));
            }

            Publish();
        });
        return null;
    }

    private void Publish()
    {
        if (_publishing || _state.Unpublished is not [var round, ..])
        {
            return;
        }

        _publishing = true;
        var messages = Settlements.Seal(_services.Identity, round, _services.Clock)
            .SelectMany(part => new[] { Topics.SettlementsOf(RoundState.NameOf(round.StartMs)), Topics.Settlements }.Select(topic => new GossipCommands.Publish(topic, part.Bytes.ToArray())));
        PublishAsync(messages).PipeTo(Self, success: failure => new PublishEnded(round.StartMs, failure), failure: e => new PublishEnded(round.StartMs, e.Message));
    }

    /// <summary>Null, or why not all of it is on the mesh.</summary>
    private async Task<string?> PublishAsync(IEnumerable<GossipCommands.Publish> messages)
    {
        foreach (var message in messages)
        {
            if (await _registry.Get<ActorKeys.Gossip>().Ask<object>(message, ChannelLimits.AskTimeout, _stopping.Token) is Refusal refusal)
            {
                return refusal.Message;
            }
        }

        return null;
    }

    private void Published(PublishEnded ended)
    {
        if (ended.Failure is not null)
        {
            // The next tick tries again.
            _publishing = false;
            Log.Warning("The settlements of {0} were not published yet: {1}", RoundState.NameOf(ended.StartMs), ended.Failure);
            return;
        }

        FaultPoints.Hit("ledger.round-published");
        Record(new LedgerEvents.RoundPublished(ended.StartMs), ActorRefs.Nobody, () =>
        {
            _publishing = false;
            Publish();
        });
    }

    private void Hear(GossipReceived received)
    {
        // What others publish must not keep this peer's own questions out.
        if (_waiting.Count < MaxWaiting / 2 && Settlements.Read(received.Data, _services.Time.GetUtcNow(), out _) is { } heard && heard.Author != _services.Identity.PeerId.ToString())
        {
            WhenCaughtUp(
                ledger =>
                {
                    ledger.Settlements.Keep(heard);
                    return null;
                },
                ActorRefs.Nobody);
        }
    }

    private sealed record PublishEnded(long StartMs, string? Failure);
}
