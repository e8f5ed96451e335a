using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>A message for the charges of one payer in one currency: <c>{address}:{currency}</c>, the address <c>0x</c> and 40 lower-case hex digits.</summary>
public interface IChargeMessage
{
    /// <summary>The payer's key on this peer.</summary>
    string PayerKey { get; }
}

/// <summary>An EIP-3009 authorization that was verified. Addresses, nonce and signature are <c>0x…</c> in lower case.</summary>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Token">The token.</param>
/// <param name="From">The payer.</param>
/// <param name="To">The payee: this peer's wallet.</param>
/// <param name="Value">Amount; its micro-units are token units.</param>
/// <param name="ValidAfter">Unix seconds.</param>
/// <param name="ValidBefore">Unix seconds.</param>
/// <param name="Nonce">32 bytes.</param>
/// <param name="Signature">65 bytes.</param>
public sealed record ChargeAuthorization(ulong ChainId, string Token, string From, string To, Amount Value, ulong ValidAfter, ulong ValidBefore, string Nonce, string Signature)
{
    /// <summary>What the token contract knows it by; an authorization counts once, whichever credential carries it.</summary>
    public string PaymentId => $"{ChainId}:{Token}:{Nonce}";

    /// <summary>Whose charges it belongs to.</summary>
    public string PayerKey => $"{From}:{Value.Currency}";
}

/// <summary>Commands of the charges of one payer.</summary>
public static class ChargeCommands
{
    /// <summary>
    /// Takes a verified authorization for one request, journalled before the reply. Answered with <see cref="ChargeAccepted"/>
    /// or a <see cref="Refusal"/>: CONFLICT when it was used before, PAYER_OWES, PAYMENT_INSUFFICIENT, RATE_LIMITED at the cap.
    /// </summary>
    /// <param name="PayerKey">Who signed it.</param>
    /// <param name="Authorization">What was signed.</param>
    /// <param name="Fingerprint">What identifies the request: its tool and parameters.</param>
    /// <param name="IdempotencyKey">The client's name for the request; null when it gave none.</param>
    /// <param name="Funds">What the payer holds of the token on its chain.</param>
    public sealed record Accept(string PayerKey, ChargeAuthorization Authorization, string Fingerprint, string? IdempotencyKey, Amount Funds) : IChargeMessage;

    /// <summary>The request was served; journalled. Answered with <see cref="ChargeView"/>.</summary>
    /// <param name="PayerKey">The payer.</param>
    /// <param name="PaymentId">As <see cref="ChargeAuthorization.PaymentId"/>.</param>
    /// <param name="Status">HTTP status of the response.</param>
    /// <param name="BodyHash">SHA-256 of its body, 64 lower-case hex digits.</param>
    public sealed record Served(string PayerKey, string PaymentId, int Status, string BodyHash) : IChargeMessage;

    /// <summary>Settles on chain what is open, whatever it is worth. Answered with <see cref="ChargeView"/>, before it is settled.</summary>
    public sealed record Settle(string PayerKey) : IChargeMessage;

    /// <summary>Answered with <see cref="ChargeView"/>.</summary>
    public sealed record Get(string PayerKey) : IChargeMessage;
}

/// <summary>The request is paid.</summary>
/// <param name="PayerKey">The payer.</param>
/// <param name="PaymentId">The payment that counts: of a request known by its idempotency key, the first one.</param>
/// <param name="Repeated">True when it was paid before: not charged again.</param>
/// <param name="WasServed">True when it was served before.</param>
public sealed record ChargeAccepted(string PayerKey, string PaymentId, bool Repeated, bool WasServed);

/// <summary>The charges of a payer.</summary>
/// <param name="PayerKey">The payer.</param>
/// <param name="Payments">Authorizations that are remembered: until they could not be used any more.</param>
/// <param name="Unsettled">Accepted and not on chain yet.</param>
/// <param name="Settled">On chain, of all that was ever accepted.</param>
/// <param name="Owed">Could not be settled; while it is not zero the payer is not served.</param>
public sealed record ChargeView(string PayerKey, int Payments, Amount Unsettled, Amount Settled, Amount Owed);

/// <summary>Commands of the list of payers, which the charges themselves send.</summary>
public static class ChargedPayerCommands
{
    /// <summary>A payer's authorizations are about to be taken: from now on its charges are woken at each start. Journalled. Answered with <see cref="ChargedPayerListed"/>.</summary>
    public sealed record List(string PayerKey);

    /// <summary>Nothing of this payer is open. Journalled. Answered with <see cref="ChargedPayerListed"/>.</summary>
    public sealed record Remove(string PayerKey);

    /// <summary>Wakes the charges of all payers on the list. Answered with <see cref="ChargedPayers"/>.</summary>
    public sealed record Wake;
}

/// <summary>The list has it.</summary>
public sealed record ChargedPayerListed(string PayerKey);

/// <summary>Payers of whom something may be open.</summary>
public sealed record ChargedPayers(IReadOnlyList<string> PayerKeys);
