using System.Numerics;
using System.Reflection;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Actors.Micropayments.Ledger;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Ledger;

/// <summary>The books of two peers that pay each other, whatever happens between them.</summary>
public class PostingsTests
{
    [Property(MaxTest = 200, EndSize = 100)]
    public void Books_balance_after_every_event_and_say_what_the_channels_say(Move[] moves)
    {
        var world = TwoPeers.After(moves);
        foreach (var peer in (TwoPeers.Peer[])[world.A, world.B])
        {
            var books = Fold(peer);
            var inFlight = peer.Paying.Values.Aggregate(0UL, (sum, c) => sum + c.FlyingMicro);
            var paid = peer.Paying.Values.Aggregate(0UL, (sum, c) => sum + c.AcceptedMicro + c.Used.Aggregate(0UL, (used, u) => used + u.AcceptedMicro));
            var spent = peer.Receiving.Values.Aggregate(0UL, (sum, c) => sum + c.SpentMicro);
            Assert.Equal(-(Int128)spent, books.Balance(Account.Income));
            Assert.Equal((Int128)paid, books.Balance(Account.Expense) + books.Balance(Account.Session("ses_1")));
            Assert.Equal((Int128)spent - paid - inFlight, books.Balance(Account.Peer(peer == world.A ? world.B.Id : world.A.Id)));
            Assert.Equal((Int128)inFlight, peer.Paying.Values.SelectMany(p => p.History().Channels).Aggregate((Int128)0, (sum, c) => sum + books.Balance(Account.Channel(c.ChannelId!))));
            Assert.All(peer.Receiving.Keys, id => Assert.Equal(0, books.Balance(Account.Channel(id))));
        }
    }

    [Property(MaxTest = 200, EndSize = 100)]
    public void Two_ledgers_mirror_each_other_once_nothing_is_in_flight(Move[] moves)
    {
        var world = TwoPeers.After(moves);
        world.Settle();
        Assert.Equal(Fold(world.A).Balance(Account.Peer(world.B.Id)), -Fold(world.B).Balance(Account.Peer(world.A.Id)));
        Assert.Equal(Fold(world.A).Balance(Account.Expense) + Fold(world.A).Balance(Account.Session("ses_1")), -Fold(world.B).Balance(Account.Income));
    }

    [Fact]
    public void What_a_payee_holds_beyond_its_word_is_owed_and_lies_in_the_channel()
    {
        var peer = new TwoPeers.Peer(ChannelPair.Payer);
        void Happened(object e) => peer.Journal.Add(("payer-channel-" + ChannelPair.Key, e));
        Happened(new PayerChannelEvents.Proposed(ChannelPair.Payee.PeerId.ToString(), ChannelPair.Terms));
        Happened(new PayerChannelEvents.Confirmed());
        Happened(new PayerChannelEvents.VoucherIssued("a", 100, 100));
        Happened(new PayerChannelEvents.Resolved("a", Accepted: false));
        Happened(new PayerChannelEvents.VoucherIssued("b", 30, 30));
        Happened(new PayerChannelEvents.Resolved("b", Accepted: true, HeldMicro: 100));
        var books = Fold(peer);
        Assert.Equal(-100, books.Balance(Account.Peer(ChannelPair.Payee.PeerId.ToString())));
        Assert.Equal(30, books.Balance(Account.Expense));
        Assert.Equal(70, books.Balance(Account.Channel(ChannelPair.ChannelId)));
    }

    [Fact]
    public void A_voucher_over_more_than_was_spent_is_no_debt()
    {
        var peer = Payee(
            new PayeeChannelEvents.VoucherTaken("", 0, 500, ByteString.Empty),
            new PayeeChannelEvents.Spent("a", 120, "a memo"),
            new PayeeChannelEvents.VoucherTaken("b", 30, 400, ByteString.Empty));
        Assert.Equal((150, 0, -150), Standing(Fold(peer)));
        peer = Payee([.. peer.Journal.Skip(1).Select(j => j.Event), new ChannelBatch([new PayeeChannelEvents.ClosingBegun(150, ByteString.Empty), new PayeeChannelEvents.Closed(150, 850)])]);
        Assert.Equal((150, 0, -150), Standing(Fold(peer)));
    }

