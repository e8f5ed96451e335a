using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Tests.Tools;

public class TokenPriceTests
{
    [Theory]
    [InlineData(1, 1, 42, 42)]
    [InlineData(3, 1000, 0, 0)]
    [InlineData(3, 1000, 1, 1)]
    [InlineData(3, 1000, 333, 1)]
    [InlineData(3, 1000, 334, 2)]
    [InlineData(3, 1000, 1000, 3)]
    [InlineData(0, 1, 1_000_000, 0)]
    public void A_stream_costs_its_total_rounded_up_once(ulong price, int per, long tokens, ulong cost) => Assert.Equal(Amount.MicroUsdc(cost), Tool(price, per).CostOf(tokens));

    [Property]
    public Property However_a_stream_is_cut_its_pieces_cost_what_the_whole_costs() => Prop.ForAll(
        Gen.Choose(0, 5_000).ToArbitrary(),
        Gen.Choose(1, ToolDefinition.MaxPerTokens).ToArbitrary(),
        Gen.Choose(0, 300).NonEmptyListOf().ToArbitrary(),
        (price, per, pieces) =>
        {
            var tool = Tool((ulong)price, per);
            long before = 0;
            ulong paid = 0;
            foreach (var piece in pieces)
            {
                paid += tool.CostOf(before + piece).MicroUnits - tool.CostOf(before).MicroUnits;
                before += piece;
            }

            Assert.Equal(tool.CostOf(before).MicroUnits, paid);
            Assert.InRange(paid, (ulong)(before * price / per), (ulong)(before * price / per) + 1);
        });

    [Fact]
    public void A_total_over_the_largest_amount_is_an_overflow() => Assert.ThrowsAny<Exception>(() => Tool(Amount.MaxMicroUnits, 1).CostOf(long.MaxValue));

    private static ToolDefinition Tool(ulong price, int per) => new("t", "", [], "{}", Amount.MicroUsdc(price), per);
}
