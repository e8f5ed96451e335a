using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Ledger;
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
            foreach (var (id, channel) in peer.Receiving)
            {
                Assert.Equal((Int128)channel.SpentMicro - channel.AcceptedMicro, books.Balance(Account.Channel(id)));
            }

            var inFlight = peer.Paying.Values.Aggregate(0UL, (sum, c) => sum + (c.InFlight?.PriceMicro ?? 0));
            var paid = peer.Paying.Values.Aggregate(0UL, (sum, c) => sum + c.AcceptedMicro + c.Used.Aggregate(0UL, (used, u) => used + u.AcceptedMicro));
            var accepted = peer.Receiving.Values.Aggregate(0UL, (sum, c) => sum + c.AcceptedMicro);
            var spent = peer.Receiving.Values.Aggregate(0UL, (sum, c) => sum + c.SpentMicro);
            Assert.Equal(-(Int128)spent, books.Balance(Account.Income));
            Assert.Equal((Int128)paid, books.Balance(Account.Expense));
            Assert.Equal((Int128)accepted - paid - inFlight, books.Balance(Account.Peer(peer == world.A ? world.B.Id : world.A.Id)));
        }
    }

    [Property(MaxTest = 200, EndSize = 100)]
    public void Two_ledgers_mirror_each_other_once_nothing_is_in_flight(Move[] moves)
    {
        var world = TwoPeers.After(moves);
        world.Settle();
        Assert.Equal(Fold(world.A).Balance(Account.Peer(world.B.Id)), -Fold(world.B).Balance(Account.Peer(world.A.Id)));
        Assert.Equal(Fold(world.A).Balance(Account.Expense), -Fold(world.B).Balance(Account.Income));
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
    public void What_was_paid_in_advance_lies_in_the_channel_until_it_is_spent_or_given_back()
    {
        var peer = Payee(
            new PayeeChannelEvents.VoucherTaken("", 0, 500, ByteString.Empty),
            new PayeeChannelEvents.Spent("a", 120, "a memo"),
            new PayeeChannelEvents.VoucherTaken("b", 30, 400, ByteString.Empty));
        Assert.Equal((500, -350, -150), Standing(Fold(peer)));
        peer = Payee([.. peer.Journal.Skip(1).Select(j => j.Event), new ChannelBatch([new PayeeChannelEvents.ClosingBegun(150, ByteString.Empty), new PayeeChannelEvents.Closed(150, 850)])]);
        Assert.Equal((150, 0, -150), Standing(Fold(peer)));
    }

    [Fact]
    public void What_an_escrow_pays_out_settles_the_claim_and_what_it_does_not_is_lost()
    {
        var wallet = Account.Wallet(ChannelPair.Terms.ChainId, ChannelPair.Terms.Token.Span);
        var peer = Payee(
            new PayeeChannelEvents.VoucherTaken("a", 300, 300, ByteString.Empty),
            new PayeeChannelEvents.SeenOnChain(1_000, 200, 0),
            new PayeeChannelEvents.VoucherTaken("b", 100, 400, ByteString.Empty),
            new PayeeChannelEvents.ClosingBegun(400, ByteString.Empty));
        var books = Fold(peer);
        Assert.Equal((200, 0, -400), Standing(books));
        Assert.Equal(200, books.Balance(wallet));

        var paid = Fold(Payee([.. peer.Journal.Skip(1).Select(j => j.Event), new PayeeChannelEvents.Closed(400, 600)]));
        Assert.Equal((0, 0, -400), Standing(paid));
        Assert.Equal(400, paid.Balance(wallet));

        // The payer got out before the last voucher was brought to the escrow.
        var lost = Fold(Payee([.. peer.Journal.Skip(1).Select(j => j.Event), new PayeeChannelEvents.SeenOnChain(1_000, 200, 5), new PayeeChannelEvents.Closed(200, 800)]));
        Assert.Equal((0, 0, -200), Standing(lost));
        Assert.Equal(200, lost.Balance(wallet));

        // A reorganisation took the settlement back.
        Assert.Equal(0, Fold(Payee([.. peer.Journal.Skip(1).Select(j => j.Event), new PayeeChannelEvents.SeenOnChain(1_000, 0, 0)])).Balance(wallet));
    }

    [Fact]
    public void An_event_that_does_not_follow_has_no_posting()
    {
        Assert.Null(Postings.Of("payee-channel-0x01", null, new PayeeChannelEvents.Delivered("r")));
        Assert.Null(Postings.Of("payer-channel-k", null, new PayerChannelEvents.Confirmed()));
        Assert.Null(Postings.Of("payer-channel-k", new PayerBook("0x01", "p", "USDC"), new PayerChannelEvents.Resolved("never issued", true)));
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

        public Int128 Balance(Account account) => _balances.GetValueOrDefault((account, Currency.Usdc));

        public void Post(string id, object happened)
        {
            var posting = Postings.Of(id, _known.GetValueOrDefault(id), happened);
            Assert.NotNull(posting);
            _known[id] = posting.Book;
            foreach (var line in posting.Entry?.Lines ?? [])
            {
                var key = (line.Account, line.Currency);
                _balances[key] = _balances.GetValueOrDefault(key) + line.Amount;
            }

            Assert.Equal(0, _balances.Values.Aggregate((Int128)0, (sum, balance) => sum + balance));
        }
    }
}
