using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Opening by hand, topping up, closing.</content>
internal sealed partial record PayerChannelState
{
    /// <summary>What is proposed to a payee that gave these terms, or why nothing is.</summary>
    public (PayerChannelEvents.Proposed? Event, Refusal? Refusal) Decide(PayerChannelCommands.Open open, PaymentTerms terms, IdentityBinding binding, ReadOnlySpan<byte> payer, ReadOnlySpan<byte> salt)
    {
        if ((CheckOpening(open) ?? CheckTerms(terms) ?? CheckBinding(open.PayeePeerId, terms, binding)) is { } refusal)
        {
            return (null, refusal);
        }

        return terms switch
        {
            _ when terms.Currency != open.Deposit.Currency.Code => (null, new Refusal(ErrorCodes.ChannelRefused, $"The payee takes {terms.Currency}, not {open.Deposit.Currency}.")),
            _ when open.ChainId is { } chain && chain != terms.ChainId => (null, new Refusal(ErrorCodes.ChannelRefused, $"The payee is not paid on chain {chain}.")),
            _ when open.ChainId is null && open.Deposit.MicroUnits > CreditLeftMicro(terms) => (null, new Refusal(
                ErrorCodes.PaymentOverDeposit, $"The payee gives this peer {Micro(CreditLeftMicro(terms))} more credit of {Micro(terms.MaxCreditMicro)} in all. Open with a smaller budget, or on a chain.")),
            _ => (Propose(open.PayeePeerId, terms, payer, salt, open.Deposit.MicroUnits, funded: open.ChainId is not null), null),
        };
    }

    /// <summary>Why a channel cannot be opened now, if it cannot.</summary>
    public Refusal? CheckOpening(PayerChannelCommands.Open open) => open switch
    {
        _ when open.ChannelKey != ChannelKey || ChannelKey != $"{open.PayeePeerId}:{open.Deposit.Currency}" => new Refusal(ErrorCodes.InvalidParams, "The channel's key is {payeePeerId}:{currency} of the deposit."),
        _ when open.Deposit.IsZero => new Refusal(ErrorCodes.InvalidAmount, "A channel needs a budget above zero."),
        _ when IsOpen => new Refusal(ErrorCodes.Conflict, $"A channel to this payee is open: {View().ChannelId}. Pay over it, top it up, or close it first."),
        _ when Terms is not null && Funded => new Refusal(ErrorCodes.Conflict, $"The channel {View().ChannelId} is being funded; wait for it."),
        _ when Contradictions > MaxContradictions => new Refusal(ErrorCodes.ChannelRefused, "This payee has more than once called a voucher refused and kept it, so nothing more is signed for it. Use another provider."),
        _ => null,
    };

    /// <summary>The event to journal first, a refusal, or neither when the deposit is that high already.</summary>
    public (PayerChannelEvents.TopUpBegun? Event, Refusal? Refusal) Decide(PayerChannelCommands.TopUp topUp) => topUp switch
    {
        _ when !Is(topUp.ChannelId) || IsClosing => (null, NotOpen),
        _ when topUp.DepositMicro > Amount.MaxMicroUnits => (null, new Refusal(ErrorCodes.InvalidAmount, "The deposit is over the largest amount that there is.")),
        _ when ToppingUpMicro > 0 && ToppingUpMicro != topUp.DepositMicro => (null, new Refusal(ErrorCodes.Conflict, $"The channel is being topped up to {Micro(ToppingUpMicro)}; wait for it.")),
        _ when topUp.DepositMicro <= DepositMicro => (null, null),
        _ => (ToppingUpMicro > 0 ? null : new PayerChannelEvents.TopUpBegun(topUp.DepositMicro), null),
    };

    /// <summary>The event to journal first, a refusal, or neither when it is closing already.</summary>
    public (PayerChannelEvents.ClosingBegun? Event, Refusal? Refusal) Decide(PayerChannelCommands.Close close) => Is(close.ChannelId)
        ? ToppingUpMicro > 0
            ? (null, new Refusal(ErrorCodes.Conflict, $"The channel is being topped up to {Micro(ToppingUpMicro)}; close it when that is done."))
            : (IsClosing ? null : new PayerChannelEvents.ClosingBegun(), null)
        : (null, NotOpen);

    /// <summary>
    /// What the final voucher is over: what is paid as far as this side knows, or what the payee has spent or settled, when it
    /// says so and has a voucher over as much.
    /// </summary>
    public ulong FinalMicro(ulong requiredMicro) => requiredMicro <= SignedMicro ? Math.Max(AcceptedMicro, requiredMicro) : AcceptedMicro;

    /// <summary>The end by the payee's standing; null: it is not closed, or says what cannot be.</summary>
    public PayerChannelEvents.Closed? End(ChannelStanding standing) =>
        Terms is not null && standing is { Known: true, Closed: true } && standing.ChannelId.Span.SequenceEqual(ChannelIds.Of(Terms)) && standing.SettledMicro <= Math.Max(SignedMicro, AcceptedMicro) && standing.SettledMicro <= DepositMicro
            ? new PayerChannelEvents.Closed(standing.SettledMicro, DepositMicro - standing.SettledMicro)
            : null;

    /// <summary>Whether a channel is open, and this one if told.</summary>
    public bool Is(string? channelId) => IsOpen && Terms is not null && (channelId is null || channelId == ChannelIds.ToText(ChannelIds.Of(Terms)));

    public static Refusal NotOpen { get; } = new(ErrorCodes.ChannelNotFound, "This channel is not open; list the channels, or open one first.");
}
