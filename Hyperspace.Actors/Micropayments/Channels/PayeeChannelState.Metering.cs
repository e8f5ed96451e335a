using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Streams, which are paid while they are delivered.</content>
internal sealed partial record PayeeChannelState
{
    /// <summary>What of the accepted vouchers is not spent.</summary>
    public Amount Balance => Micro(AcceptedMicro - SpentMicro);

    public PayeeDecision Decide(MeteringCommands.Meter meter)
    {
        if (Terms is null || meter.PayerId != PayerPeerId)
        {
            return StrangerRefused();
        }

        if (Objection(meter.StreamId, meter.Total, memo: null) is { } objection)
        {
            return objection;
        }

        var before = Requests.TryGet(meter.StreamId, out var metered) ? metered.PriceMicro : 0;
        if (metered is { IsVoided: true } || before < meter.From.MicroUnits)
        {
            return RefuseVoucher(meter.StreamId, ErrorCodes.Conflict, "The payer was told that this stream is not paid, or it ran too long ago to be known; begin another one.");
        }

        if (meter.Total.MicroUnits <= before)
        {
            return new PayeeDecision(null, Accepted(meter.StreamId, repeated: true, wasDelivered: false));
        }

        if (Ended(meter.StreamId) is { } ended)
        {
            return ended;
        }

        var amount = meter.Total.MicroUnits - before;
        if (Balance.MicroUnits < amount)
        {
            return RefuseVoucher(
                meter.StreamId, ErrorCodes.PaymentInsufficient, $"The stream needs {Micro(amount)} more, and {Balance} is left of the vouchers. Send one over at least {Micro(SpentMicro + amount)}.", SpentMicro + amount);
        }

        var happened = new PayeeChannelEvents.Metered(meter.StreamId, amount, meter.Total.MicroUnits);
        return new PayeeDecision(happened, Apply(happened).Accepted(meter.StreamId, repeated: false, wasDelivered: false));
    }

    /// <summary>The answer to one who waits for a balance; null while there is none yet.</summary>
    public object? Decide(MeteringCommands.AwaitBalance wait)
    {
        if (Terms is null || wait.PayerId != PayerPeerId)
        {
            return StrangerRefused().Reply;
        }

        return wait.Amount.Currency != Currency ? RefuseVoucher(null, ErrorCodes.ChannelRefused, $"The channel is in {Currency}.").Reply
            : Balance >= wait.Amount ? Accepted("", repeated: true, wasDelivered: false)
            : Ended(null)?.Reply;
    }

    /// <summary>The answer to one who has waited for it too long.</summary>
    public object Overdue(MeteringCommands.AwaitBalance wait) => RefuseVoucher(
        null, ErrorCodes.PaymentInsufficient, $"{Balance} is left of the vouchers, and {wait.Amount} is needed. Send one over at least {Micro(SpentMicro + wait.Amount.MicroUnits)}.", SpentMicro + wait.Amount.MicroUnits).Reply;
}