    [Fact]
    public void What_an_escrow_pays_out_settles_the_debt_and_what_it_does_not_is_lost()
    {
        var wallet = Account.Wallet(ChannelPair.Terms.ChainId, ChannelPair.Terms.Token.Span);
        var peer = Payee(
            new PayeeChannelEvents.VoucherTaken("a", 300, 300, ByteString.Empty),
            new PayeeChannelEvents.SeenOnChain(1_000, 200, 0),
            new PayeeChannelEvents.VoucherTaken("b", 100, 400, ByteString.Empty),
            new PayeeChannelEvents.ClosingBegun(400, ByteString.Empty));
        Posted(peer, (200, 0, -400), 200);
        Posted(With(peer, new PayeeChannelEvents.Closed(400, 600)), (0, 0, -400), 400);

        // The payer got out before the last voucher was brought to the escrow; or all that was accepted was brought there, and not all of it was used.
        Posted(With(peer, new PayeeChannelEvents.SeenOnChain(1_000, 200, 5), new PayeeChannelEvents.Closed(200, 800)), (0, 0, -200), 200);
        Posted(With(peer, new PayeeChannelEvents.Closed(450, 550)), (0, 0, -450), 450);

        // A reorganisation took the settlement back.
        Posted(With(peer, new PayeeChannelEvents.SeenOnChain(1_000, 0, 0)), (400, 0, -400), 0);

        void Posted(TwoPeers.Peer payee, (int, int, int) standing, int inWallet)
        {
            var books = Fold(payee);
            Assert.Equal(standing, Standing(books));
            Assert.Equal(inWallet, books.Balance(wallet));
        }

        static TwoPeers.Peer With(TwoPeers.Peer payee, params object[] more) => Payee([.. payee.Journal.Skip(1).Select(j => j.Event), .. more]);
    }

    [Fact]
    public void A_funded_deposit_goes_into_the_escrow_and_from_there_to_the_payee_and_back()
    {
        var (terms, payee) = (ChannelPair.Terms, ChannelPair.Payee.PeerId.ToString());
        var (wallet, escrow) = (Account.Wallet(terms.ChainId, terms.Token.Span), Account.Escrow(terms.ChainId, terms.Escrow.Span));
        var peer = new TwoPeers.Peer(ChannelPair.Payer);
        void Happened(object e) => peer.Journal.Add(("payer-channel-" + ChannelPair.Key, e));
        Happened(new PayerChannelEvents.Proposed(payee, terms, Funded: true));
        Assert.Equal(0, Fold(peer).Balance(escrow));
        Happened(new PayerChannelEvents.Confirmed());
        Happened(new PayerChannelEvents.TopUpBegun(1_500));
        Happened(new PayerChannelEvents.TopUpEnded(1_500));
        Assert.Equal((-1_500, 1_500), ((int)Fold(peer).Balance(wallet), (int)Fold(peer).Balance(escrow)));
        Happened(new PayerChannelEvents.VoucherIssued("a", 100, 100, "ses_1", "a memo"));
        Happened(new PayerChannelEvents.Resolved("a", Accepted: true));
        Happened(new PayerChannelEvents.ClosingBegun());
        Happened(new PayerChannelEvents.Closed(100, 1_400));
        var books = Fold(peer);
        Assert.Equal((-100, 0, 0, 100), ((int)books.Balance(wallet), (int)books.Balance(escrow), (int)books.Balance(Account.Peer(payee)), (int)books.Balance(Account.Session("ses_1"))));
        Assert.Equal(0, books.Balance(Account.Channel(ChannelPair.ChannelId)));
    }

    [Fact]
    public void A_transaction_costs_its_fee_also_when_it_was_reverted_and_none_when_it_was_refused()
    {
        var books = new Books();
        var (at, hash) = (DateTimeOffset.UnixEpoch, new byte[32]);
        void Happened(object e) => books.Post("chain-transactions", e);
        Happened(new ChainEvents.Submitted("a", 5, default, default, at));
        Happened(new ChainEvents.Submitted("b", 6, default, default, at));
        Happened(new ChainEvents.Submitted("c", 5, default, default, at));
        Happened(new ChainEvents.Executed("b", hash, Succeeded: false, 1, hash, 21_000, BigInteger.Pow(10, 20), at));
        Happened(new ChainEvents.Executed("a", hash, Succeeded: true, 1, hash, 21_000, 7, at));
        Happened(new ChainEvents.Rejected("c", "no", at));
        Assert.Equal(7, books.Balance(Account.Gas(5), Entry.Wei));
        Assert.Equal(-7, books.Balance(Account.Wallet(5), Entry.Wei));
        Assert.Equal((Int128)BigInteger.Pow(10, 20), books.Balance(Account.Gas(6), Entry.Wei));
        Assert.Null(Postings.Of("chain-transactions", null, new ChainEvents.Executed("never wanted", hash, true, 1, hash, 1, 1, at)));
        Assert.Null(Postings.Of("chain-transactions", new IntentBook(5), new ChainEvents.Executed("a", hash, true, 1, hash, 1, BigInteger.Pow(2, 200), at)));
    }

