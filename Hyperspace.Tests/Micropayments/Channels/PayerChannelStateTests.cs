using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments.Channels;

public class PayerChannelStateTests
{
    private static readonly PayerChannelState InFlight = ChannelPair.OpenPayer.Apply(new PayerChannelEvents.VoucherIssued("a", 100, 100));

    [Fact]
    public void The_first_payment_opens_the_channel_and_a_pending_proposal_is_repeated_as_it_was()
    {
        var fresh = new PayerChannelState(ChannelPair.Key);
        Assert.Equal(new PayDecision.Open(ProposeAnew: true), fresh.Decide(ChannelPair.Pay("a", 100)));
        var proposed = fresh.Apply(new PayerChannelEvents.Proposed(ChannelPair.Payee.PeerId.ToString(), ChannelPair.Terms));
        Assert.Equal(new PayDecision.Open(ProposeAnew: false), proposed.Decide(ChannelPair.Pay("a", 100)));
        Assert.Equal(new PayDecision.Open(ProposeAnew: true), proposed.Apply(new PayerChannelEvents.Withdrawn()).Decide(ChannelPair.Pay("a", 100)));
    }

    [Fact]
    public void The_deposit_is_within_the_payees_credit()
    {
        var proposal = new PayerChannelState(ChannelPair.Key).Propose(ChannelPair.Pay("a", 1), ChannelPair.Payer.Wallet.Address.Span, new byte[32], 1_000_000);
        Assert.Equal(ChannelPair.PayeeTerms.MaxCreditMicro, proposal.Terms.DepositMicro);
    }

    [Fact]
    public void Each_voucher_signs_what_was_accepted_plus_the_price()
    {
        Assert.Equal(new PayDecision.Issue(new("a", 100, 100)), ChannelPair.OpenPayer.Decide(ChannelPair.Pay("a", 100)));
        var accepted = InFlight.Apply(InFlight.Resolve("a", accepted: true)!);
        Assert.Equal(new PayDecision.Issue(new("b", 50, 150)), accepted.Decide(ChannelPair.Pay("b", 50)));
        var refused = InFlight.Apply(InFlight.Resolve("a", accepted: false)!);
        Assert.Equal(new PayDecision.Issue(new("b", 50, 50)), refused.Decide(ChannelPair.Pay("b", 50)));
        Assert.Equal(100UL, refused.SignedMicro);
    }

    [Fact]
    public void One_voucher_is_in_flight_and_its_request_gets_the_same_again()
    {
        Assert.IsType<PayDecision.Wait>(InFlight.Decide(ChannelPair.Pay("b", 50)));
        Assert.Equal(new PayDecision.Again(100, 100), InFlight.Decide(ChannelPair.Pay("a", 100)));
        var accepted = InFlight.Apply(InFlight.Resolve("a", accepted: true)!);
        Assert.Equal(new PayDecision.Again(100, 100), accepted.Decide(ChannelPair.Pay("a", 100)));
    }

