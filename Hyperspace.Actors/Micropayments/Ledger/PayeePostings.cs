using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of a channel that pays this peer. What is spent of its vouchers the payer owes (debit of <c>peer:</c>), through the
/// channel's account to income. A voucher over more than was spent is a right, not a debt: both sides close over what was
/// spent. What an escrow pays out settles the debt.
/// </summary>
internal static class PayeePostings
{
    /// <summary>A channel opened: no money moves, whoever holds the deposit.</summary>
    /// <param name="persistenceId">The entity's, which ends with the channel's id.</param>
    /// <param name="opened">The event.</param>
    public static Posting? Of(string persistenceId, PayeeChannelEvents.Opened opened) =>
        persistenceId.IndexOf("0x", StringComparison.Ordinal) is var at and >= 0 && Currency.TryParse(opened.Terms.Currency, out _)
            ? new Posting(new PayeeBook(persistenceId[at..], opened.PayerPeerId, opened.Terms.Currency, opened.Terms.ChainId, Convert.ToHexStringLower(opened.Terms.Token.Span))
            {
                OnChain = opened.OnChain,
                SettledMicro = opened.SettledMicro,
            })
            : null;

    /// <summary>What happened to an open channel; null when it cannot have.</summary>
    public static Posting? Of(PayeeBook book, object happened) => happened switch
    {
        PayeeChannelEvents.VoucherTaken e => To(
            book,
            book with { AcceptedMicro = Math.Max(book.AcceptedMicro, e.CumulativeMicro), SpentMicro = book.SpentMicro + e.PriceMicro, Vouchers = book.Vouchers + 1 },
            e.Memo ?? e.RequestId),
        PayeeChannelEvents.Spent e => To(book, book with { SpentMicro = book.SpentMicro + e.AmountMicro }, e.Memo ?? e.RequestId),
        PayeeChannelEvents.Metered e => To(book, book with { SpentMicro = book.SpentMicro + e.AmountMicro }, e.StreamId),
        PayeeChannelEvents.SeenOnChain e => To(book, book with { OnChain = true, SettledMicro = e.SettledMicro }, "settled in the escrow"),
        PayeeChannelEvents.Closed e => Closed(book, book with { SettledMicro = e.SettledMicro }),
        PayeeChannelEvents.Delivered or PayeeChannelEvents.Voided or PayeeChannelEvents.ToppedUp or PayeeChannelEvents.ClosingBegun or PayeeChannelEvents.ClosingFailed => new Posting(book),
        _ => null,
    };

    private static Posting To(PayeeBook before, PayeeBook after, string memo) =>
        new(after, Entry.Of(memo, [.. Earn(after, (Int128)after.SpentMicro - before.SpentMicro), .. Settle(before, after)]));

    /// <summary>What is settled beyond what was spent is kept, and what was spent and is not settled is lost.</summary>
    private static Posting Closed(PayeeBook before, PayeeBook after) =>
        new(after, Entry.Of("closed", [.. Earn(after, (Int128)after.SettledMicro - after.SpentMicro), .. Settle(before, after)]));

    private static IReadOnlyList<EntryLine> Earn(PayeeBook book, Int128 micro)
    {
        var (currency, channel) = (Currency.Parse(book.Currency), Account.Channel(book.ChannelId));
        return [.. Entry.Move(LineKind.Earned, currency, micro, Account.Peer(book.Payer), channel), .. Entry.Move(LineKind.Spent, currency, micro, channel, Account.Income)];
    }

    private static IReadOnlyList<EntryLine> Settle(PayeeBook before, PayeeBook after) => after.OnChain
        ? Entry.Move(
            LineKind.Settled, Currency.Parse(after.Currency), (Int128)after.SettledMicro - before.SettledMicro, Account.Wallet(after.ChainId, Convert.FromHexString(after.Token)), Account.Peer(after.Payer))
        : [];
}
