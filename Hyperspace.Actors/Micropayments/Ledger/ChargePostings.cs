using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of authorizations (EIP-3009) that pay this peer over HTTP. One that counts is owed by its address and earned; on
/// chain it is in the wallet; one that cannot be settled stays owed.
/// </summary>
internal static class ChargePostings
{
    /// <summary>The payment that an event is about; null when it is about none.</summary>
    public static string? PaymentOf(object happened) => happened switch
    {
        ChargeEvents.Accepted e => e.Authorization.PaymentId,
        ChargeEvents.Served e => e.PaymentId,
        ChargeEvents.Settled e => e.PaymentId,
        ChargeEvents.Failed e => e.PaymentId,
        ChargeEvents.Retried e => e.PaymentId,
        _ => null,
    };

    /// <summary>What happened to a payment; null when it cannot have. Served it may be after its book was closed.</summary>
    public static Posting? Of(ChargeBook? book, object happened) => (book, happened) switch
    {
        (_, ChargeEvents.Accepted e) => Accepted(e),
        (_, ChargeEvents.Served) => new Posting(book),
        (not null, ChargeEvents.Failed or ChargeEvents.Retried) => new Posting(book),
        (not null, ChargeEvents.Settled e) => new Posting(
            null,
            Entry.Of(
                e.TransactionHash,
                Entry.Move(LineKind.Settled, Currency.Parse(book.Currency), book.Micro, Account.Wallet(book.ChainId, Convert.FromHexString(book.Token)), Account.Peer(book.Payer)))),
        _ => null,
    };

    private static Posting Accepted(ChargeEvents.Accepted e)
    {
        var authorization = e.Authorization;
        var payer = Account.AddressOf(authorization.ChainId, Convert.FromHexString(authorization.From[2..]));
        return new Posting(
            new ChargeBook(payer, authorization.ChainId, authorization.Token[2..], authorization.Value.Currency.Code, authorization.Value.MicroUnits),
            Entry.Of(authorization.Nonce, Entry.Move(LineKind.Charged, authorization.Value.Currency, authorization.Value.MicroUnits, Account.Peer(payer), Account.Income)));
    }
}
