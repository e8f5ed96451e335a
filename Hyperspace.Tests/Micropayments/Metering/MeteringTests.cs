using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Metering;

/// <summary>What the payee's channel decides about streams.</summary>
public class MeteringTests
{
    private static readonly string PayerId = ChannelPair.Payer.PeerId.ToString();

    // Signatures are not what these are about.
    private static readonly PayeeChannelState Open = (ChannelPair.OpenPayee with { Checks = (_, _) => _ => true }) with { Terms = ChannelPair.Terms };

    [Fact]
    public void A_stream_is_charged_for_what_its_total_has_grown()
    {
        var state = Do(Do(Open, Take(300)), Meter("s", 0, 100));
        Assert.Equal(100UL, state.SpentMicro);
        Assert.Null(state.Decide(Meter("s", 0, 100)).Event);
        Assert.Null(state.Decide(Meter("s", 0, 99)).Event);
        state = Do(state, Meter("s", 100, 250));
        Assert.Equal((250UL, 250UL), (state.SpentMicro, state.View("s").RequestCost.MicroUnits));
        var refused = Assert.IsType<VoucherRefused>(state.Decide(Meter("s", 250, 301)).Reply);
        Assert.Equal((ErrorCodes.PaymentInsufficient, 301UL), (refused.Code, refused.Required!.Value.MicroUnits));
    }

    [Fact]
    public void A_stream_that_was_called_unpaid_or_is_not_known_any_more_is_not_metered()
    {
        var state = Do(Do(Open, Take(300)), new PayeeChannelCommands.Resolve(ChannelPair.ChannelId, PayerId, "void"));
        Assert.Equal(ErrorCodes.Conflict, Assert.IsType<VoucherRefused>(state.Decide(Meter("void", 0, 1)).Reply).Code);
        Assert.Equal(ErrorCodes.Conflict, Assert.IsType<VoucherRefused>(state.Decide(Meter("forgotten", 50, 60)).Reply).Code);
        Assert.Equal(ErrorCodes.ChannelNotFound, Assert.IsType<VoucherRefused>(state.Decide(Meter("s", 0, 1) with { PayerId = "other" }).Reply).Code);
    }

    [Fact]
    public void Whoever_waits_for_a_balance_is_answered_when_it_is_there_or_the_channel_ends()
    {
        var wait = new MeteringCommands.AwaitBalance(ChannelPair.ChannelId, PayerId, Amount.MicroUsdc(100), TimeSpan.FromSeconds(1));
        Assert.Null(Open.Decide(wait));
        Assert.IsType<VoucherAccepted>(Do(Open, Take(100)).Decide(wait));
        Assert.Equal(ErrorCodes.ChannelNotFound, Assert.IsType<VoucherRefused>((Open with { Phase = ChannelPhase.Closed }).Decide(wait)).Code);
        Assert.Equal((ErrorCodes.PaymentInsufficient, 100UL), (((VoucherRefused)Open.Overdue(wait)).Code, ((VoucherRefused)Open.Overdue(wait)).Required!.Value.MicroUnits));
    }

    [Property(MaxTest = 300)]
    public Property Several_streams_never_spend_more_than_the_vouchers_and_spend_the_sum_of_their_totals() => Prop.ForAll(
        (from kind in Gen.Choose(0, 3)
         from amount in Gen.Choose(0, 120)
         select (Kind: kind, Amount: (ulong)amount)).ListOf().ToArbitrary(),
        steps =>
        {
            var state = Open;
            var totals = new Dictionary<string, ulong>();
            foreach (var (kind, amount) in steps)
            {
                if (kind == 3)
                {
                    var taken = state.Decide(Take(state.AcceptedMicro + amount));
                    state = taken.Event is null ? state : state.Apply(taken.Event);
                    continue;
                }

                var stream = $"s{kind}";
                var before = totals.GetValueOrDefault(stream);
                var metered = state.Decide(Meter(stream, before, before + amount));
                if (metered.Event is not null)
                {
                    state = state.Apply(metered.Event);
                    totals[stream] = before + amount;
                }
            }

            Assert.InRange(state.SpentMicro, 0UL, state.AcceptedMicro);
            Assert.Equal(totals.Values.Aggregate(0UL, (a, b) => a + b), state.SpentMicro);
            Assert.All(totals, t => Assert.Equal(t.Value, state.View(t.Key).RequestCost.MicroUnits));
        });

    private static PayeeChannelState Do(PayeeChannelState state, object command) => state.Apply(((PayeeDecision)(command switch
    {
        PayeeChannelCommands.Take take => state.Decide(take),
        MeteringCommands.Meter meter => state.Decide(meter),
        PayeeChannelCommands.Resolve resolve => state.Decide(resolve),
        _ => throw new ArgumentException("no such command", nameof(command)),
    })).Event!);

    private static PayeeChannelCommands.Take Take(ulong cumulative) => new(ChannelPair.ChannelId, PayerId, new() { ChannelId = Google.Protobuf.ByteString.Empty, CumulativeMicro = cumulative });

    private static MeteringCommands.Meter Meter(string stream, ulong from, ulong total) => new(ChannelPair.ChannelId, PayerId, stream, Amount.MicroUsdc(from), Amount.MicroUsdc(total));
}
