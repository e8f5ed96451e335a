using Akka.Actor;
using Akka.Event;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What became of signed vouchers: told by who called, or by the payee when nobody else says.</summary>
internal sealed partial class PayerChannelActor
{
    private void Settle(PayerChannelCommands.Settle settle)
    {
        ChannelFaults.Hit(ChannelFaults.PayerSettling);
        if (settle.Outcome != PaymentOutcome.Unknown && State.Resolve(settle.RequestId, settle.Outcome == PaymentOutcome.Accepted) is { } resolved)
        {
            End(resolved, Sender);
        }
        else
        {
            Find(settle.RequestId);
        }
    }

    private void Raise(MeteringCommands.Raise raise)
    {
        var (raised, refusal) = State.Decide(raise);
        if (raised is null)
        {
            Sender.Tell(refusal);
            return;
        }

        var (sender, terms, allowed) = (Sender, State.Terms!, State.Flying[raise.RequestId].PriceMicro + raised.ByMicro);
        Commit(raised, () => sender.Tell(Voucher(terms, raise.RequestId, allowed, raised.CumulativeMicro)), sender.Tell);
    }

    private void SettleStream(MeteringCommands.SettleStream settle)
    {
        if (State.Resolve(settle) is { } resolved)
        {
            End(resolved, Sender);
        }
        else
        {
            Find(settle.RequestId);
        }
    }

    /// <summary>Tells the sender what became of a request, now or when the payee has said it. One that still waits is not paid any more.</summary>
    private void Find(string requestId)
    {
        foreach (var sender in _waiting.Withdraw(requestId))
        {
            sender.Tell(new Refusal(ErrorCodes.Conflict, $"The payment for {requestId} was withdrawn before it was signed."));
        }

        if (State.OutcomeOf(requestId) is { } known)
        {
            CommitAndTell(null, known);
            return;
        }

        if (!_curious.TryGetValue(requestId, out var curious))
        {
            _curious.Add(requestId, [Sender]);
            Ask(requestId);
        }
        else if (curious.Count < ChannelLimits.MaxWaiting)
        {
            curious.Add(Sender);
        }
        else
        {
            Sender.Tell(Unknown(requestId));
        }
    }

    private void Ask(string requestId)
    {
        if (State.Terms is not { } terms)
        {
            // It was paid, if at all, over a channel that is closed.
            TellCurious(requestId, Unknown(requestId));
            return;
        }

        if (_flights.TryGetValue(requestId, out var flight))
        {
            flight.IsAsking = true;
        }

        // Whatever goes wrong with asking, the answer is still out: it is asked again.
        AskAsync(State.PayeePeerId!, ChannelIds.Of(terms), requestId).PipeTo(Self, failure: _ => new Standing(requestId, null));
    }

    private async Task<Standing> AskAsync(string payee, byte[] channelId, string requestId) =>
        new(requestId, (await _payer.Payees.StatusAsync(payee, channelId, requestId).ConfigureAwait(false)).Reply);

    /// <summary>The payee's word: a request that it does not call paid stays unpaid, for it has voided it.</summary>
    private void Told(Standing told)
    {
        if (told.AtPayee is not null && State.Resolve(told.RequestId, told.AtPayee) is { } resolved)
        {
            if (resolved.HeldMicro > 0)
            {
                Log.Warning("The payee of {0} has spent {1} micro-units of vouchers, more than it had said before", PersistenceId, resolved.HeldMicro);
            }

            End(resolved, ActorRefs.Nobody);
            return;
        }

        if (_flights.TryGetValue(told.RequestId, out var flight))
        {
            flight.IsAsking = false;
            flight.Due = _payer.Time.GetTimestamp() + Ticks(flight.Backoff);
            flight.Backoff = flight.Backoff * 2 < _payer.Times.MaxBackoff ? flight.Backoff * 2 : _payer.Times.MaxBackoff;
        }

        if (told.AtPayee is { Closed: true } standing)
        {
            Self.Tell(new CloseAnswered(new ChannelReply { Standing = standing }, null));
        }

        var paid = told.AtPayee is { Known: true, RequestPaid: true };
        TellCurious(told.RequestId, State.OutcomeOf(told.RequestId) ?? (told.AtPayee is null
            ? Unknown(told.RequestId)
            : new PaymentSettled(State.ChannelKey, told.RequestId, paid ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(paid ? told.AtPayee.RequestMicro : 0))));
    }

    private void End(PayerChannelEvents.Resolved resolved, IActorRef sender)
    {
        void Answer()
        {
            var outcome = State.OutcomeOf(resolved.RequestId)!;
            sender.Tell(outcome);
            TellCurious(resolved.RequestId, outcome);
        }

        _flights.Remove(resolved.RequestId);
        if (resolved is { Accepted: true, HeldMicro: 0 })
        {
            // The payee has it in its journal: it says the same after a crash.
            CommitLater(resolved);
            Answer();
        }
        else
        {
            Commit(resolved, Answer, sender.Tell);
        }

        Next();
        if (State.IsClosing)
        {
            Commit(null, CloseWhenLanded, _ => { });
        }
    }

    private void TellCurious(string requestId, PaymentSettled outcome)
    {
        if (_curious.Remove(requestId, out var curious))
        {
            curious.ForEach(sender => sender.Tell(outcome));
        }
    }

    private PaymentSettled Unknown(string requestId) => new(State.ChannelKey, requestId, PaymentOutcome.Unknown, Micro(0));

    private sealed record Standing(string RequestId, ChannelStanding? AtPayee);
}
