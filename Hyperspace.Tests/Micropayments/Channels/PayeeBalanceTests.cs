using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>Vouchers without a request, what is spent of them, and a channel's end.</summary>
public class PayeeBalanceTests
{
    private static readonly string PayerId = ChannelPair.Payer.PeerId.ToString();
    private static readonly PayeeChannelState Taken = Done(ChannelPair.OpenPayee, ChannelPair.OpenPayee.Decide(Take(300)));

    [Fact]
    public void A_voucher_without_a_request_adds_to_the_balance_and_a_lower_one_changes_nothing()
    {
        Assert.Equal((300UL, 0UL), (Taken.AcceptedMicro, Taken.SpentMicro));
        foreach (var cumulative in (ulong[])[0, 299, 300])
        {
            var again = Taken.Decide(Take(cumulative));
            Assert.Null(again.Event);
            Assert.Equal((true, 300UL), (((VoucherAccepted)again.Reply).Repeated, ((VoucherAccepted)again.Reply).Accepted.MicroUnits));
        }

        Assert.Equal(ErrorCodes.PaymentOverDeposit, ((VoucherRefused)Taken.Decide(Take(1_001)).Reply).Code);
        Assert.Equal(ErrorCodes.PaymentBadSignature, ((VoucherRefused)Taken.Decide(Take(400) with { Voucher = ChannelPair.Voucher(400, ChannelPair.Stranger) }).Reply).Code);
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)Taken.Decide(Take(400) with { PayerId = "other" }).Reply).Code);
    }

    [Fact]
    public void Spending_stops_where_the_vouchers_end_and_says_what_is_required()
    {
        var spent = Done(Taken, Taken.Decide(Spend("a", 200)));
        var refused = (VoucherRefused)spent.Decide(Spend("b", 101)).Reply;
        Assert.Equal((ErrorCodes.PaymentInsufficient, 301UL), (refused.Code, refused.Required!.Value.MicroUnits));
        var topped = Done(spent, spent.Decide(Take(301)));
        Assert.Equal(301UL, Done(topped, topped.Decide(Spend("b", 101))).SpentMicro);
    }

    [Fact]
    public void The_same_request_is_charged_once_and_for_one_amount()
    {
        var spent = Done(Taken, Taken.Decide(Spend("a", 200)));
        var again = spent.Decide(Spend("a", 200));
        Assert.Null(again.Event);
        Assert.True(((VoucherAccepted)again.Reply).Repeated);
        Assert.Equal(ErrorCodes.Conflict, ((VoucherRefused)spent.Decide(Spend("a", 1)).Reply).Code);
        Assert.Equal(ErrorCodes.InvalidAmount, ((VoucherRefused)spent.Decide(Spend("b", 0)).Reply).Code);
        Assert.Equal(ErrorCodes.InvalidParams, ((VoucherRefused)spent.Decide(Spend("b", 1) with { Memo = new string('m', 257) }).Reply).Code);
    }

    [Fact]
    public void A_channel_on_trust_closes_with_what_was_spent_and_the_rest_goes_back()
    {
        var spent = Done(Taken, Taken.Decide(Spend("a", 200)));
        Assert.Equal(200UL, ((VoucherRefused)spent.Decide(Close(199), "self").Reply).Required!.Value.MicroUnits);
        Assert.Equal(ErrorCodes.PaymentInsufficient, ((VoucherRefused)spent.Decide(Close(200) with { FinalVoucher = null }, "self").Reply).Code);
        var decision = spent.Decide(Close(200), "self");
        var closed = Done(spent, decision);
        Assert.Equal((ChannelPhase.Closed, 200UL, 800UL), (closed.Phase, closed.SettledMicro, closed.RefundedMicro));
        Assert.Equal(closed.View(), decision.Reply);
        Assert.Null(closed.Decide(Close(200), "self").Event);
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)closed.Decide(Take(400)).Reply).Code);
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)closed.Decide(Spend("b", 1)).Reply).Code);
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)closed.Decide(ChannelPair.Accept("c", 400, 1)).Reply).Code);
        Assert.True(((VoucherAccepted)closed.Decide(Spend("a", 200)).Reply).Repeated);
    }

    [Fact]
    public void A_channel_of_the_escrow_opens_as_the_chain_has_it_and_ends_when_its_payer_asks()
    {
        var own = ChannelPair.PayeeTerms;
        var open = new PayeeChannelCommands.OpenOnChain(ChannelPair.ChannelId, 5, ChannelDomain.Legacy);
        var fresh = new PayeeChannelState(ChannelPair.ChannelId);
        var escrow = new EscrowChannel(ChannelPair.Terms.Payer.Memory, own.Payee.Memory, own.Token.Memory, new byte[20], 700, 100, 0, false);
        Assert.All(
            (EscrowChannel?[])[null, escrow with { Finalized = true }, escrow with { CloseRequestedAt = 1 }, escrow with { Payee = new byte[20] }, escrow with { Token = new byte[] { 1 } }, escrow with { Settled = 700 }],
            bad => Assert.Equal(ErrorCodes.ChannelRefused, ((Refusal)fresh.Decide(open, own, bad).Reply).Code));

        var state = Done(fresh, fresh.Decide(open, own, escrow));
        Assert.Equal(("eip155:5:0x" + Convert.ToHexStringLower(ChannelPair.Terms.Payer.Span), true, 700UL, 100UL), (state.PayerPeerId, state.OnChain, state.DepositMicro, state.SettledMicro));
        Assert.Null(state.Decide(open, own, escrow).Event);
        Assert.Equal((uint)ChannelDomain.Legacy, ((HighestVoucher)state.Decide(new PayeeChannelCommands.GetHighestVoucher(state.ChannelId)).Reply).Terms.Domain);

        state = Done(state, state.See(escrow with { Deposit = 900 }));
        Assert.Equal(900UL, state.DepositMicro);
        Assert.Null(state.See(escrow with { Deposit = 900 }).Event);
        state = Done(state, state.See(escrow with { Deposit = 900, CloseRequestedAt = 7 }));
        Assert.Equal(ErrorCodes.ChannelNotFound, ((VoucherRefused)state.Decide(new PayeeChannelCommands.Spend(state.ChannelId, state.PayerPeerId, "a", Amount.MicroUsdc(1))).Reply).Code);
        state = Done(state, state.See(escrow with { Deposit = 900, Settled = 400, Finalized = true }));
        Assert.Equal((ChannelPhase.Closed, 400UL, 500UL), (state.Phase, state.SettledMicro, state.RefundedMicro));
        Assert.Equal(state.View(), ((PayeeChannelSnapshot)ChannelJournal.Format.FromBytes("payee-snapshot:1", ChannelJournal.Format.ToBytes(new PayeeChannelSnapshot(state)))).State.View());
    }

    private static PayeeChannelCommands.Take Take(ulong cumulativeMicro) => new(ChannelPair.ChannelId, PayerId, ChannelPair.Voucher(cumulativeMicro));

    private static PayeeChannelCommands.Spend Spend(string requestId, ulong amountMicro) => new(ChannelPair.ChannelId, PayerId, requestId, Amount.MicroUsdc(amountMicro));

    private static PayeeChannelCommands.Close Close(ulong finalMicro) => new(ChannelPair.ChannelId, PayerId, ChannelPair.Voucher(finalMicro));

    private static PayeeChannelState Done(PayeeChannelState state, PayeeDecision decision) =>
        state.Apply(decision.Event ?? throw new Xunit.Sdk.XunitException($"Refused: {decision.Reply}"));
}
