using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>A message for a payer's channel. The key is <c>{payeePeerId}:{currency}</c>: one open channel to each payee and currency.</summary>
public interface IPayerChannelMessage
{
    /// <summary>The channel's key on this peer.</summary>
    string ChannelKey { get; }
}

/// <summary>Commands of the payer's side of a channel.</summary>
public static class PayerChannelCommands
{
    /// <summary>
    /// Signs a voucher that adds <paramref name="Price"/>, opening the channel at the payee first when there is none.
    /// Journalled before the reply. So many vouchers are in flight at a time (<c>PeerOptions.VoucherWindow</c>): further
    /// commands wait their turn until <see cref="Settle"/> comes for one. Answered with <see cref="VoucherSigned"/> or a <see cref="Refusal"/>.
    /// The same request id gets the same voucher again.
    /// </summary>
    /// <param name="ChannelKey">The payer channel.</param>
    /// <param name="RequestId">The paid request; the session's reservation id.</param>
    /// <param name="Price">What the request costs.</param>
    /// <param name="PayeePeerId">Who is paid.</param>
    /// <param name="Terms">The payee's terms, from its challenge or capability record.</param>
    /// <param name="PayeeBinding">Proof that the terms' wallet is the peer's.</param>
    /// <param name="SessionId">The session that spends it, if any; for the ledger.</param>
    /// <param name="Memo">What it is for; at most 256 characters.</param>
    /// <param name="Streams">It pays a stream: <see cref="MeteringCommands.Raise"/> may add to it, and it ends with <see cref="MeteringCommands.SettleStream"/>.</param>
    public sealed record Pay(
        string ChannelKey, string RequestId, Amount Price, string PayeePeerId, PaymentTerms Terms, IdentityBinding PayeeBinding, string? SessionId = null, string? Memo = null, bool Streams = false) : IPayerChannelMessage;

    /// <summary>
    /// Opens a channel with that deposit: at the payee on trust, or in the escrow of a chain first and then at the payee.
    /// Answered with <see cref="PayerChannelView"/> when it is open, or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="ChannelKey">The payer channel.</param>
    /// <param name="PayeePeerId">Who is to be paid.</param>
    /// <param name="Deposit">The budget.</param>
    /// <param name="ChainId">The chain to put it on; null: on trust.</param>
    public sealed record Open(string ChannelKey, string PayeePeerId, Amount Deposit, ulong? ChainId = null) : IPayerChannelMessage;

    /// <summary>
    /// Pays the payee itself over the open channel. Answered with <see cref="PaymentSettled"/> or a <see cref="Refusal"/>; the
    /// same request id is not charged again. With a channel id, only that channel will do.
    /// </summary>
    public sealed record Send(string ChannelKey, string RequestId, Amount Amount, string? Memo = null, string? SessionId = null, string? ChannelId = null) : IPayerChannelMessage;

    /// <summary>
    /// Raises the open channel's deposit to <paramref name="DepositMicro"/> in all, in the escrow or on trust. Idempotent.
    /// With a channel id, only that channel will do. Answered with <see cref="PayerChannelView"/>, or a <see cref="Refusal"/>.
    /// </summary>
    public sealed record TopUp(string ChannelKey, ulong DepositMicro, string? ChannelId = null) : IPayerChannelMessage;

    /// <summary>
    /// Closes the open channel: once no voucher is in flight, a final one over what was spent is sent, and the rest of the
    /// deposit comes back. Journalled, and carried on after a restart. Answered with <see cref="PayerChannelView"/> when it is
    /// closed, or when the payee has begun to close it on chain; or with a <see cref="Refusal"/>. With a channel id, only that
    /// channel will do.
    /// </summary>
    public sealed record Close(string ChannelKey, string? ChannelId = null) : IPayerChannelMessage;

    /// <summary>
    /// What became of the voucher in flight. With <see cref="PaymentOutcome.Unknown"/> the channel asks the payee
    /// itself and settles by its answer. Answered with <see cref="PaymentSettled"/>.
    /// </summary>
    public sealed record Settle(string ChannelKey, string RequestId, PaymentOutcome Outcome) : IPayerChannelMessage;

