using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Channels;

public class ChannelListStateTests
{
    private const ulong MaxCreditMicro = 1_000;

    [Fact]
    public void A_payers_deposits_add_up_to_its_credit_at_most_and_each_payer_has_its_own()
    {
        var state = Admit(Admit(new ChannelListState(), "a", "payer", 600), "b", "payer", 400);
        Assert.Equal(ErrorCodes.ChannelRefused, state.Decide(new ChannelListCommands.AdmitPayee("c", "payer", Amount.MicroUsdc(1)), MaxCreditMicro).Refusal!.Code);
        Assert.NotNull(state.Decide(new ChannelListCommands.AdmitPayee("c", "other", Amount.MicroUsdc(1_000)), MaxCreditMicro).Event);
        Assert.Equal(ErrorCodes.ChannelRefused, state.Decide(new ChannelListCommands.AdmitPayee("c", "other", Amount.MicroUsdc(1_001)), MaxCreditMicro).Refusal!.Code);
    }

    [Fact]
    public void A_listed_channel_is_listed_once()
    {
        var state = Admit(new ChannelListState(), "a", "payer", 1_000);
        Assert.Equal((null, null), state.Decide(new ChannelListCommands.AdmitPayee("a", "payer", Amount.MicroUsdc(1_000)), MaxCreditMicro));
        state = state.Apply(state.Decide(new ChannelListCommands.ListPayer("key")).Event!);
        Assert.Equal((null, null), state.Decide(new ChannelListCommands.ListPayer("key")));
        Assert.Equal(["key"], state.PayerKeys);
    }

    [Fact]
    public void One_payer_has_so_many_channels_and_no_more()
    {
        var state = new ChannelListState();
        for (var i = 0; i < ChannelListState.MaxPerPayer; i++)
        {
            state = Admit(state, $"c{i}", "payer", 1);
        }

        Assert.Equal(ErrorCodes.ChannelRefused, state.Decide(new ChannelListCommands.AdmitPayee("one more", "payer", Amount.MicroUsdc(1)), MaxCreditMicro).Refusal!.Code);
    }

    [Fact]
    public void The_list_is_bounded_on_both_sides()
    {
        var state = new ChannelListState();
        for (var i = 0; i < ChannelListState.MaxChannels; i++)
        {
            state = state.Apply(new ChannelListEvents.PayerListed($"k{i}")).Apply(new ChannelListEvents.PayeeAdmitted($"c{i}", $"p{i}", Amount.MicroUsdc(1)));
        }

        Assert.NotNull(state.Decide(new ChannelListCommands.ListPayer("one more")).Refusal);
        Assert.NotNull(state.Decide(new ChannelListCommands.AdmitPayee("one more", "one more", Amount.MicroUsdc(1)), MaxCreditMicro).Refusal);
    }

    private static ChannelListState Admit(ChannelListState state, string id, string payer, ulong depositMicro) =>
        state.Apply(state.Decide(new ChannelListCommands.AdmitPayee(id, payer, Amount.MicroUsdc(depositMicro)), MaxCreditMicro).Event!);
}
