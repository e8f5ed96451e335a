using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>What happened to the charges of a payer.</summary>
internal static class ChargeEvents
{
    /// <summary>An authorization counts, and its request may be served.</summary>
    public sealed record Accepted(ChargeAuthorization Authorization, string Fingerprint, string? IdempotencyKey, DateTimeOffset At);

    /// <summary>Its request was served.</summary>
    public sealed record Served(string PaymentId, int Status, string BodyHash);

    /// <summary>It is on chain.</summary>
    /// <param name="PaymentId">The payment.</param>
    /// <param name="TransactionHash"><c>0x…</c>.</param>
    /// <param name="FeeWei">What this peer paid for the gas, in wei as decimal digits.</param>
    public sealed record Settled(string PaymentId, string TransactionHash, string FeeWei);

    /// <summary>It cannot be settled as it is: the payer owes it.</summary>
    public sealed record Failed(string PaymentId, string Reason);

    /// <summary>The payer wants to be served again, so that what it owes is tried again.</summary>
    public sealed record Retried(string PaymentId);
}