    [Fact]
    public void An_authorization_is_owed_until_it_is_on_chain_and_stays_owed_when_it_cannot_be()
    {
        var (books, token) = (new Books(), Enumerable.Repeat((byte)3, 20).ToArray());
        ChargeAuthorization Signed(string nonce, ulong micro) => new(5, "0x" + Convert.ToHexStringLower(token), "0x" + new string('a', 40), "0x" + new string('b', 40), Amount.MicroUsdc(micro), 0, 9, nonce, "0x");
        void Happened(object e) => books.Post("charge-0xaaaa:USDC", e);
        Happened(new ChargedPayerEvents.Listed("0xaaaa:USDC"));
        Happened(new ChargeEvents.Accepted(Signed("0x01", 100), "f", null, DateTimeOffset.UnixEpoch));
        Happened(new ChargeEvents.Accepted(Signed("0x02", 30), "f", null, DateTimeOffset.UnixEpoch));
        Happened(new ChargeEvents.Settled(Signed("0x01", 100).PaymentId, "0xabc", "77"));
        Happened(new ChargeEvents.Served(Signed("0x01", 100).PaymentId, 200, "h"));
        Happened(new ChargeEvents.Failed(Signed("0x02", 30).PaymentId, "no funds"));
        Happened(new ChargeEvents.Retried(Signed("0x02", 30).PaymentId));
        var payer = Account.Peer("eip155:5:0x" + new string('a', 40));
        Assert.Equal((100, 30, -130), ((int)books.Balance(Account.Wallet(5, token)), (int)books.Balance(payer), (int)books.Balance(Account.Income)));
        Assert.Null(Postings.Of("charge-0xaaaa:USDC", null, new ChargeEvents.Settled("never accepted", "0xabc", "77")));
    }

    [Fact]
    public void An_authorization_of_a_fetch_is_the_sessions_until_it_ends_unused()
    {
        var (books, token, payee) = (new Books(), new byte[20], Enumerable.Repeat((byte)7, 20).ToArray());
        void Happened(object e) => books.Post("fetches", e);
        FetchEvents.Authorized Signed(string key, int number, string session) =>
            new(key, number, "f", session, "r", "https://a/b", "mpp", 5, token, new byte[20], payee, 40, "USDC", new byte[32], 9, "Authorization", "secret", 0);
        Happened(Signed("k", 1, "ses_1"));
        Happened(Signed("k", 2, "ses_1"));
        Happened(Signed("l", 1, ""));
        Happened(new FetchEvents.Refused("k", 1));
        Assert.Equal(-120, books.Balance(Account.Peer(Account.AddressOf(5, payee))));
        Happened(new FetchEvents.Paid("k", 2, "0xabc"));
        Happened(new FetchEvents.Paid("l", 1, null));
        Happened(new FetchEvents.Unused("k", 1));
        Assert.Equal(0, books.Balance(Account.Peer(Account.AddressOf(5, payee))));
        Assert.Equal((40, 40, -80), ((int)books.Balance(Account.Session("ses_1")), (int)books.Balance(Account.Expense), (int)books.Balance(Account.Wallet(5, token))));
        Assert.Null(Postings.Of("fetches", null, new FetchEvents.Paid("never signed", 1, null)));
    }