    public static TheoryData<string, string, object> Refusals()
    {
        var terms = ChannelPair.PayeeTerms;
        return new()
        {
            { "over the credit", ErrorCodes.PaymentOverDeposit, ChannelPair.Pay("b", 4_001) },
            { "a paid request at another price", ErrorCodes.Conflict, ChannelPair.Pay("a", 99) },
            { "nothing to pay", ErrorCodes.InvalidAmount, ChannelPair.Pay("b", 0) },
            { "no request id", ErrorCodes.InvalidParams, ChannelPair.Pay("", 1) },
            { "another channel's key", ErrorCodes.InvalidParams, ChannelPair.Pay("b", 1) with { ChannelKey = "x:USDC" } },
            { "another payee", ErrorCodes.InvalidParams, ChannelPair.Pay("b", 1) with { PayeePeerId = ChannelPair.Stranger.PeerId.ToString() } },
            { "another currency", ErrorCodes.InvalidParams, ChannelPair.Pay("b", 1) with { Price = new Amount(1, Currency.Parse("EURC")) } },
            { "terms in another currency", ErrorCodes.ChannelRefused, ChannelPair.Pay("b", 1) with { Terms = new PaymentTerms(terms) { Currency = "EURC" } } },
            { "terms with another wallet", ErrorCodes.ChannelRefused, ChannelPair.Pay("b", 1) with { Terms = new PaymentTerms(terms) { Payee = ChannelPair.Bytes(9, 20) } } },
            { "terms with another chain", ErrorCodes.ChannelRefused, ChannelPair.Pay("b", 1) with { Terms = new PaymentTerms(terms) { ChainId = 1 } } },
            { "damaged terms", ErrorCodes.ChannelRefused, ChannelPair.Pay("b", 1) with { Terms = new PaymentTerms(terms) { Escrow = ChannelPair.Bytes(9, 19) } } },
        };
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void A_payment_that_cannot_be_made_is_refused_with_a_code(string what, string code, object pay)
    {
        var used = InFlight.Apply(InFlight.Resolve("a", accepted: true)!);
        var refuse = Assert.IsType<PayDecision.Refuse>(used.Decide((PayerChannelCommands.Pay)pay));
        Assert.True(code == refuse.Refusal.Code, what);
    }

    [Fact]
    public void A_wallet_that_is_not_proven_to_be_the_payees_gets_no_channel()
    {
        var fresh = new PayerChannelState(ChannelPair.Key);
        Assert.All(
            [
                ChannelPair.Pay("a", 1) with { PayeeBinding = new IdentityBinding() },
                ChannelPair.Pay("a", 1) with { PayeeBinding = ChannelPair.Stranger.Binding },
                ChannelPair.Pay("a", 1) with { Terms = new PaymentTerms(ChannelPair.PayeeTerms) { Payee = ChannelPair.Bytes(9, 20) } },
            ],
            pay => Assert.Equal(ErrorCodes.ChannelRefused, Assert.IsType<PayDecision.Refuse>(fresh.Decide(pay)).Refusal.Code));
    }

    [Fact]
    public void The_whole_deposit_can_be_spent() =>
        Assert.Equal(new PayDecision.Issue(new("b", 900, 1_000)), InFlight.Apply(InFlight.Resolve("a", accepted: true)!).Decide(ChannelPair.Pay("b", 900)));

    [Fact]
    public void What_became_of_a_request_is_known_unless_it_is_in_flight()
    {
        Assert.Null(InFlight.OutcomeOf("a"));
        Assert.Equal(PaymentOutcome.Refused, InFlight.OutcomeOf("never signed")!.Outcome);
        var accepted = InFlight.Apply(InFlight.Resolve("a", accepted: true)!);
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "a", PaymentOutcome.Accepted, Amount.MicroUsdc(100)), accepted.OutcomeOf("a"));
        Assert.Null(accepted.Resolve("a", accepted: false));
        var refused = InFlight.Apply(InFlight.Resolve("a", accepted: false)!);
        Assert.Equal(new PaymentSettled(ChannelPair.Key, "a", PaymentOutcome.Refused, Amount.MicroUsdc(0)), refused.OutcomeOf("a"));
    }

    [Theory]
    [InlineData(0UL, false, false, 0UL, 0)]
    [InlineData(100UL, true, true, 100UL, 0)]
    [InlineData(100UL, false, true, 100UL, 0)]
    [InlineData(0UL, true, true, 100UL, 0)]
    [InlineData(300UL, false, true, 300UL, 1)]
    [InlineData(50UL, false, false, 50UL, 1)]
    [InlineData(301UL, false, false, 0UL, 0)]
    [InlineData(ulong.MaxValue, true, true, 100UL, 0)]
    public void What_a_payee_holds_counts_as_paid_up_to_what_was_signed(ulong heldMicro, bool saysPaid, bool accepted, ulong acceptedMicro, int contradictions)
    {
        // A voucher over 300 was called refused before the one over 100 was signed.
        var state = ChannelPair.OpenPayer.Apply(new PayerChannelEvents.VoucherIssued("dear", 300, 300));
        state = state.Apply(state.Resolve("dear", accepted: false)!).Apply(new PayerChannelEvents.VoucherIssued("a", 100, 100));
        state = state.Apply(state.Resolve("a", new ChannelStanding { Known = true, AcceptedMicro = heldMicro, SpentMicro = heldMicro, RequestPaid = saysPaid })!);
        Assert.Equal((accepted, acceptedMicro, contradictions), (state.OutcomeOf("a")!.Outcome == PaymentOutcome.Accepted, state.AcceptedMicro, state.Contradictions));
        Assert.Equal(new PayDecision.Issue(new("b", 10, acceptedMicro + 10)), state.Decide(ChannelPair.Pay("b", 10)));
    }

    [Fact]
    public void A_payee_that_twice_kept_what_it_had_called_refused_gets_nothing_more()
    {
        var state = ChannelPair.OpenPayer;
        for (var i = 0; i < 2; i++)
        {
            Assert.IsType<PayDecision.Issue>(state.Decide(ChannelPair.Pay($"c{i}", 10)));
            var held = state.AcceptedMicro + 300;
            state = state.Apply(new PayerChannelEvents.VoucherIssued($"d{i}", 300, held)).Apply(new PayerChannelEvents.Resolved($"d{i}", false));
            state = state.Apply(new PayerChannelEvents.VoucherIssued($"e{i}", 10, state.AcceptedMicro + 10));
            state = state.Apply(state.Resolve($"e{i}", new ChannelStanding { Known = true, AcceptedMicro = held, SpentMicro = held })!);
        }

        Assert.Equal(ErrorCodes.ChannelRefused, Assert.IsType<PayDecision.Refuse>(state.Decide(ChannelPair.Pay("f", 10))).Refusal.Code);
    }

    [Fact]
    public void A_window_of_vouchers_signs_what_is_paid_what_is_in_flight_and_the_price()
    {
        var state = ChannelPair.OpenPayer with { Window = 3 };
        foreach (var (id, price, cumulative) in ((string, ulong, ulong)[])[("a", 100, 100), ("b", 50, 150), ("c", 7, 157)])
        {
            Assert.Equal(new PayDecision.Issue(new(id, price, cumulative)), state.Decide(ChannelPair.Pay(id, price)));
            state = state.Apply(new PayerChannelEvents.VoucherIssued(id, price, cumulative));
        }

        Assert.IsType<PayDecision.Wait>(state.Decide(ChannelPair.Pay("d", 1)));
        Assert.Equal(new PayDecision.Again(50, 150), state.Decide(ChannelPair.Pay("b", 50)));

        // The middle one is refused: what it signed is balance for those after it.
        state = state.Apply(state.Resolve("b", accepted: false)!);
        Assert.Equal(new PayDecision.Issue(new("d", 1, 108)), state.Decide(ChannelPair.Pay("d", 1)));
        Assert.IsType<PayDecision.Wait>(state.Decide(ChannelPair.Pay("d", 900)));
        Assert.Equal((157UL, 107UL, 0UL), (state.SignedMicro, state.FlyingMicro, state.AcceptedMicro));

        // A contradiction makes it one at a time.
        state = state.Apply(new PayerChannelEvents.Resolved("a", true, HeldMicro: 120));
        Assert.Equal((120UL, 1), (state.AcceptedMicro, state.Contradictions));
        Assert.IsType<PayDecision.Wait>(state.Decide(ChannelPair.Pay("d", 1)));
        state = state.Apply(state.Resolve("c", accepted: true)!);
        Assert.Equal(new PayDecision.Issue(new("d", 1, 128)), state.Decide(ChannelPair.Pay("d", 1)));
        Assert.Equal(state.View(), ((PayerChannelSnapshot)ChannelJournal.Format.FromBytes("payer-snapshot:1", ChannelJournal.Format.ToBytes(new PayerChannelSnapshot(state)))).State.View());
    }

    [Theory]
    [InlineData(0UL, 100UL)]
    [InlineData(90UL, 100UL)]
    [InlineData(300UL, 300UL)]
    [InlineData(301UL, 100UL)]
    public void The_final_voucher_is_over_what_is_paid_or_what_the_payee_holds_vouchers_for(ulong requiredMicro, ulong finalMicro)
    {
        var state = ChannelPair.OpenPayer.Apply(new PayerChannelEvents.VoucherIssued("dear", 300, 300));
        state = state.Apply(state.Resolve("dear", accepted: false)!).Apply(new PayerChannelEvents.VoucherIssued("a", 100, 100));
        state = state.Apply(state.Resolve("a", accepted: true)!);
        Assert.Equal(finalMicro, state.FinalMicro(requiredMicro));
    }

    [Fact]
    public void A_closed_channel_gives_its_credit_back_but_for_what_was_settled()
    {
        var used = InFlight.Apply(InFlight.Resolve("a", accepted: true)!).Apply(new PayerChannelEvents.ClosingBegun());
        Assert.Equal(ErrorCodes.ChannelNotFound, Assert.IsType<PayDecision.Refuse>(used.Decide(ChannelPair.Pay("b", 1))).Refusal.Code);
        var id = Google.Protobuf.ByteString.CopyFrom(ChannelIds.Of(ChannelPair.Terms));
        var told = new ChannelStanding { ChannelId = id, Known = true, Closed = true, SettledMicro = 100, RefundedMicro = 900 };
        Assert.Null(used.End(new ChannelStanding(told) { SettledMicro = 101 }));
        Assert.Null(used.End(new ChannelStanding(told) { ChannelId = ChannelPair.Bytes(1, 32) }));
        Assert.Null(used.End(new ChannelStanding(told) { Closed = false }));
        var closed = used.Apply(used.End(told)!);
        var view = Assert.Single(closed.History().Channels);
        Assert.Equal((ChannelPhase.Closed, 100UL, 900UL), (view.Phase, view.Settled.MicroUnits, view.Refunded.MicroUnits));
        Assert.Equal(new PayDecision.Open(ProposeAnew: true), closed.Decide(ChannelPair.Pay("b", 4_900)));
        Assert.Equal(ErrorCodes.PaymentOverDeposit, Assert.IsType<PayDecision.Refuse>(closed.Decide(ChannelPair.Pay("b", 4_901))).Refusal.Code);
        Assert.Equal(ErrorCodes.Conflict, Assert.IsType<PayDecision.Refuse>(closed.Decide(ChannelPair.Pay("a", 100))).Refusal.Code);
    }

    [Fact]
    public void A_refused_successor_leaves_the_channel_before_it_as_it_was()
    {
        var used = InFlight.Apply(InFlight.Resolve("a", accepted: true)!);
        Assert.Equal(new PayDecision.Open(ProposeAnew: true), used.Decide(ChannelPair.Pay("b", 901)));
        var proposed = used.Apply(used.Propose(ChannelPair.Pay("b", 901), ChannelPair.Payer.Wallet.Address.Span, new byte[32], 1_000));
        Assert.Equal((0UL, 0UL, 0L, false), (proposed.SignedMicro, proposed.AcceptedMicro, proposed.Vouchers, proposed.IsOpen));
        Assert.Equal(2, proposed.History().Channels.Count);
        var back = proposed.Apply(new PayerChannelEvents.Withdrawn());
        Assert.Equal(used.View(), back.View());
        Assert.Equal(new PayDecision.Issue(new("c", 900, 1_000)), back.Decide(ChannelPair.Pay("c", 900)));
    }
}
