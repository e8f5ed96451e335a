using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What happened on the payer's side of a channel. Amounts are micro-units.</summary>
internal static class PayerChannelEvents
{
    /// <summary>The payee will be asked to open a channel on these terms.</summary>
    /// <param name="PayeePeerId">Who is to be paid.</param>
    /// <param name="Terms">The terms, the deposit among them.</param>
    /// <param name="Funded">The deposit is put into the escrow first.</param>
    public sealed record Proposed(string PayeePeerId, ChannelTerms Terms, bool Funded = false);

    /// <summary>The payee has opened it.</summary>
    public sealed record Confirmed;

    /// <summary>The payee will not open it; nothing was signed.</summary>
    public sealed record Withdrawn;

    /// <summary>A voucher may leave from now on: the liability of this peer.</summary>
    /// <param name="RequestId">The request that it pays.</param>
    /// <param name="PriceMicro">What the request costs.</param>
    /// <param name="CumulativeMicro">What it signs: all that is paid, all that is in flight, and this price.</param>
    /// <param name="SessionId">The session that spends it, if any.</param>
    /// <param name="Memo">What it is for, if that was said.</param>
    public sealed record VoucherIssued(string RequestId, ulong PriceMicro, ulong CumulativeMicro, string? SessionId = null, string? Memo = null);

    /// <summary>A payment in flight may cost more: another voucher may leave from now on.</summary>
    /// <param name="RequestId">The stream.</param>
    /// <param name="ByMicro">How much more.</param>
    /// <param name="CumulativeMicro">What the voucher signs.</param>
    public sealed record VoucherRaised(string RequestId, ulong ByMicro, ulong CumulativeMicro);

    /// <summary>It is known what became of a voucher in flight.</summary>
    /// <param name="RequestId">The request that it pays.</param>
    /// <param name="Accepted">Whether it counts.</param>
    /// <param name="HeldMicro">What the payee says it has spent in all, when that is more than follows from <paramref name="Accepted"/> and was signed; else 0.</param>
    /// <param name="CostMicro">What it has cost when that is less than its price, as of a stream that ended; else 0.</param>
    public sealed record Resolved(string RequestId, bool Accepted, ulong HeldMicro = 0, ulong CostMicro = 0);

    /// <summary>The deposit is to be raised to this: in the escrow, and at the payee.</summary>
    public sealed record TopUpBegun(ulong DepositMicro);

    /// <summary>The deposit is this from now on; the same as before when the payee refused the rise.</summary>
    public sealed record TopUpEnded(ulong DepositMicro);

    /// <summary>Nothing more is signed but the final voucher.</summary>
    public sealed record ClosingBegun;

    /// <summary>The payee refused the closing for good: the channel goes on.</summary>
    public sealed record ClosingRefused(string Reason);

    /// <summary>The payee got this much for good, and the rest of the deposit came back.</summary>
    public sealed record Closed(ulong SettledMicro, ulong RefundedMicro);
}

/// <summary>A request whose payment came to an end.</summary>
/// <param name="PriceMicro">What it cost.</param>
/// <param name="CumulativeMicro">What its voucher signed.</param>
/// <param name="Accepted">Whether the payee took it.</param>
/// <param name="Channel">How many channels there had been before the one that it was paid over.</param>
/// <param name="LessMicro">What of the price was not charged.</param>
internal sealed record PayerRequest(ulong PriceMicro, ulong CumulativeMicro, bool Accepted, int Channel = 0, ulong LessMicro = 0);

/// <summary>A channel that another one has followed or may follow: its deposit was used up, or it was closed.</summary>
/// <param name="Terms">Its terms.</param>
/// <param name="SignedMicro">The highest voucher.</param>
/// <param name="AcceptedMicro">What is known to be paid.</param>
/// <param name="Vouchers">How many were signed.</param>
/// <param name="DepositMicro">The deposit, top-ups included.</param>
/// <param name="SettledMicro">What the payee got for good, when closed.</param>
/// <param name="IsClosed">Whether it was closed.</param>
/// <param name="Funded">Whether the deposit lay in the escrow.</param>
internal sealed record UsedChannel(ChannelTerms Terms, ulong SignedMicro, ulong AcceptedMicro, long Vouchers, ulong DepositMicro, ulong SettledMicro = 0, bool IsClosed = false, bool Funded = false)
{
    /// <summary>Credit of the payee that it takes for good: on trust, what is owed or may be.</summary>
    public ulong CreditMicro => Funded ? 0 : IsClosed ? SettledMicro : DepositMicro;
}

/// <summary>What is to be done about a payment.</summary>
internal abstract record PayDecision
{
    /// <summary>Journal the event, then hand the voucher out.</summary>
    public sealed record Issue(PayerChannelEvents.VoucherIssued Event) : PayDecision;

    /// <summary>Hand the same voucher out again.</summary>
    public sealed record Again(ulong PriceMicro, ulong CumulativeMicro) : PayDecision;

    /// <summary>As many vouchers are in flight as may be: wait for the end of one.</summary>
    public sealed record Wait : PayDecision;

    /// <summary>The channel must be opened first; the terms that were proposed before are proposed again.</summary>
    public sealed record Open(bool ProposeAnew) : PayDecision;

    /// <summary>No.</summary>
    public sealed record Refuse(Refusal Refusal) : PayDecision;
}
