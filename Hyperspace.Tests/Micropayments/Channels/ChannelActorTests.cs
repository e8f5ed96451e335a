using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>Both sides on the real engine, each with its own journal.</summary>
public sealed class ChannelActorTests : IAsyncLifetime
{
    private readonly LoopbackNetwork _network = new();
    private int _window = 1;
    private IRpc _payerRpc = null!;
    private EngineFixture _payer = null!;
    private EngineFixture _payee = null!;

    public async Task InitializeAsync()
    {
        _payer = await StartAsync(ChannelPair.Payer, rpc => _payerRpc = rpc);
        _payee = await StartAsync(ChannelPair.Payee, _ => { });
    }

    public async Task DisposeAsync()
    {
        await _payer.DisposeAsync();
        await _payee.DisposeAsync();
    }

    [Fact]
    public async Task A_channel_opens_pays_survives_a_restart_of_both_sides_and_goes_on()
    {
        await PayAndServeAsync("a", 100);
        await PayAndServeAsync("b", 150);
        await _payer.RestartAsync();
        await _payee.RestartAsync();

        var paying = Assert.Single((await TotalsAsync(_payer)).Paying);
        Assert.Equal((250UL, 250UL, 2L, false), (paying.Signed.MicroUnits, paying.Accepted.MicroUnits, paying.Vouchers, paying.InFlight));
        var receiving = Assert.Single((await TotalsAsync(_payee)).Receiving);
        Assert.Equal((paying.ChannelId, 250UL, 250UL, 2L), (receiving.ChannelId, receiving.Accepted.MicroUnits, receiving.Spent.MicroUnits, receiving.Vouchers));
        Assert.Empty((await TotalsAsync(_payee)).Paying);

        var third = await PayAndServeAsync("c", 50);
        Assert.Equal(300UL, third.Voucher.CumulativeMicro);

        // A replay of what was served before the restart is recognised, not charged.
        var replay = (VoucherAccepted)await AcceptAsync((await PayAsync("a", 100)).Voucher, "a", 100);
        Assert.Equal((true, true, 300UL), (replay.Repeated, replay.WasDelivered, replay.Spent.MicroUnits));
    }

    [Fact]
    public async Task Payments_wait_for_the_voucher_in_flight()
    {
        var first = await PayAsync("a", 100);
        var second = Payer.Ask<VoucherSigned>(Pay("b", 100), EngineFixture.Timeout);
        var view = await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Get(ChannelPair.Key), EngineFixture.Timeout);
        Assert.Equal((true, 1L), (view.InFlight, view.Vouchers));
        Assert.False(second.IsCompleted);
        Assert.Equal(first.Voucher, (await PayAsync("a", 100)).Voucher);

