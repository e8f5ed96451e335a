using FsCheck;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Tests.Identity;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Reputation;

public sealed class RatingsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);
    private static readonly ulong Stamp = Ratings.StampOf(new HybridTime((ulong)Now.ToUnixTimeMilliseconds(), 1));
    private static readonly PeerIdentity Payer = Who(1);
    private static readonly PeerIdentity Payee = Who(2);

    [Fact]
    public void A_rating_with_its_receipt_is_read_on_both_topics()
    {
        var rating = Ratings.Seal(Payer, Receipt(), -0.5, Time(1));
        var heard = Ratings.Read(rating.Bytes, Now, out _)!;
        Assert.Equal((Payee.PeerId.ToString(), Payer.PeerId.ToString()), (heard.Ratee, heard.Rater));
        Assert.Equal(("r-1", -0.5, 250_000ul), (heard.Entry.ReceiptId, heard.Entry.Value, heard.Entry.Micros));
        var validate = Ratings.Validator(new FakeTimeProvider(Now));
        Assert.Equal(Validation.Accept, validate(Message(Topics.Reputation, rating)));
        Assert.Equal(Validation.Accept, validate(Message(Topics.ReputationOf(heard.Ratee), rating)));
        Assert.Equal(Validation.Reject, validate(Message(Topics.ReputationOf(heard.Rater), rating)));
    }

    [Fact]
    public void What_was_not_signed_by_payer_and_payee_is_dropped()
    {
        var stranger = Who(3);
        Assert.Null(Ratings.Read(Ratings.Seal(stranger, Receipt(), 1, Time(1)).Bytes, Now, out var reason));
        Assert.Contains("another payer", reason, StringComparison.Ordinal);
        Assert.Null(Ratings.Read(Ratings.Seal(Payee, Receipt(), 1, Time(1)).Bytes, Now, out _));
        var toItself = Ratings.SealReceipt(Payee, Payee.PeerId, "r", "t", Amount.MicroUsdc(1), Time(0));
        Assert.Null(Ratings.ReadReceipt(toItself.Bytes, out reason));
        Assert.Contains("the payee", reason, StringComparison.Ordinal);
        var good = Ratings.Seal(Payer, Receipt(), 1, Time(1)).Bytes.ToArray();
        Assert.All(GoldenKeys.EachBitFlipped(good), bytes => Assert.Null(Ratings.Read(bytes, Now, out _)));
        Assert.Null(Ratings.Read(new byte[Ratings.MaxBytes + 1], Now, out _));
    }

    [Property]
    public void The_order_of_ratings_and_their_repetition_do_not_matter((byte, byte, sbyte, byte, byte)[] ratings, int seed)
    {
        var all = ratings.Select(r => (Rater: $"p{r.Item1 % 5}", Entry: new RatingEntry($"r{r.Item2 % 24}", Math.Max((sbyte)-100, r.Item3) / 100.0, 1000, Now.AddHours(r.Item2 % 24), r.Item5))).ToList();
        var twice = all.Concat(all).ToArray();
        new System.Random(seed).Shuffle(twice);
        var (one, other) = (Book(all), Book(twice));
        Assert.Equal(one.Raters.SelectMany(r => r.Value.Values.Select(e => (r.Key, e))), other.Raters.SelectMany(r => r.Value.Values.Select(e => (r.Key, e))));
    }

    [Fact]
    public void A_million_cheap_identities_gain_nothing_over_one()
    {
        Tally Of(int raters, int ratings) => Book(Enumerable.Range(0, raters).SelectMany(r => Enumerable.Range(0, ratings).Select(i => ($"p{r}", new RatingEntry($"{r}-{i}", 1, 100_000_000, Now, Stamp))))).Weighed(_ => 0, Now);
        Assert.Equal(Of(1, 1), Of(RatingBook.MaxTrusted, 3));
    }

    [Fact]
    public void Cheap_raters_do_not_push_out_trusted_ones_and_the_own_word()
    {
        var state = ReputationState.Empty("me", 2);
        state = state.Apply(state.Decide(new ReputationCommands.Replayed(ReplaySources.Foretold(ReplaySources.Matrix), [new Contracts.Reputation.Replay("friend", 60, 5)]), Now)!);
        state = state.Apply(state.Decide(new ReputationCommands.Rate("shop", null, null, -1), Stamp, Now).Events[0]);
        state = state.Apply(state.Decide(new HeardRating("shop", "friend", new RatingEntry("r", -1, 1_000_000, Now, Stamp)), Now)!);
        var before = TrustTable.Of(state, Now).ReputationOf("shop");
        for (var i = 0; i < 2 * RatingBook.MaxTrusted; i++)
        {
            var junk = new HeardRating("shop", $"junk{i}", new RatingEntry("r", 1, 2_000_000, Now, Stamp));
            state = state.Decide(junk, Now) is { } taken ? state.Apply(taken) : state;
        }

        var raters = state.Of("shop").Ratings.Raters;
        Assert.Equal((true, true, 2 + RatingBook.MaxStrangers), (raters.ContainsKey("me"), raters.ContainsKey("friend"), raters.Count));
        Assert.InRange(TrustTable.Of(state, Now).ReputationOf("shop"), before, before + 0.1);

        // One that paid least is not taken, and so not journalled.
        Assert.Null(state.Decide(new HeardRating("shop", "a", new RatingEntry("r", 1, 1, Now, 1)), Now));
    }

    [Fact]
    public void A_book_that_was_full_of_strangers_comes_back_whole_and_is_trimmed_by_the_next_rating()
    {
        var full = Enumerable.Range(0, 255).Select(i => ($"p{i:000}", (IEnumerable<RatingEntry>)[new RatingEntry("r", 1, 2_000_000, Now, 1)]));
        var book = RatingBook.Restored([.. full, ("me", [new RatingEntry("own", -1, 1_000_000, Now, 1)])]);
        Assert.Equal(256, book.Count);
        book = book.With("friend", new RatingEntry("r", -1, 1, Now, 1), "me", rater => rater is "me" or "friend");
        Assert.Equal((RatingBook.MaxStrangers + 2, true, true), (book.Count, book.Raters.ContainsKey("me"), book.Raters.ContainsKey("friend")));
    }

    [Fact]
    public void A_trusted_rater_counts_once_by_its_weight_and_by_what_it_paid()
    {
        RatingEntry Rated(string id, ulong micros) => new(id, -1, micros, Now.AddDays(-89), Stamp);
        // The payee, who dates receipts, has no say in how much a rating counts.
        Assert.Equal(0.5, Book([("p", Rated("a", 2_000_000)), ("p", Rated("b", 2_000_000))]).Weighed(_ => 0.5, Now).Against);
        Assert.Equal(0.25, Book([("p", Rated("a", 500_000))]).Weighed(_ => 0.5, Now).Against);
        Assert.Equal(0.25, Book([("p", Rated("a", 2_000_000))]).Weighed(_ => 0.5, Now + TrustRules.HalfLife).Against, 9);
    }

    [Fact]
    public void Nobody_rates_itself_and_this_peer_rates_whom_it_paid()
    {
        var (me, shop) = (Payer.PeerId.ToString(), Payee.PeerId.ToString());
        var state = ReputationState.Empty(me, 2);
        Assert.Null(state.Decide(new HeardRating("x", "x", new RatingEntry("r", 1, 1, Now, 1)), Now));
        Assert.Null(state.Decide(new HeardRating(me, "x", new RatingEntry("r", 1, 1, Now, 1)), Now));
        Assert.NotNull(state.Decide(new ReputationCommands.Rate(null, null, null, 1), 1, Now).Refusal);
        Assert.NotNull(state.Decide(new ReputationCommands.Rate(shop, "s", null, 1), 1, Now).Refusal);
        Assert.NotNull(state.Decide(new ReputationCommands.Rate(shop, null, null, 1.5), 1, Now).Refusal);
        Assert.NotNull(state.Decide(new ReputationCommands.Rate(me, null, null, 1), 1, Now).Refusal);
        Assert.NotNull(state.Decide(new ReputationCommands.Rate(null, "s", null, 1), 1, Now).Refusal);

        state = state.Apply(state.Decide(new ReputationCommands.Called(shop, true, Paid(Receipt()), "s"), Now)!);
        Assert.Single(state.Receipts);
        var again = state.Decide(new ReputationCommands.Called(shop, true, Paid(Receipt()), "s"), Now)!;
        Assert.Null(again.Receipt);
        foreach (var rate in new[] { new ReputationCommands.Rate(shop, null, null, -1), new(null, "s", null, -1), new(null, null, "r-1", -1) })
        {
            var (events, receipts, refusal) = state.Decide(rate, 7, Now);
            Assert.Null(refusal);
            Assert.Equal(shop, Assert.Single(events).Ratee);
            Assert.Single(receipts);
        }

        var before = TrustTable.Of(state, Now).ReputationOf(shop);
        var (own, _, _) = state.Decide(new ReputationCommands.Rate(shop, null, null, -1), Stamp, Now);
        Assert.True(TrustTable.Of(state.Apply(own[0]), Now).ReputationOf(shop) < before);
    }

    [Fact]
    public void Receipts_of_others_are_not_held()
    {
        var state = ReputationState.Empty(Who(3).PeerId.ToString(), 2);
        Assert.Null(state.Decide(new ReputationCommands.Called(Payee.PeerId.ToString(), true, Paid(Receipt())), Now)!.Receipt);
        var payer = ReputationState.Empty(Payer.PeerId.ToString(), 2);
        Assert.Null(payer.Decide(new ReputationCommands.Called("another", true, Paid(Receipt())), Now)!.Receipt);
        Assert.Null(payer.Decide(new ReputationCommands.Called(Payee.PeerId.ToString(), true, new PaidCall(Amount.MicroUsdc(1), Now, [1, 2])), Now)!.Receipt);
    }

    internal static PeerIdentity Who(byte seed) => new(KeyPair.FromSeed([.. Enumerable.Repeat(seed, 32)]), GoldenKeys.Wallet, new Contracts.Wire.IdentityBinding());

    [Theory]
    [InlineData(250_000, 0, false, true)]
    [InlineData(250_000, -60, false, true)]
    [InlineData(250_001, 0, false, false)]
    [InlineData(5_000_000, 0, false, false)]
    [InlineData(5_000_000, 0, true, true)]
    [InlineData(1, 0, true, false)]
    [InlineData(250_000, -89 * 86_400, false, false)]
    [InlineData(250_000, -299, false, false)]
    [InlineData(250_000, 299, false, false)]
    public void A_receipt_is_held_when_it_is_of_what_was_paid_and_when(ulong cost, int secondsLater, bool inParts, bool held)
    {
        var receipt = ReceiptOf(Payee, Payer, "r", Now.AddSeconds(secondsLater));
        var called = new ReputationCommands.Called(Payee.PeerId.ToString(), false, new PaidCall(Amount.MicroUsdc(cost), Now.AddSeconds(-5), receipt.Bytes.ToArray(), inParts));
        Assert.Equal(held, ReputationState.Empty(Payer.PeerId.ToString(), 2).Decide(called, Now)!.Receipt is not null);
    }

    [Fact]
    public void A_receipt_that_expires_is_not_held()
    {
        var content = new Contracts.Wire.ServiceReceipt { Payer = Payer.PeerId.ToString(), RequestId = "r", Tool = "t", AmountMicro = 250_000, Currency = "USDC" };
        var expiring = SignedEnvelope.Seal(Payee.Keys, EnvelopeTypes.ServiceReceipt, content.ToByteArray(), Time(0), TimeSpan.FromMinutes(1));
        var receipt = Ratings.ReadReceipt(expiring.Bytes, out _)!;
        Assert.Null(ReputationState.Empty(Payer.PeerId.ToString(), 2).Decide(new ReputationCommands.Called(receipt.Payee, true, Paid(receipt)), Now)!.Receipt);
        Assert.Equal(Validation.Reject, Ratings.Validator(new FakeTimeProvider(Now))(Message(Topics.Reputation, Ratings.Seal(Payer, receipt, 1, Time(1)))));
    }

    [Theory]
    [InlineData(-300, 0, Validation.Accept)]
    [InlineData(-301, 0, Validation.Ignore)]
    [InlineData(0, 301, Validation.Ignore)]
    [InlineData(90 * 86_400, 0, Validation.Accept)]
    [InlineData((90 * 86_400) + 1, 0, Validation.Ignore)]
    public void What_comes_at_the_wrong_time_is_the_fault_of_nobody_who_passes_it_on(int secondsLater, int receiptAhead, Validation expected)
    {
        var rating = Ratings.Seal(Payer, ReceiptOf(Payee, Payer, "r", Now.AddSeconds(receiptAhead)), -1, Time(0));
        var (time, message) = (new FakeTimeProvider(Now.AddSeconds(secondsLater)), Message(Topics.Reputation, rating));
        Assert.Equal(expected, Ratings.Validator(time)(message));
        Assert.Equal(expected == Validation.Accept, Ratings.Read(rating.Bytes, time.GetUtcNow(), out _) is not null);

        // However it is dated, what is forged is.
        var forged = Ratings.Seal(Who(3), ReceiptOf(Payee, Payer, "r", Now.AddSeconds(receiptAhead)), -1, Time(0));
        Assert.Equal(Validation.Reject, Ratings.Validator(time)(Message(Topics.Reputation, forged)));
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(253_402_300_800_000)]
    [InlineData(253_402_300_799_999)]
    public void Times_beyond_all_dates_are_an_error_and_no_crash(ulong wallMs)
    {
        var receipt = Ratings.SealReceipt(Payee, Payer.PeerId, "r", "t", Amount.MicroUsdc(1), new HybridTime(wallMs, uint.MaxValue));
        var held = Ratings.ReadReceipt(receipt.Bytes, out _);
        Assert.Equal(wallMs == 253_402_300_799_999, held is not null);
        var rating = Ratings.Seal(Payer, held ?? Receipt(), 1, new HybridTime(wallMs, uint.MaxValue));
        Assert.NotEqual(Validation.Accept, Ratings.Validator(new FakeTimeProvider(Now))(Message(Topics.Reputation, rating)));
        Assert.Null(ReputationState.Empty(Payer.PeerId.ToString(), 2).Decide(new ReputationCommands.Called(Payee.PeerId.ToString(), true, new PaidCall(Amount.MicroUsdc(1), Now, receipt.Bytes.ToArray())), Now)!.Receipt);
    }

    [Fact]
    public void Receipts_that_are_too_old_are_not_gossiped()
    {
        var state = ReputationState.Empty(Payer.PeerId.ToString(), 2);
        state = state.Apply(state.Decide(new ReputationCommands.Called(Payee.PeerId.ToString(), true, Paid(Receipt()), "s"), Now)!);
        Assert.Single(state.Decide(new ReputationCommands.Rate(null, "s", null, -1), 7, Now.AddDays(80)).Receipts);
        var (events, receipts, refusal) = state.Decide(new ReputationCommands.Rate(null, "s", null, -1), 7, Now.AddDays(91));
        Assert.Equal((1, 0, null), (events.Count, receipts.Count, refusal));
    }

    internal static PaidCall Paid(HeldReceipt receipt) => new(Amount.MicroUsdc(receipt.Content.AmountMicro), receipt.PaidAt, receipt.Bytes.ToArray());

    internal static HeldReceipt ReceiptOf(PeerIdentity payee, PeerIdentity payer, string requestId, DateTimeOffset at) => Ratings.ReadReceipt(
        Ratings.SealReceipt(payee, payer.PeerId, requestId, "echo", Amount.MicroUsdc(250_000), new HybridTime((ulong)at.ToUnixTimeMilliseconds(), 0)).Bytes, out _)!;

    private static HeldReceipt Receipt() => ReceiptOf(Payee, Payer, "r-1", Now);

    private static HybridTime Time(uint counter) => new((ulong)Now.ToUnixTimeMilliseconds(), counter);

    private static PubSubMessage Message(string topic, SignedEnvelope envelope) => new(topic, Payer.PeerId, Payer.PeerId, 1, envelope.Bytes, ReadOnlyMemory<byte>.Empty);

    private static RatingBook Book(IEnumerable<(string Rater, RatingEntry Entry)> ratings) => ratings.Aggregate(RatingBook.Empty, (book, r) => book.With(r.Rater, r.Entry, "me", _ => false));
}
