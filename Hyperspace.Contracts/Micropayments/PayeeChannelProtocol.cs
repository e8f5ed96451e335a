using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>A message for a payee's channel; the id is <c>0x</c> and 64 lower-case hex digits.</summary>
public interface IPayeeChannelMessage
{
    /// <summary>The channel's id.</summary>
    string ChannelId { get; }
}

/// <summary>
/// Commands of the payee's side of a channel. Who pays is named by its peer id, or by <c>eip155:{chainId}:{0x…}</c> (lower
/// case) when it came over HTTP and is known by its address only.
/// </summary>
public static class PayeeChannelCommands
{
    /// <summary>
    /// Opens a channel on a payer's request; checks binding, id, terms, and the escrow's deposit or the credit limit. Answered
    /// with <see cref="PayeeChannelView"/> or a <see cref="Refusal"/>; idempotent for the same terms.
    /// </summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="PayerPeerId">Who asks.</param>
    /// <param name="Terms">What its id is made of.</param>
    /// <param name="PayerBinding">Proof that the terms' payer is the peer.</param>
    /// <param name="Funded">The escrow must hold the deposit; otherwise it may be on trust.</param>
    public sealed record Open(string ChannelId, string PayerPeerId, ChannelTerms Terms, IdentityBinding PayerBinding, bool Funded = false) : IPayeeChannelMessage;

    /// <summary>
    /// Opens a channel that lies in the escrow of a configured chain, as the chain has it: paid to this peer's wallet in the
    /// chain's token, not finalized, not asked to be closed. Its payer is <c>eip155:{chainId}:{0x…}</c>. Answered and
    /// idempotent as <see cref="Open"/>.
    /// </summary>
    public sealed record OpenOnChain(string ChannelId, ulong ChainId, ChannelDomain Domain) : IPayeeChannelMessage;

    /// <summary>
    /// Verifies a voucher for one request and spends the price, both journalled before the reply. A voucher that is not above
    /// what was accepted still serves a request that the balance (accepted − spent) covers. Answered with
    /// <see cref="VoucherAccepted"/> or a <see cref="VoucherRefused"/>.
    /// </summary>
    public sealed record Accept(string ChannelId, string PayerPeerId, string RequestId, Voucher Voucher, Amount Price, string? Memo = null) : IPayeeChannelMessage;

    /// <summary>
    /// Verifies and takes a voucher that is for no request yet: it adds to the balance. One that is not above what was
    /// accepted changes nothing and is answered all the same. Answered as <see cref="Accept"/>.
    /// </summary>
    public sealed record Take(string ChannelId, string PayerId, Voucher Voucher) : IPayeeChannelMessage;

    /// <summary>
    /// Spends an amount of the balance (accepted − spent), journalled before the reply: deliver after it. The same request
    /// with the same amount is not charged again. Answered with <see cref="VoucherAccepted"/>, or a <see cref="VoucherRefused"/>
    /// PAYMENT_INSUFFICIENT that tells the cumulative amount required.
    /// </summary>
    public sealed record Spend(string ChannelId, string PayerId, string RequestId, Amount Amount, string? Memo = null) : IPayeeChannelMessage;

    /// <summary>The request was served (or its tool failed after payment); journalled. Answered with <see cref="PayeeChannelView"/>.</summary>
    public sealed record Delivered(string ChannelId, string RequestId) : IPayeeChannelMessage;

    /// <summary>
    /// Was this request paid? If not, it never will be: from now on a voucher for it is refused, so that a payer whose
    /// voucher may still be on its way knows for good. Journalled. Answered as <see cref="Get"/> is.
    /// </summary>
    public sealed record Resolve(string ChannelId, string PayerPeerId, string RequestId) : IPayeeChannelMessage;

    /// <summary>
    /// Raises the deposit: by what the escrow holds when the channel is on chain, else on trust to <paramref name="DepositMicro"/>
    /// within the credit limit. Idempotent. Answered with <see cref="PayeeChannelView"/> or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="PayerId">Who asks.</param>
    /// <param name="DepositMicro">The new deposit in all, in micro-units.</param>
    public sealed record TopUp(string ChannelId, string PayerId, ulong DepositMicro) : IPayeeChannelMessage;

    /// <summary>
    /// Closes the channel: no voucher counts any more, the payee gets what the final voucher says and the payer the rest of
    /// the deposit. The final voucher covers what was spent and what was settled before. Idempotent; answered with
    /// <see cref="PayeeChannelView"/> once journalled (on chain it is <see cref="ChannelPhase.Closing"/> until the escrow
    /// has paid out), or with a <see cref="VoucherRefused"/>.
    /// </summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="PayerId">Who asks; the channel's payer, or this peer's own id.</param>
    /// <param name="FinalVoucher">Null, from this peer only: settle what was accepted so far.</param>
    public sealed record Close(string ChannelId, string PayerId, Voucher? FinalVoucher) : IPayeeChannelMessage;

