using Google.Protobuf;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments.Channels;

public class PayeeChannelStateTests
{
    /// <summary>After one accepted voucher: accepted 300, spent 100, deposit 1,000.</summary>
    private static readonly PayeeChannelState Used = Take(ChannelPair.OpenPayee, ChannelPair.Accept("first", 300, 100));

    [Fact]
    public void A_voucher_that_covers_the_price_is_accepted_and_the_price_is_spent()
    {
        var decision = Used.Decide(ChannelPair.Accept("second", 400, 150));
        Assert.Equal(new VoucherAccepted(ChannelPair.ChannelId, "second", Amount.MicroUsdc(400), Amount.MicroUsdc(250), Repeated: false, WasDelivered: false), decision.Reply);
        var after = Used.Apply(decision.Event!);
        Assert.Equal((400UL, 250UL, 2L), (after.AcceptedMicro, after.SpentMicro, after.Vouchers));
    }

    public static TheoryData<string, string, object> Refusals() => new()
    {
        { "replayed for more than is left of it", ErrorCodes.PaymentStaleVoucher, ChannelPair.Accept("second", 300, 201) },
        { "lower, for more than is left", ErrorCodes.PaymentStaleVoucher, ChannelPair.Accept("second", 299, 201) },
        { "replayed for nothing", ErrorCodes.PaymentStaleVoucher, ChannelPair.Accept("second", 300, 0) },
        { "too little", ErrorCodes.PaymentInsufficient, ChannelPair.Accept("second", 301, 202) },
        { "over the deposit", ErrorCodes.PaymentOverDeposit, ChannelPair.Accept("second", 1_001, 100) },
        { "the largest amount there is", ErrorCodes.PaymentOverDeposit, ChannelPair.Accept("second", ulong.MaxValue, 100) },
        { "a price beyond everything", ErrorCodes.PaymentInsufficient, ChannelPair.Accept("second", 1_000, Amount.MaxMicroUnits) },
        { "signed by someone else", ErrorCodes.PaymentBadSignature, ChannelPair.Accept("second", 400, 100) with { Voucher = ChannelPair.Voucher(400, ChannelPair.Stranger) } },
        { "unsigned", ErrorCodes.PaymentBadSignature, ChannelPair.Accept("second", 400, 100) with { Voucher = new Voucher { ChannelId = ByteString.CopyFrom(ChannelIds.Of(ChannelPair.Terms)), CumulativeMicro = 400 } } },
        { "raised after it was signed", ErrorCodes.PaymentBadSignature, ChannelPair.Accept("second", 400, 100) with { Voucher = Changed(v => v.CumulativeMicro = 401) } },
        { "of another channel", ErrorCodes.PaymentBadSignature, ChannelPair.Accept("second", 400, 100) with { Voucher = Changed(v => v.ChannelId = ChannelPair.Bytes(7, 32)) } },
        { "the paid request with another voucher", ErrorCodes.Conflict, ChannelPair.Accept("first", 400, 100) },
        { "from another peer", ErrorCodes.ChannelNotFound, ChannelPair.Accept("second", 400, 100) with { PayerPeerId = ChannelPair.Stranger.PeerId.ToString() } },
        { "for a price in another currency", ErrorCodes.ChannelRefused, ChannelPair.Accept("second", 400, 100) with { Price = new Amount(100, Currency.Parse("EURC")) } },
        { "without a request id", ErrorCodes.InvalidParams, ChannelPair.Accept("", 400, 100) },
        { "with an endless request id", ErrorCodes.InvalidParams, ChannelPair.Accept(new string('x', 129), 400, 100) },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_voucher_that_does_not_count_changes_nothing_and_says_where_the_channel_stands(string what, string code, object accept)
    {
        var decision = Used.Decide((PayeeChannelCommands.Accept)accept);
        Assert.True(decision.Event is null, what);
        var refused = Assert.IsType<VoucherRefused>(decision.Reply);
        Assert.Equal(code, refused.Code);
        if (code == ErrorCodes.ChannelNotFound)
        {
            Assert.Null(refused.Standing);
        }
        else
        {
            Assert.Equal((300UL, 100UL), (refused.Standing!.Accepted.MicroUnits, refused.Standing.Spent.MicroUnits));
        }
    }

    [Fact]
    public void A_voucher_that_is_not_above_what_was_accepted_serves_what_the_balance_covers()
    {
        // Two vouchers that were on their way at once and changed places.
        var decision = Used.Decide(ChannelPair.Accept("second", 200, 200));
        Assert.Equal(new PayeeChannelEvents.VoucherTaken("second", 200, 200, ByteString.Empty), decision.Event);
        var after = Used.Apply(decision.Event!);
        Assert.Equal((300UL, 300UL, Used.HighestSignature), (after.AcceptedMicro, after.SpentMicro, after.HighestSignature));
        Assert.Equal(ErrorCodes.PaymentStaleVoucher, ((VoucherRefused)after.Decide(ChannelPair.Accept("third", 300, 1)).Reply).Code);
    }

    [Fact]
    public void A_channel_that_was_not_opened_accepts_nothing() =>
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)new PayeeChannelState(ChannelPair.ChannelId).Decide(ChannelPair.Accept("r", 100, 100)).Reply).Code);

    [Fact]
    public void The_same_request_with_the_same_voucher_is_not_charged_again()
    {
        var again = Used.Decide(ChannelPair.Accept("first", 300, 100));
        Assert.Null(again.Event);
        Assert.Equal((true, false), (((VoucherAccepted)again.Reply).Repeated, ((VoucherAccepted)again.Reply).WasDelivered));

        var delivered = Used.Apply(Used.Decide(new PayeeChannelCommands.Delivered(ChannelPair.ChannelId, "first")).Event!);
        Assert.True(((VoucherAccepted)delivered.Decide(ChannelPair.Accept("first", 300, 100)).Reply).WasDelivered);
        Assert.Null(delivered.Decide(new PayeeChannelCommands.Delivered(ChannelPair.ChannelId, "first")).Event);
    }

    [Fact]
    public void A_request_that_was_called_unpaid_stays_unpaid()
    {
        var decision = Used.Decide(new PayeeChannelCommands.Resolve(ChannelPair.ChannelId, ChannelPair.Payer.PeerId.ToString(), "late"));
        Assert.False(((PayeeChannelView)decision.Reply).RequestPaid);
        var voided = Used.Apply(decision.Event!);
        Assert.Equal(ErrorCodes.Conflict, ((VoucherRefused)voided.Decide(ChannelPair.Accept("late", 400, 100)).Reply).Code);
        Assert.Null(voided.Decide(new PayeeChannelCommands.Delivered(ChannelPair.ChannelId, "late")).Event);
        Assert.Equal((300UL, 100UL), (voided.AcceptedMicro, voided.SpentMicro));

        var paid = (PayeeChannelView)Used.Decide(new PayeeChannelCommands.Resolve(ChannelPair.ChannelId, ChannelPair.Payer.PeerId.ToString(), "first")).Reply;
        Assert.Equal((true, 100UL), (paid.RequestPaid, paid.RequestCost.MicroUnits));
    }

    [Fact]
    public void Only_so_many_requests_may_be_voided_before_the_next_voucher()
    {
        var state = Used;
        for (var i = 0; i < ChannelLimits.MaxVoidedPerVoucher; i++)
        {
            state = state.Apply(state.Decide(Resolve($"r{i}")).Event!);
        }

        Assert.Equal(ErrorCodes.RateLimited, ((Refusal)state.Decide(Resolve("one more")).Reply).Code);
        Assert.NotNull(Take(state, ChannelPair.Accept("paid", 400, 1)).Decide(Resolve("one more")).Event);

        static PayeeChannelCommands.Resolve Resolve(string id) => new(ChannelPair.ChannelId, ChannelPair.Payer.PeerId.ToString(), id);
    }

    [Fact]
    public void The_oldest_request_is_forgotten_and_its_voucher_is_stale_then()
    {
        var state = Used.Apply(new PayeeChannelEvents.Opened(ChannelPair.Payer.PeerId.ToString(), Rich()));
        for (var i = 1; i <= RecentRequests<PayeeRequest>.Capacity; i++)
        {
            state = state.Apply(new PayeeChannelEvents.VoucherTaken($"r{i}", 1, 300 + (ulong)i, ByteString.Empty));
        }

        Assert.False(state.Requests.TryGet("first", out _));
        Assert.Equal(RecentRequests<PayeeRequest>.Capacity, state.Requests.OldestFirst.Count());

        static ChannelTerms Rich()
        {
            var terms = ChannelPair.Terms.Clone();
            terms.DepositMicro = 1_000_000;
            return terms;
        }
    }

    [Fact]
    public void A_channel_opens_once_and_the_same_request_again_tells_where_it_stands()
    {
        var closed = new PayeeChannelState(ChannelPair.ChannelId);
        var decision = closed.Decide(ChannelPair.Open(), ChannelPair.PayeeTerms);
        Assert.True(((PayeeChannelView)decision.Reply).Open);
        var open = closed.Apply(decision.Event!);
        Assert.Null(open.Decide(ChannelPair.Open(), ChannelPair.PayeeTerms).Event);
        Assert.Equal(open.View(), open.Decide(ChannelPair.Open(), ChannelPair.PayeeTerms).Reply);
        Assert.Equal(ErrorCodes.ChannelRefused, ((Refusal)open.Decide(ChannelPair.Open(t => t.DepositMicro++), ChannelPair.PayeeTerms).Reply).Code);
    }

    public static TheoryData<string, object> BadOpenings()
    {
        var other = ChannelPair.Bytes(7, 20);
        return new()
        {
            { "another payee", ChannelPair.Open(t => t.Payee = other) },
            { "another token", ChannelPair.Open(t => t.Token = other) },
            { "another escrow", ChannelPair.Open(t => t.Escrow = other) },
            { "another chain", ChannelPair.Open(t => t.ChainId++) },
            { "another currency", ChannelPair.Open(t => t.Currency = "EURC") },
            { "no deposit", ChannelPair.Open(t => t.DepositMicro = 0) },
            { "a deposit over the credit limit", ChannelPair.Open(t => t.DepositMicro = 5_001) },
            { "the largest deposit there is", ChannelPair.Open(t => t.DepositMicro = ulong.MaxValue) },
            { "someone else's wallet", ChannelPair.Open(t => t.Payer = ByteString.CopyFrom(ChannelPair.Stranger.Wallet.Address.Span)) },
            { "someone else's binding", ChannelPair.Open() with { PayerBinding = ChannelPair.Stranger.Binding } },
            { "no binding", ChannelPair.Open() with { PayerBinding = new IdentityBinding() } },
            { "another caller", ChannelPair.Open() with { PayerPeerId = ChannelPair.Stranger.PeerId.ToString() } },
            { "another id", ChannelPair.Open() with { ChannelId = ChannelIds.ToText(new byte[32]) } },
            { "a short salt", ChannelPair.Open() with { Terms = new ChannelTerms(ChannelPair.Terms) { Salt = ChannelPair.Bytes(0, 31) } } },
        };
    }

    [Theory]
    [MemberData(nameof(BadOpenings))]
    public void A_channel_on_other_terms_is_refused(string what, object open)
    {
        var command = (PayeeChannelCommands.Open)open;
        var decision = new PayeeChannelState(command.ChannelId).Decide(command, ChannelPair.PayeeTerms);
        Assert.True(decision.Event is null, what);
        Assert.Equal(ErrorCodes.ChannelRefused, Assert.IsType<Refusal>(decision.Reply).Code);
    }

    private static Voucher Changed(Action<Voucher> change)
    {
        var voucher = ChannelPair.Voucher(400);
        change(voucher);
        return voucher;
    }

    private static PayeeChannelState Take(PayeeChannelState state, PayeeChannelCommands.Accept accept) => state.Apply(state.Decide(accept).Event!);
}