    [Fact]
    public void Every_format_of_the_payments_journal_is_read()
    {
        var formats = typeof(LedgerProjection).Assembly.GetTypes()
            .Where(type => type.Namespace is { } ns && (ns.StartsWith("Hyperspace.Actors.Micropayments", StringComparison.Ordinal) || ns.StartsWith("Hyperspace.Actors.Chain", StringComparison.Ordinal)))
            .SelectMany(type => type.GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(property => property.PropertyType == typeof(JournalFormat))
            .Select(property => (JournalFormat)property.GetValue(null)!).ToHashSet();
        Assert.True(formats.Count >= 3);
        Assert.Equal(formats, LedgerProjection.Formats.Values.ToHashSet());
    }

    [Fact]
    public void A_stream_is_owed_as_far_as_was_promised_until_its_cost_is_known()
    {
        var peer = new TwoPeers.Peer(ChannelPair.Payer);
        void Happened(object e) => peer.Journal.Add(("payer-channel-" + ChannelPair.Key, e));
        Happened(new PayerChannelEvents.Proposed(ChannelPair.Payee.PeerId.ToString(), ChannelPair.Terms));
        Happened(new PayerChannelEvents.Confirmed());
        Happened(new PayerChannelEvents.VoucherIssued("s", 100, 100, "ses_1"));
        Happened(new PayerChannelEvents.VoucherRaised("s", 100, 200));
        Assert.Equal(-200, Fold(peer).Balance(Account.Peer(ChannelPair.Payee.PeerId.ToString())));
        Happened(new PayerChannelEvents.Resolved("s", Accepted: true, CostMicro: 130));
        var payer = Fold(peer);
        var payee = Fold(Payee(new PayeeChannelEvents.VoucherTaken("", 0, 200, ByteString.Empty), new PayeeChannelEvents.Metered("s", 70, 70), new PayeeChannelEvents.Metered("s", 60, 130)));
        Assert.Equal((-130, 130, 0), ((int)payer.Balance(Account.Peer(ChannelPair.Payee.PeerId.ToString())), (int)payer.Balance(Account.Session("ses_1")), (int)payer.Balance(Account.Channel(ChannelPair.ChannelId))));
        Assert.Equal((130, 0, -130), Standing(payee));
    }

    [Fact]
    public void An_event_that_does_not_follow_has_no_posting()
    {
        Assert.Null(Postings.Of("payee-channel-0x01", null, new PayeeChannelEvents.Delivered("r")));
        Assert.Null(Postings.Of("payer-channel-k", null, new PayerChannelEvents.Confirmed()));
        Assert.Null(Postings.Of("payer-channel-k", new PayerBook("0x01", "p", "USDC", 1, "", "", false), new PayerChannelEvents.Resolved("never issued", true)));
        Assert.Null(Postings.Of("payee-channel-0x01", null, "something else"));
    }

    [Theory]
    [InlineData(1, -2)]
    [InlineData(1, 0)]
    public void An_entry_that_does_not_balance_cannot_be(int debit, int credit) =>
        Assert.Throws<InvalidOperationException>(() => Entry.Of("", new(LineKind.Earned, Account.Income, Currency.Usdc, debit), new EntryLine(LineKind.Earned, Account.Expense, Currency.Usdc, credit)));

    [Fact]
    public void Two_currencies_do_not_balance_each_other()
    {
        Assert.Throws<InvalidOperationException>(() =>
            Entry.Of("", new(LineKind.Fee, Account.Gas(1), Entry.Wei, 5), new EntryLine(LineKind.Fee, Account.Wallet(1), Currency.Usdc, -5)));
        Assert.Null(Entry.Of("", Entry.Move(LineKind.Fee, Entry.Wei, 0, Account.Gas(1), Account.Wallet(1))));
        Assert.Equal(2, Entry.Of("", Entry.Move(LineKind.Fee, Entry.Wei, (Int128)1 << 100, Account.Gas(1), Account.Wallet(1)))!.Lines.Count);
    }

    [Theory]
    [InlineData(0, 1_000, 0, 1_000)]
    [InlineData(400, 1_000, 400, 600)]
    [InlineData(-400, 1_000, 0, 1_400)]
    [InlineData(1_200, 1_000, 1_200, 0)]
    public void Credit_is_what_is_owed_net(long position, ulong limit, long used, long left)
    {
        var credit = new NetCredit(limit, position);
        Assert.Equal((used, left), ((long)credit.UsedMicro, (long)credit.LeftMicro));
        Assert.True(credit.Covers((ulong)left));
        Assert.False(credit.Covers((ulong)left + 1));
    }

    private static TwoPeers.Peer Payee(params IEnumerable<object> events)
    {
        var peer = new TwoPeers.Peer(ChannelPair.Payee);
        peer.Journal.AddRange(events.Prepend(new PayeeChannelEvents.Opened(ChannelPair.Payer.PeerId.ToString(), ChannelPair.Terms)).Select(e => ("payee-channel-" + ChannelPair.ChannelId, e)));
        return peer;
    }

    private static (int Peer, int Channel, int Income) Standing(Books books) =>
        ((int)books.Balance(Account.Peer(ChannelPair.Payer.PeerId.ToString())), (int)books.Balance(Account.Channel(ChannelPair.ChannelId)), (int)books.Balance(Account.Income));

    /// <summary>All events in order; each must have a posting, and the lines so far must sum to zero.</summary>
    private static Books Fold(TwoPeers.Peer peer)
    {
        var books = new Books();
        foreach (var (id, happened) in peer.Journal)
        {
            foreach (var one in happened is ChannelBatch batch ? batch.Events : [happened])
            {
                books.Post(id, one);
            }
        }

        return books;
    }

    private sealed class Books
    {
        private readonly Dictionary<string, Book?> _known = [];
        private readonly Dictionary<(Account, Currency), Int128> _balances = [];

        public Int128 Balance(Account account, Currency? currency = null) => _balances.GetValueOrDefault((account, currency ?? Currency.Usdc));

        public void Post(string id, object happened)
        {
            var bookId = Postings.BookIdOf(id, happened);
            var posting = Postings.Of(id, _known.GetValueOrDefault(bookId), happened);
            Assert.NotNull(posting);
            _known[bookId] = posting.Book;
            foreach (var line in posting.Entry?.Lines ?? [])
            {
                var key = (line.Account, line.Currency);
                _balances[key] = _balances.GetValueOrDefault(key) + line.Amount;
            }

            Assert.All(_balances.GroupBy(b => b.Key.Item2), one => Assert.Equal(0, one.Aggregate((Int128)0, (sum, balance) => sum + balance.Value)));
        }
    }
}
