using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of a channel that pays this peer. A voucher is a claim on the payer (debit of <c>peer:</c>) that passes through the
/// channel's account; what of it goes to a request is income. What was paid in advance stays in the channel's account.
/// </summary>
internal static class PayeePostings
{
    /// <summary>A channel opened: no money moves, whoever holds the deposit.</summary>
    /// <param name="persistenceId">The entity's, which ends with the channel's id.</param>
    /// <param name="opened">The event.</param>
    public static Posting? Of(string persistenceId, PayeeChannelEvents.Opened opened) =>
        persistenceId.IndexOf("0x", StringComparison.Ordinal) is var at and >= 0 && Currency.TryParse(opened.Terms.Currency, out _)
            ? new Posting(new PayeeBook(persistenceId[at..], opened.PayerPeerId, opened.Terms.Currency))
            : null;

    /// <summary>What happened to an open channel; null when it cannot have.</summary>
    public static Posting? Of(PayeeBook book, object happened) => happened switch
    {
        PayeeChannelEvents.VoucherTaken e => Taken(book, e.RequestId, e.PriceMicro, e.CumulativeMicro),
        PayeeChannelEvents.Delivered or PayeeChannelEvents.Voided => new Posting(book),
        _ => null,
    };

    private static Posting Taken(PayeeBook book, string requestId, ulong priceMicro, ulong cumulativeMicro)
    {
        var after = book with
        {
            AcceptedMicro = Math.Max(book.AcceptedMicro, cumulativeMicro),
            SpentMicro = book.SpentMicro + priceMicro,
            Vouchers = book.Vouchers + 1,
        };
        return new Posting(after, Entry.Of(requestId, [.. Claim(book, after.AcceptedMicro), .. Use(book, priceMicro)]));
    }

    /// <summary>The payer owes as much more as the claim on it grew.</summary>
    private static IReadOnlyList<EntryLine> Claim(PayeeBook book, ulong acceptedMicro) =>
        Entry.Move(LineKind.Earned, Currency.Parse(book.Currency), (Int128)acceptedMicro - book.AcceptedMicro, Account.Peer(book.Payer), Account.Channel(book.ChannelId));

    private static IReadOnlyList<EntryLine> Use(PayeeBook book, ulong priceMicro) =>
        Entry.Move(LineKind.Spent, Currency.Parse(book.Currency), priceMicro, Account.Channel(book.ChannelId), Account.Income);
}