    /// <summary>What became of a request's payment? Asks the payee when the journal alone can't tell. Answered with <see cref="PaymentSettled"/>.</summary>
    public sealed record Resolve(string ChannelKey, string RequestId) : IPayerChannelMessage;

    /// <summary>Answered with <see cref="PayerChannelView"/>.</summary>
    public sealed record Get(string ChannelKey) : IPayerChannelMessage;

    /// <summary>Answered with <see cref="PayerChannelHistory"/>.</summary>
    public sealed record GetHistory(string ChannelKey) : IPayerChannelMessage;
}

/// <summary>What became of a payment.</summary>
public enum PaymentOutcome
{
    /// <summary>The payee accepted the voucher.</summary>
    Accepted,

    /// <summary>The payee refused it, or it never left: the amount is free again.</summary>
    Refused,

    /// <summary>Nobody knows yet: neither paid again nor released.</summary>
    Unknown,
}

/// <summary>The voucher, journalled and signed.</summary>
public sealed record VoucherSigned(string ChannelKey, string RequestId, Voucher Voucher, Amount Price);

/// <summary>What became of a request's payment, and what it cost (zero when refused).</summary>
public sealed record PaymentSettled(string ChannelKey, string RequestId, PaymentOutcome Outcome, Amount Cost);

/// <summary>A payer's channel as callers see it: <c>Accepted</c> is what is known to be paid, <c>Signed</c> the highest voucher signed.</summary>
public sealed record PayerChannelView(string ChannelKey, string? ChannelId, string? PayeePeerId, Amount Deposit, Amount Signed, Amount Accepted, bool InFlight, long Vouchers)
{
    /// <summary>How far its life is.</summary>
    public ChannelPhase Phase { get; init; }

    /// <summary>It was proposed, and the payee has not confirmed it yet.</summary>
    public bool Opening { get; init; }

    /// <summary>The deposit lies in the escrow; otherwise it is on trust.</summary>
    public bool OnChain { get; init; }

    /// <summary>EIP-155 id of the vouchers' domain.</summary>
    public ulong ChainId { get; init; }

    /// <summary>What the payee got for good, once closed.</summary>
    public Amount Settled { get; init; }

    /// <summary>What came back, once closed: deposit − settled.</summary>
    public Amount Refunded { get; init; }
}

/// <summary>The channels of one key, the open one last; those before it are used up or closed.</summary>
public sealed record PayerChannelHistory(IReadOnlyList<PayerChannelView> Channels);

/// <summary>Asks for all channels of this peer, both sides. Answered with <see cref="ChannelTotals"/>.</summary>
public sealed record GetChannelTotals;

/// <summary>Money moved over this peer's channels since its data directory was made, per currency code, in micro-units.</summary>
public sealed record ChannelTotals(IReadOnlyList<PayerChannelView> Paying, IReadOnlyList<PayeeChannelView> Receiving);

/// <summary>Commands of the list of this peer's channels, which the channels themselves send.</summary>
public static class ChannelListCommands
{
    /// <summary>This peer is about to pay over a channel. Journalled. Answered with <see cref="ChannelListed"/> or a <see cref="Refusal"/>.</summary>
    public sealed record ListPayer(string ChannelKey);

    /// <summary>
    /// A channel is about to be opened to this peer, or topped up: it is listed if the payer's deposits on trust together stay
    /// within this peer's credit limit. Journalled; idempotent. Answered with <see cref="ChannelListed"/> or a <see cref="Refusal"/> CHANNEL_REFUSED.
    /// </summary>
    public sealed record AdmitPayee(string ChannelId, string PayerPeerId, Amount Deposit);

    /// <summary>
    /// A channel to this peer was closed: its credit is free again but for what is owed, in micro-units. Journalled;
    /// idempotent. Answered with <see cref="ChannelListed"/>.
    /// </summary>
    public sealed record ReleasePayee(string ChannelId, ulong OwedMicro);
}

/// <summary>The channel is on the list.</summary>
public sealed record ChannelListed(string Channel);
