using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of a channel that pays this peer. A voucher is a claim on the payer (debit of <c>peer:</c>) that passes through the
/// channel's account; what of it goes to a request is income. What was paid in advance stays in the channel's account until
/// the channel is closed. What an escrow pays out settles the claim.
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
        PayeeChannelEvents.VoucherTaken e => Taken(book, e),
        PayeeChannelEvents.Spent e => To(book, book with { SpentMicro = book.SpentMicro + e.AmountMicro }, e.Memo ?? e.RequestId),
        PayeeChannelEvents.SeenOnChain e => To(book, book with { OnChain = true, SettledMicro = e.SettledMicro }, "settled in the escrow"),
        PayeeChannelEvents.ClosingBegun e => To(book, book with { ClaimMicro = e.FinalMicro }, "closing"),
        PayeeChannelEvents.Closed e => Closed(book, e),
        PayeeChannelEvents.Delivered or PayeeChannelEvents.Voided or PayeeChannelEvents.ToppedUp or PayeeChannelEvents.ClosingFailed => new Posting(book),
        _ => null,
    };

    private static Posting Taken(PayeeBook book, PayeeChannelEvents.VoucherTaken e)
    {
        var accepted = Math.Max(book.AcceptedMicro, e.CumulativeMicro);
        return To(
            book,
            book with { AcceptedMicro = accepted, ClaimMicro = accepted, SpentMicro = book.SpentMicro + e.PriceMicro, Vouchers = book.Vouchers + 1 },
            e.Memo ?? (e.RequestId.Length > 0 ? e.RequestId : "paid in advance"));
    }

    private static Posting Closed(PayeeBook book, PayeeChannelEvents.Closed e)
    {
        var closed = book with { ClaimMicro = e.SettledMicro, IsClosed = true, SettledMicro = book.OnChain ? e.SettledMicro : book.SettledMicro };

        // What was paid and never used is kept, and what was served and not paid is lost.
        var rest = Entry.Move(LineKind.Spent, Currency.Parse(book.Currency), (Int128)closed.ClaimMicro - closed.SpentMicro, Account.Channel(book.ChannelId), Account.Income);
        return new Posting(closed, Entry.Of("closed", [.. Lines(book, closed), .. rest]));
    }

    private static Posting To(PayeeBook before, PayeeBook after, string memo) => new(after, Entry.Of(memo, Lines(before, after)));

    private static IReadOnlyList<EntryLine> Lines(PayeeBook before, PayeeBook after)
    {
        var (currency, payer, channel) = (Currency.Parse(after.Currency), Account.Peer(after.Payer), Account.Channel(after.ChannelId));
        return
        [
            .. Entry.Move(LineKind.Earned, currency, (Int128)after.ClaimMicro - before.ClaimMicro, payer, channel),
            .. Entry.Move(LineKind.Spent, currency, (Int128)after.SpentMicro - before.SpentMicro, channel, Account.Income),
            .. Entry.Move(LineKind.Settled, currency, (Int128)after.SettledMicro - before.SettledMicro, Account.Wallet(after.ChainId, Convert.FromHexString(after.Token)), payer),
        ];
    }
}
