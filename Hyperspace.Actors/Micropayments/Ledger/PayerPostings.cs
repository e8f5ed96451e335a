using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Entries of a channel that this peer pays over. From the moment a voucher may leave it is owed (credit of <c>peer:</c>) and lies in
/// the channel's account; once the payee has taken it, it is spent, and once it is known to be refused, owed no more. A
/// deposit on a chain goes from the wallet into the escrow, and from there to the payee and back.
/// </summary>
internal static class PayerPostings
{
    /// <summary>The payee will be asked to open a channel; nothing is owed by that.</summary>
    /// <param name="book">The channel before it, if there is one.</param>
    /// <param name="proposed">The event.</param>
    public static Posting? Of(PayerBook? book, PayerChannelEvents.Proposed proposed)
    {
        var terms = proposed.Terms;
        return Currency.TryParse(terms.Currency, out _) && ChannelIds.AreWellFormed(terms)
            ? new Posting(new PayerBook(
                ChannelIds.ToText(ChannelIds.Of(terms)), proposed.PayeePeerId, terms.Currency, terms.ChainId, Convert.ToHexStringLower(terms.Token.Span), Convert.ToHexStringLower(terms.Escrow.Span), proposed.Funded)
            {
                DepositMicro = terms.DepositMicro,
                Before = book is { IsOpen: true } ? book : book?.Before,
            })
            : null;
    }

    /// <summary>What happened to a proposed or open channel; null when it cannot have.</summary>
    public static Posting? Of(PayerBook book, object happened) => happened switch
    {
        PayerChannelEvents.Confirmed => new Posting(book with { IsOpen = true, Before = null }, Entry.Of("deposit", Fund(book, book.DepositMicro)), Closed: book.Before),
        PayerChannelEvents.Withdrawn => new Posting(book.Before),
        PayerChannelEvents.VoucherIssued e => Issued(book, e),
        PayerChannelEvents.VoucherRaised e => book.Flying.Find(f => f.RequestId == e.RequestId) is { } flying ? Raised(book, flying, e) : null,
        PayerChannelEvents.Resolved e => book.Flying.Find(f => f.RequestId == e.RequestId) is { } flying ? Resolved(book, flying, e) : null,
        PayerChannelEvents.TopUpEnded e => new Posting(book with { DepositMicro = e.DepositMicro }, Entry.Of("top-up", Fund(book, (Int128)e.DepositMicro - book.DepositMicro))),
        PayerChannelEvents.Closed e => Closed(book, e),
        PayerChannelEvents.TopUpBegun or PayerChannelEvents.ClosingBegun or PayerChannelEvents.ClosingRefused => new Posting(book),
        _ => null,
    };

    private static Posting Issued(PayerBook book, PayerChannelEvents.VoucherIssued e)
    {
        var after = book with
        {
            Flying = book.Flying.Add(new FlyingVoucher(e.RequestId, e.PriceMicro, e.SessionId, e.Memo)),
            SignedMicro = Math.Max(book.SignedMicro, e.CumulativeMicro),
            Vouchers = book.Vouchers + 1,
        };
        return new Posting(after, Entry.Of(e.Memo ?? e.RequestId, Owe(book, e.PriceMicro)));
    }

    private static Posting Raised(PayerBook book, FlyingVoucher flying, PayerChannelEvents.VoucherRaised e)
    {
        var after = book with
        {
            Flying = book.Flying.Replace(flying, flying with { PriceMicro = flying.PriceMicro + e.ByMicro }),
            SignedMicro = Math.Max(book.SignedMicro, e.CumulativeMicro),
            Vouchers = book.Vouchers + 1,
        };
        return new Posting(after, Entry.Of(flying.Memo ?? e.RequestId, Owe(book, e.ByMicro)));
    }

    private static Posting Resolved(PayerBook book, FlyingVoucher flying, PayerChannelEvents.Resolved e)
    {
        // A stream that ended may have cost less than was promised for it.
        var paidMicro = !e.Accepted ? 0 : e.CostMicro > 0 ? Math.Min(e.CostMicro, flying.PriceMicro) : flying.PriceMicro;
        var after = book with
        {
            Flying = book.Flying.Remove(flying),
            AcceptedMicro = Math.Max(e.HeldMicro, book.AcceptedMicro + paidMicro),
            SpentMicro = book.SpentMicro + paidMicro,
        };

        // Owed was the price; what the payee holds may be nothing of it, or more.
        var owedMicro = (Int128)after.AcceptedMicro - book.AcceptedMicro - flying.PriceMicro;
        var spentBy = flying.SessionId is { Length: > 0 } session ? Account.Session(session) : Account.Expense;
        return new Posting(after, Entry.Of(flying.Memo ?? e.RequestId, [.. Owe(book, owedMicro), .. Spend(book, paidMicro, spentBy)]));
    }

    /// <summary>The payee gets what was settled, whatever was said before, and the channel's account is empty.</summary>
    private static Posting Closed(PayerBook book, PayerChannelEvents.Closed e)
    {
        var owed = book.Flying.Aggregate((Int128)book.AcceptedMicro, (sum, f) => sum + f.PriceMicro);
        List<EntryLine> lines = [.. Owe(book, e.SettledMicro - owed), .. Spend(book, (Int128)e.SettledMicro - book.SpentMicro, Account.Expense)];
        if (book.Funded)
        {
            var escrow = Account.Escrow(book.ChainId, Convert.FromHexString(book.Escrow));
            lines.AddRange(Entry.Move(LineKind.Settled, Currency.Parse(book.Currency), e.SettledMicro, Account.Peer(book.Payee), escrow));
            lines.AddRange(Fund(book, -(Int128)e.RefundedMicro));
        }

        return new Posting(null, Entry.Of("closed", lines), Closed: book with { IsOpen = false, IsClosed = true, Flying = [], SettledMicro = e.SettledMicro });
    }

    private static IReadOnlyList<EntryLine> Owe(PayerBook book, Int128 micro) =>
        Entry.Move(LineKind.Paid, Currency.Parse(book.Currency), micro, Account.Channel(book.ChannelId), Account.Peer(book.Payee));

    private static IReadOnlyList<EntryLine> Spend(PayerBook book, Int128 micro, Account account) =>
        Entry.Move(LineKind.Spent, Currency.Parse(book.Currency), micro, account, Account.Channel(book.ChannelId));

    private static IReadOnlyList<EntryLine> Fund(PayerBook book, Int128 micro) => book.Funded
        ? Entry.Move(
            LineKind.Funded, Currency.Parse(book.Currency), micro, Account.Escrow(book.ChainId, Convert.FromHexString(book.Escrow)), Account.Wallet(book.ChainId, Convert.FromHexString(book.Token)))
        : [];
}
