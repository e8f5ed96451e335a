using FsCheck.Xunit;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Money;

public class AmountTests
{
    [Theory]
    [InlineData("5", 5_000_000)]
    [InlineData("5.0", 5_000_000)]
    [InlineData("0", 0)]
    [InlineData("0.003", 3_000)]
    [InlineData("0.000001", 1)]
    [InlineData("0.0000010", 1)]
    public void Decimal_strings_are_exact(string text, ulong microUnits)
    {
        Assert.True(Amount.TryParse(text, Currency.Usdc, out var amount, out var error), error);
        Assert.Equal(microUnits, amount.MicroUnits);
    }

    [Theory]
    [InlineData("1e-05", 10)]
    [InlineData("1E3", 1_000_000_000)]
    [InlineData("5.0", 5_000_000)]
    [InlineData("0e99", 0)]
    public void Json_numbers_may_have_exponents(string raw, ulong microUnits)
    {
        Assert.True(Amount.TryParseJsonNumber(raw, Currency.Usdc, out var amount, out var error), error);
        Assert.Equal(microUnits, amount.MicroUnits);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("01000")]
    [InlineData("1e3")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("1,5")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("0.0000001")]
    [InlineData("1.00000000000000000000000000000000001")]
    [InlineData("340282366920938463463374607431768211456")]
    [InlineData("9007199255")]
    [InlineData("٥")]
    public void Anything_else_is_refused_with_a_sentence(string text)
    {
        Assert.False(Amount.TryParse(text, Currency.Usdc, out _, out var error));
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("1e-7")]
    [InlineData("1e99999999999")]
    [InlineData("1e-99999999999")]
    [InlineData("1e400")]
    [InlineData("0.30000000000000004")]
    public void Json_numbers_beyond_micro_units_are_refused(string raw) =>
        Assert.False(Amount.TryParseJsonNumber(raw, Currency.Usdc, out _, out _));

    [Property]
    public bool Printing_and_reading_are_inverse(uint high, uint low)
    {
        var amount = Amount.MicroUsdc((((ulong)high << 32) | low) % (Amount.MaxMicroUnits + 1));
        return Amount.TryParse(amount.ToDecimalString(), Currency.Usdc, out var read, out _) && read == amount;
    }

    [Property]
    public bool Adding_and_taking_away_are_inverse(uint a, uint b)
    {
        var (x, y) = (Amount.MicroUsdc(a), Amount.MicroUsdc(b));
        return x + y - y == x;
    }

    [Fact]
    public void Nothing_wraps_mixes_or_goes_below_zero()
    {
        var one = Amount.MicroUsdc(1);
        Assert.Throws<OverflowException>(() => Amount.MicroUsdc(0) - one);
        Assert.Throws<OverflowException>(() => Amount.MicroUsdc(Amount.MaxMicroUnits) + one);
        Assert.Throws<InvalidOperationException>(() => one + new Amount(1, Currency.Parse("EUR")));
        Assert.Throws<InvalidOperationException>(() => one < new Amount(1, Currency.Parse("EUR")));
    }
}