    /// <summary>
    /// Looks at the escrow again, and journals what has changed there: top-ups, what was settled, that the payer asks to close,
    /// that it is finalized. Answered with <see cref="PayeeChannelView"/> or a <see cref="Refusal"/>.
    /// </summary>
    public sealed record Refresh(string ChannelId) : IPayeeChannelMessage;

    /// <summary>What this peer can claim on chain. Answered with <see cref="HighestVoucher"/> or a <see cref="Refusal"/> CHANNEL_NOT_FOUND.</summary>
    public sealed record GetHighestVoucher(string ChannelId) : IPayeeChannelMessage;

    /// <summary>Answered with <see cref="PayeeChannelView"/>, or a <see cref="Refusal"/> CHANNEL_NOT_FOUND.</summary>
    /// <param name="ChannelId">The channel.</param>
    /// <param name="RequestId">Also tell of this request, if given.</param>
    public sealed record Get(string ChannelId, string? RequestId) : IPayeeChannelMessage;
}

/// <summary>The name of the EIP-712 domain of a channel's vouchers (version "1").</summary>
public enum ChannelDomain
{
    /// <summary><c>EVM Payment Channel</c> (draft-evm-session).</summary>
    Native,

    /// <summary><c>Tempo Stream Channel</c> (mppx sessionLegacy).</summary>
    Legacy,
}

/// <summary>How far a channel's life is.</summary>
public enum ChannelPhase
{
    /// <summary>Vouchers count.</summary>
    Open,

    /// <summary>No voucher counts any more; the final amount is fixed and not settled yet.</summary>
    Closing,

    /// <summary>Settled, and the remainder refunded.</summary>
    Closed,
}

/// <summary>The voucher counts.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="RequestId">The request that it pays.</param>
/// <param name="Accepted">The highest accepted cumulative amount.</param>
/// <param name="Spent">What of it is used for requests.</param>
/// <param name="Repeated">True when this very request was accepted before, or the voucher is not above what was: nothing was charged.</param>
/// <param name="WasDelivered">True when it was served before.</param>
public sealed record VoucherAccepted(string ChannelId, string RequestId, Amount Accepted, Amount Spent, bool Repeated, bool WasDelivered)
{
    /// <summary>
    /// It was paid before the channel was last read from its journal: when nobody is serving it now, it may have been served
    /// before a crash, and must not be again.
    /// </summary>
    public bool IsFromBefore { get; init; }
}

/// <summary>The voucher does not count; nothing changed.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Code">Out of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">What to do.</param>
/// <param name="Standing">Where the channel stands, when it is the asker's.</param>
/// <param name="Required">The cumulative amount that would do, when it was too little.</param>
public sealed record VoucherRefused(string ChannelId, string Code, string Message, PayeeChannelView? Standing, Amount? Required = null);

/// <summary>A payee's channel as callers see it.</summary>
public sealed record PayeeChannelView(string ChannelId, string PayerPeerId, bool Open, Amount Deposit, Amount Accepted, Amount Spent, long Vouchers, bool RequestPaid, Amount RequestCost)
{
    /// <summary>How far its life is.</summary>
    public ChannelPhase Phase { get; init; }

    /// <summary>The deposit lies in the escrow; otherwise it is on trust.</summary>
    public bool OnChain { get; init; }

    /// <summary>EIP-155 id of the vouchers' domain.</summary>
    public ulong ChainId { get; init; }

    /// <summary>The payer has asked the escrow to close: unix seconds; 0: it has not.</summary>
    public ulong CloseRequestedAt { get; init; }

    /// <summary>What was settled so far; final once closed.</summary>
    public Amount Settled { get; init; }

    /// <summary>What went back to the payer, once closed: deposit − settled.</summary>
    public Amount Refunded { get; init; }
}

/// <summary>The highest voucher of a channel: what the payee can settle.</summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Terms">Its terms; without a salt when it was opened by what the chain has.</param>
/// <param name="Voucher">The voucher, in token units; null: none was accepted.</param>
/// <param name="SettledMicro">What was settled already, as far as this peer has seen.</param>
/// <param name="OnChain">Whether the escrow holds the deposit.</param>
/// <param name="Phase">How far its life is.</param>
public sealed record HighestVoucher(string ChannelId, ChannelTerms Terms, Voucher? Voucher, ulong SettledMicro, bool OnChain, ChannelPhase Phase);
