using Hyperspace.Actors.Micropayments;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments;

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
}