        await AcceptAsync(first.Voucher, "a", 100);
        await SettleAsync("a", PaymentOutcome.Accepted);
        Assert.Equal(200UL, (await second).Voucher.CumulativeMicro);
    }

    [Fact]
    public async Task A_window_of_payments_is_in_flight_at_once_arrives_in_any_order_and_survives_a_restart()
    {
        _window = 8;
        await _payer.DisposeAsync();
        _payer = await StartAsync(ChannelPair.Payer, rpc => _payerRpc = rpc);
        var signed = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => PayAsync($"r{i}", 10)));
        Assert.Equal([10UL, 20, 30, 40, 50, 60, 70, 80], signed.Select(s => s.Voucher.CumulativeMicro).Order().ToArray());
        foreach (var voucher in signed.OrderByDescending(s => s.Voucher.CumulativeMicro).Where(s => s.RequestId != "r3"))
        {
            Assert.IsType<VoucherAccepted>(await AcceptAsync(voucher.Voucher, voucher.RequestId, 10));
        }

        await SettleAsync("r0", PaymentOutcome.Accepted);
        await _payer.RestartAsync();
        Assert.Equal(PaymentOutcome.Refused, (await ResolveAsync("r3")).Outcome);
        Assert.Equal(PaymentOutcome.Accepted, (await ResolveAsync("r7")).Outcome);
        var next = await PayAndServeAsync("r8", 10);
        Assert.Equal(80UL, next.Voucher.CumulativeMicro);
        await CloseAndCheckAsync(80, 920);
    }

    [Fact]
    public async Task A_channel_is_opened_by_hand_paid_over_topped_up_and_closed_to_the_unit()
    {
        var opened = await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Open(ChannelPair.Key, ChannelPair.Payee.PeerId.ToString(), Amount.MicroUsdc(500)), EngineFixture.Timeout);
        Assert.Equal((500UL, false), (opened.Deposit.MicroUnits, opened.OnChain));
        Assert.Equal(ErrorCodes.Conflict, (await Payer.Ask<Refusal>(new PayerChannelCommands.Open(ChannelPair.Key, ChannelPair.Payee.PeerId.ToString(), Amount.MicroUsdc(500)), EngineFixture.Timeout)).Code);
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "a", PaymentOutcome.Accepted, Amount.MicroUsdc(300)), await SendAsync("a", 300));
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "a", PaymentOutcome.Accepted, Amount.MicroUsdc(300)), await SendAsync("a", 300));
        Assert.Equal(ErrorCodes.PaymentOverDeposit, ((Refusal)await SendAsync("b", 300)).Code);

        Assert.Equal(700UL, (await Payer.Ask<PayerChannelView>(new PayerChannelCommands.TopUp(ChannelPair.Key, 700), EngineFixture.Timeout)).Deposit.MicroUnits);
        Assert.Equal(700UL, (await Payer.Ask<PayerChannelView>(new PayerChannelCommands.TopUp(ChannelPair.Key, 700), EngineFixture.Timeout)).Deposit.MicroUnits);
        Assert.Equal(ErrorCodes.ChannelRefused, (await Payer.Ask<Refusal>(new PayerChannelCommands.TopUp(ChannelPair.Key, 5_001), EngineFixture.Timeout)).Code);
        Assert.IsType<PaymentSettled>(await SendAsync("b", 300));
        await _payer.RestartAsync();
        await _payee.RestartAsync();
        await CloseAndCheckAsync(600, 100);

        // The credit that was not used is free again, and another channel opens.
        Assert.Equal(ErrorCodes.ChannelNotFound, ((Refusal)await SendAsync("c", 1)).Code);
        Assert.Equal(4_400UL, (await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Open(ChannelPair.Key, ChannelPair.Payee.PeerId.ToString(), Amount.MicroUsdc(4_400)), EngineFixture.Timeout)).Deposit.MicroUnits);
    }

    [Fact]
    public async Task A_closing_goes_on_when_the_payee_can_be_reached_again_or_after_a_restart()
    {
        Assert.Equal(700UL, (await PayAndServeAsync("a", 700)).Voucher.CumulativeMicro);
        _network.Reachable = false;
        Assert.Equal(ErrorCodes.PeerUnreachable, (await Payer.Ask<Refusal>(new PayerChannelCommands.Close(ChannelPair.Key), EngineFixture.Timeout)).Code);
        Assert.Equal(ErrorCodes.ChannelNotFound, (await Payer.Ask<Refusal>(Pay("b", 1), EngineFixture.Timeout)).Code);
        await _payer.RestartAsync();
        _network.Reachable = true;
        await Eventually.TrueAsync(async () => Assert.Single((await TotalsAsync(_payer)).Paying).Phase == ChannelPhase.Closed);
        await CheckClosedAsync(700, 300);
    }

    [Fact]
    public async Task A_refused_payment_frees_the_amount_and_the_next_voucher_uses_it()
    {
        await PayAsync("a", 100);
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "a", PaymentOutcome.Refused, Amount.MicroUsdc(0)), await SettleAsync("a", PaymentOutcome.Refused));
        Assert.Equal(60UL, (await PayAsync("b", 60)).Voucher.CumulativeMicro);
    }

    [Fact]
    public async Task A_voucher_in_flight_at_a_restart_is_resolved_by_the_payees_word()
    {
        var paid = await PayAsync("a", 100);
        await AcceptAsync(paid.Voucher, "a", 100);
        await _payer.RestartAsync();
        Assert.Equal(200UL, (await PayAsync("b", 100)).Voucher.CumulativeMicro);
        Assert.Equal(PaymentOutcome.Accepted, (await ResolveAsync("a")).Outcome);

        // "b" never left: the payee calls it unpaid, and means it.
        var lost = await PayAsync("b", 100);
        await _payer.RestartAsync();
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "b", PaymentOutcome.Refused, Amount.MicroUsdc(0)), await ResolveAsync("b"));
        Assert.Equal(ErrorCodes.Conflict, ((VoucherRefused)await AcceptAsync(lost.Voucher, "b", 100)).Code);
        Assert.Equal(150UL, (await PayAndServeAsync("c", 50)).Voucher.CumulativeMicro);
    }

    [Fact]
    public async Task While_the_payee_cannot_be_asked_the_payment_stays_pending_and_is_settled_later()
    {
        var paid = await PayAsync("a", 100);
        await AcceptAsync(paid.Voucher, "a", 100);
        _network.Reachable = false;
        Assert.Equal(PaymentOutcome.Unknown, (await SettleAsync("a", PaymentOutcome.Unknown)).Outcome);
        var next = Payer.Ask<VoucherSigned>(Pay("b", 10), EngineFixture.Timeout);
        Assert.Equal(1, (await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Get(ChannelPair.Key), EngineFixture.Timeout)).Vouchers);

        _network.Reachable = true;
        Assert.Equal(110UL, (await next).Voucher.CumulativeMicro);
        Assert.Equal(PaymentOutcome.Accepted, (await ResolveAsync("a")).Outcome);
    }

    [Fact]
    public async Task A_caller_that_dies_with_its_voucher_does_not_hold_up_the_next()
    {
        var paid = await PayAsync("a", 100);
        await AcceptAsync(paid.Voucher, "a", 100);
        Assert.Equal(200UL, (await PayAsync("b", 100)).Voucher.CumulativeMicro);
    }

    [Fact]
    public async Task Nothing_is_signed_for_a_payee_that_cannot_be_reached()
    {
        _network.Reachable = false;
        Assert.Equal(ErrorCodes.PeerUnreachable, (await Payer.Ask<Refusal>(Pay("a", 100), EngineFixture.Timeout)).Code);
        var view = await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Get(ChannelPair.Key), EngineFixture.Timeout);
        Assert.Equal((0UL, 0L, false), (view.Signed.MicroUnits, view.Vouchers, view.InFlight));

        _network.Reachable = true;
        Assert.Equal(view.ChannelId, ChannelIds.ToText((await PayAsync("a", 100)).Voucher.ChannelId.Span));
    }

    [Fact]
    public async Task A_withdrawn_payment_is_refused_and_costs_nothing()
    {
        await PayAsync("a", 100);
        var waiting = Payer.Ask<object>(Pay("b", 100), EngineFixture.Timeout);
        Assert.Equal(PaymentOutcome.Refused, (await ResolveAsync("b")).Outcome);
        Assert.IsType<Refusal>(await waiting);
    }

    [Fact]
    public async Task One_payers_deposits_together_stay_within_the_credit_limit_also_after_a_restart()
    {
        Assert.IsType<PayeeChannelView>(await OpenAsync(1, 3_000));
        Assert.IsType<PayeeChannelView>(await OpenAsync(1, 3_000));
        await _payee.RestartAsync();
        Assert.Equal(ErrorCodes.ChannelRefused, Assert.IsType<Refusal>(await OpenAsync(2, 2_001)).Code);
        Assert.IsType<PayeeChannelView>(await OpenAsync(3, 2_000));
        Assert.Equal(2, (await TotalsAsync(_payee)).Receiving.Count);

        Task<object> OpenAsync(byte salt, ulong depositMicro) => _payee.Get<ActorKeys.PayeeChannels>().Ask<object>(
            ChannelPair.Open(terms => (terms.Salt, terms.DepositMicro) = (ChannelPair.Bytes(salt, 32), depositMicro)), EngineFixture.Timeout);
    }

    [Fact]
    public async Task A_used_up_deposit_is_followed_by_another_channel_until_the_payees_credit_is_used_up()
    {
        // 5 deposits of 1000 fit into the credit of 5000, and 700 fits into each of them once.
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(700UL, (await PayAndServeAsync($"r{i}", 700)).Voucher.CumulativeMicro);
        }

        var refusal = await Payer.Ask<Refusal>(Pay("r5", 700), EngineFixture.Timeout);
        Assert.Equal(ErrorCodes.PaymentOverDeposit, refusal.Code);
        Assert.Contains("--max-credit", refusal.Message, StringComparison.Ordinal);

        // What is left of the last one can still be used, and what an earlier one paid is not forgotten.
        await _payer.RestartAsync();
        Assert.Equal(1_000UL, (await PayAndServeAsync("r6", 300)).Voucher.CumulativeMicro);
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "r0", PaymentOutcome.Accepted, Amount.MicroUsdc(700)), await ResolveAsync("r0"));
        Assert.Equal(ErrorCodes.Conflict, (await Payer.Ask<Refusal>(Pay("r0", 700), EngineFixture.Timeout)).Code);
        var (paying, receiving) = ((await TotalsAsync(_payer)).Paying, (await TotalsAsync(_payee)).Receiving);
        Assert.Equal(5, paying.Count);
        Assert.Equal(paying.Select(c => (c.ChannelId, c.Accepted)).Order(), receiving.Select(c => ((string?)c.ChannelId, c.Accepted)).Order());
        Assert.Equal(3_800UL, (ulong)receiving.Sum(c => (long)c.Spent.MicroUnits));
    }

    [Fact]
    public async Task A_price_over_the_usual_deposit_opens_a_channel_that_holds_it()
    {
        Assert.Equal(4_000UL, (await PayAndServeAsync("a", 4_000)).Voucher.CumulativeMicro);
        Assert.Equal(1_000UL, (await PayAndServeAsync("b", 1_000)).Voucher.CumulativeMicro);
        Assert.Equal(ErrorCodes.PaymentOverDeposit, (await Payer.Ask<Refusal>(Pay("c", 1), EngineFixture.Timeout)).Code);
    }

    [Fact]
    public async Task A_channel_is_shown_to_its_payer_only()
    {
        var paid = await PayAndServeAsync("a", 100);
        var query = new ChannelQuery { ChannelId = paid.Voucher.ChannelId, RequestId = "a" }.ToByteArray();
        var own = ChannelStanding.Parser.ParseFrom((await _payerRpc.CallUnaryAsync(ChannelPair.Payee.PeerId, RpcMethods.ChannelStatus, query, EngineFixture.Timeout)).Span);
        Assert.Equal((true, true, true, 100UL), (own.Known, own.Open, own.RequestPaid, own.SpentMicro));

        var stranger = _network.Join(ChannelPair.Stranger.PeerId);
        var theirs = ChannelStanding.Parser.ParseFrom((await stranger.CallUnaryAsync(ChannelPair.Payee.PeerId, RpcMethods.ChannelStatus, query, EngineFixture.Timeout)).Span);
        Assert.Equal(new ChannelStanding { ChannelId = paid.Voucher.ChannelId }, theirs);
    }

    [Theory]
    [InlineData(RpcMethods.ChannelOpen, "")]
    [InlineData(RpcMethods.ChannelOpen, "ff")]
    [InlineData(RpcMethods.ChannelOpen, "0a00")]
    [InlineData(RpcMethods.ChannelStatus, "")]
    [InlineData(RpcMethods.ChannelStatus, "0a0101")]
    [InlineData(RpcMethods.ChannelStatus, "ffffffffff")]
    public async Task A_malformed_request_is_an_invalid_argument(string method, string hex)
    {
        var error = await Assert.ThrowsAsync<RpcException>(() => _payerRpc.CallUnaryAsync(ChannelPair.Payee.PeerId, method, Convert.FromHexString(hex), EngineFixture.Timeout));
        Assert.Equal(RpcStatus.InvalidArgument, error.Status);
    }

    private Task<object> SendAsync(string requestId, ulong amountMicro) =>
        Payer.Ask<object>(new PayerChannelCommands.Send(ChannelPair.Key, requestId, Amount.MicroUsdc(amountMicro), "a memo"), EngineFixture.Timeout);

    private async Task CloseAndCheckAsync(ulong settledMicro, ulong refundedMicro)
    {
        var closed = await Payer.Ask<PayerChannelView>(new PayerChannelCommands.Close(ChannelPair.Key), EngineFixture.Timeout);
        Assert.Equal((ChannelPhase.Closed, settledMicro, refundedMicro), (closed.Phase, closed.Settled.MicroUnits, closed.Refunded.MicroUnits));
        await CheckClosedAsync(settledMicro, refundedMicro);
    }

    private async Task CheckClosedAsync(ulong settledMicro, ulong refundedMicro)
    {
        var receiving = Assert.Single((await TotalsAsync(_payee)).Receiving);
        Assert.Equal((ChannelPhase.Closed, settledMicro, refundedMicro), (receiving.Phase, receiving.Settled.MicroUnits, receiving.Refunded.MicroUnits));
        Assert.Equal(receiving.Deposit, receiving.Settled + receiving.Refunded);
    }

    private IActorRef Payer => _payer.Get<ActorKeys.PayerChannels>();

    private Task<EngineFixture> StartAsync(PeerIdentity identity, Action<IRpc> joined) => EngineFixture.StartAsync(
        builder => builder.WithMicropayments(new PayerTimes { MaxFlight = TimeSpan.FromSeconds(1), MinBackoff = TimeSpan.FromMilliseconds(20), MaxBackoff = TimeSpan.FromMilliseconds(100) }),
        services => services.AddSingleton(identity).AddSingleton<IRpc>(_ =>
        {
            var rpc = _network.Join(identity.PeerId);
            joined(rpc);
            return rpc;
        }),
        options => options with { MaxCreditMicro = ChannelPair.PayeeTerms.MaxCreditMicro, ChannelDepositMicro = 1_000, VoucherWindow = _window });

    private static PayerChannelCommands.Pay Pay(string requestId, ulong priceMicro) => ChannelPair.Pay(requestId, priceMicro);

    private Task<VoucherSigned> PayAsync(string requestId, ulong priceMicro) => Payer.Ask<VoucherSigned>(Pay(requestId, priceMicro), EngineFixture.Timeout);

    private Task<PaymentSettled> SettleAsync(string requestId, PaymentOutcome outcome) =>
        Payer.Ask<PaymentSettled>(new PayerChannelCommands.Settle(ChannelPair.Key, requestId, outcome), EngineFixture.Timeout);

    private Task<PaymentSettled> ResolveAsync(string requestId) => Payer.Ask<PaymentSettled>(new PayerChannelCommands.Resolve(ChannelPair.Key, requestId), EngineFixture.Timeout);

    private Task<object> AcceptAsync(Voucher voucher, string requestId, ulong priceMicro) => _payee.Get<ActorKeys.PayeeChannels>().Ask<object>(
        new PayeeChannelCommands.Accept(ChannelIds.ToText(voucher.ChannelId.Span), ChannelPair.Payer.PeerId.ToString(), requestId, voucher, Amount.MicroUsdc(priceMicro)), EngineFixture.Timeout);

    private async Task<VoucherSigned> PayAndServeAsync(string requestId, ulong priceMicro)
    {
        var signed = await PayAsync(requestId, priceMicro);
        Assert.IsType<VoucherAccepted>(await AcceptAsync(signed.Voucher, requestId, priceMicro));
        var view = await _payee.Get<ActorKeys.PayeeChannels>().Ask<PayeeChannelView>(
            new PayeeChannelCommands.Delivered(ChannelIds.ToText(signed.Voucher.ChannelId.Span), requestId), EngineFixture.Timeout);
        Assert.True(view.RequestPaid);
        Assert.Equal(PaymentOutcome.Accepted, (await SettleAsync(requestId, PaymentOutcome.Accepted)).Outcome);
        return signed;
    }

    private static Task<ChannelTotals> TotalsAsync(EngineFixture engine) => engine.Get<ActorKeys.Channels>().Ask<ChannelTotals>(new GetChannelTotals(), EngineFixture.Timeout);
}
