using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of a channel that this peer pays over. From the moment a voucher may leave it is owed (credit of <c>peer:</c>) and lies in
/// the channel's account; once the payee has taken it, it is spent, and once it is known to be refused, owed no more.
/// </summary>
internal static class PayerPostings
{
    /// <summary>The payee will be asked to open a channel; nothing is owed by that.</summary>
    /// <param name="book">The channel before it, if there is one.</param>
    /// <param name="proposed">The event.</param>
    public static Posting? Of(PayerBook? book, PayerChannelEvents.Proposed proposed) => Currency.TryParse(proposed.Terms.Currency, out _)
        ? new Posting(new PayerBook(ChannelIds.ToText(ChannelIds.Of(proposed.Terms)), proposed.PayeePeerId, proposed.Terms.Currency)
        {
            Before = book is { IsOpen: true } ? book : book?.Before,
        })
        : null;

    /// <summary>What happened to a proposed or open channel; null when it cannot have.</summary>
    public static Posting? Of(PayerBook book, object happened) => happened switch
    {
        PayerChannelEvents.Confirmed => new Posting(book with { IsOpen = true, Before = null }, Closed: book.Before),
        PayerChannelEvents.Withdrawn => new Posting(book.Before),
        PayerChannelEvents.VoucherIssued e => new Posting(
            book with { InFlight = new FlyingVoucher(e.RequestId, e.PriceMicro), SignedMicro = Math.Max(book.SignedMicro, e.CumulativeMicro), Vouchers = book.Vouchers + 1 },
            Entry.Of(e.RequestId, Owe(book, e.PriceMicro))),
        PayerChannelEvents.Resolved e when book.InFlight is { } flying && flying.RequestId == e.RequestId => Resolved(book, flying, e),
        _ => null,
    };

    private static Posting Resolved(PayerBook book, FlyingVoucher flying, PayerChannelEvents.Resolved e)
    {
        var paidMicro = e.Accepted ? flying.PriceMicro : 0;
        var after = book with
        {
            InFlight = null,
            AcceptedMicro = Math.Max(e.HeldMicro, book.AcceptedMicro + paidMicro),
            SpentMicro = book.SpentMicro + paidMicro,
        };

        // Owed was the price; what the payee holds may be nothing of it, or more.
        var owedMicro = (Int128)after.AcceptedMicro - book.AcceptedMicro - flying.PriceMicro;
        return new Posting(after, Entry.Of(e.RequestId, [.. Owe(book, owedMicro), .. Entry.Move(LineKind.Spent, Currency.Parse(book.Currency), paidMicro, Account.Expense, Account.Channel(book.ChannelId))]));
    }

    private static IReadOnlyList<EntryLine> Owe(PayerBook book, Int128 micro) =>
        Entry.Move(LineKind.Paid, Currency.Parse(book.Currency), micro, Account.Channel(book.ChannelId), Account.Peer(book.Payee));
}
