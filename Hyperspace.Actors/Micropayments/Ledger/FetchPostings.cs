using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of authorizations (EIP-3009) that this peer pays HTTP servers with. From the moment one may leave it is owed and its
/// session's; paid, it is gone from the wallet; unused at its end, it is as if it had not been.
/// </summary>
internal static class FetchPostings
{
    /// <summary>An authorization that may leave; null when it cannot be one.</summary>
    public static Posting? Of(FetchEvents.Authorized e)
    {
        if (!Currency.TryParse(e.Currency, out var currency) || e.Payee.Length == 0)
        {
            return null;
        }

        var book = new FetchBook(Account.AddressOf(e.ChainId, e.Payee), e.ChainId, Convert.ToHexStringLower(e.Token), e.Currency, e.Micro, e.SessionId, e.Resource);
        return new Posting(book, Entry.Of(e.Resource, Entry.Move(LineKind.Charged, currency.Value, e.Micro, SpentBy(book), Account.Peer(book.Payee))));
    }

    /// <summary>What became of an authorization; null when that cannot be.</summary>
    public static Posting? Of(FetchBook book, object happened) => happened switch
    {
        FetchEvents.Refused => new Posting(book),
        FetchEvents.Paid => new Posting(null, Entry.Of(book.Resource, Move(book, LineKind.Settled, Account.Wallet(book.ChainId, Convert.FromHexString(book.Token))))),
        FetchEvents.Unused => new Posting(null, Entry.Of(book.Resource, Move(book, LineKind.Charged, SpentBy(book)))),
        _ => null,
    };

    private static Account SpentBy(FetchBook book) => book.SessionId.Length > 0 ? Account.Session(book.SessionId) : Account.Expense;

    private static IReadOnlyList<EntryLine> Move(FetchBook book, LineKind kind, Account credit) => Entry.Move(kind, Currency.Parse(book.Currency), book.Micro, Account.Peer(book.Payee), credit);
}
