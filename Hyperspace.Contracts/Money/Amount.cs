using System.Globalization;

namespace Hyperspace.Contracts.Money;

/// <summary>
/// An amount of money: a whole, never negative count of micro-units (6 decimals) of one currency. Amounts of
/// different currencies don't mix, and no operation rounds, wraps or goes below zero: each throws instead.
/// </summary>
/// <param name="MicroUnits">Millionths of the currency's unit.</param>
/// <param name="Currency">The currency.</param>
public readonly record struct Amount(ulong MicroUnits, Currency Currency) : IComparable<Amount>
{
    /// <summary>Micro-units in one unit.</summary>
    public const ulong Scale = 1_000_000;

    /// <summary>Largest amount, in micro-units: 2^53 − 1, which every JSON reader holds exactly.</summary>
    public const ulong MaxMicroUnits = (1UL << 53) - 1;

    /// <summary>Micro-units of USDC.</summary>
    public static Amount MicroUsdc(ulong microUnits) => new(microUnits, Currency.Usdc);

    /// <summary>Nothing, in that currency.</summary>
    public static Amount Zero(Currency currency) => new(0, currency);

    /// <summary>True when there is nothing.</summary>
    public bool IsZero => MicroUnits == 0;

    /// <summary>The exact value in whole units.</summary>
    public decimal ToDecimal() => MicroUnits / (decimal)Scale;

    /// <summary>
    /// Reads a plain decimal string (<c>5</c>, <c>0.003</c>): no sign, exponent, leading zeros or more than 6
    /// decimals. Returns false with a sentence otherwise.
    /// </summary>
    public static bool TryParse(string? text, Currency currency, out Amount amount, out string error) =>
        TryParse(text, currency, allowExponent: false, out amount, out error);

    /// <summary>Reads the raw text of a JSON number; JSON writers may use an exponent (<c>1e-05</c>), so it is allowed here.</summary>
    public static bool TryParseJsonNumber(string? rawText, Currency currency, out Amount amount, out string error) =>
        TryParse(rawText, currency, allowExponent: true, out amount, out error);

    /// <summary>The sum.</summary>
    /// <exception cref="InvalidOperationException">Two currencies.</exception>
    /// <exception cref="OverflowException">Over <see cref="MaxMicroUnits"/>.</exception>
    public static Amount operator +(Amount a, Amount b)
    {
        var sum = checked(a.MicroUnits + b.Same(a).MicroUnits);
        return sum <= MaxMicroUnits ? new Amount(sum, a.Currency) : throw new OverflowException("The sum is over the largest amount.");
    }

    /// <summary>The difference.</summary>
    /// <exception cref="InvalidOperationException">Two currencies.</exception>
    /// <exception cref="OverflowException">It would be negative.</exception>
    public static Amount operator -(Amount a, Amount b) => new(checked(a.MicroUnits - b.Same(a).MicroUnits), a.Currency);

    /// <summary>Comparison within one currency.</summary>
    public static bool operator <(Amount a, Amount b) => a.CompareTo(b) < 0;

    /// <summary>Comparison within one currency.</summary>
    public static bool operator >(Amount a, Amount b) => a.CompareTo(b) > 0;

    /// <summary>Comparison within one currency.</summary>
    public static bool operator <=(Amount a, Amount b) => a.CompareTo(b) <= 0;

    /// <summary>Comparison within one currency.</summary>
    public static bool operator >=(Amount a, Amount b) => a.CompareTo(b) >= 0;

    /// <inheritdoc/>
    public int CompareTo(Amount other) => MicroUnits.CompareTo(other.Same(this).MicroUnits);

    /// <summary>The exact decimal, without trailing zeros: <c>0.003</c>.</summary>
    public string ToDecimalString() => ToDecimal().ToString("0.######", CultureInfo.InvariantCulture);

    /// <summary><c>0.003 USDC</c>.</summary>
    public override string ToString() => $"{ToDecimalString()} {Currency}";

    private static bool TryParse(string? text, Currency currency, bool allowExponent, out Amount amount, out string error)
    {
        amount = Zero(currency);
        error = "";
        if (string.IsNullOrEmpty(text) || text.Length > 40)
        {
            error = "An amount is a decimal number such as 5 or 0.003.";
            return false;
        }

        if (text[0] == '-')
        {
            error = $"The amount {text} is negative; use zero or more.";
            return false;
        }

        var style = NumberStyles.AllowDecimalPoint | (allowExponent ? NumberStyles.AllowExponent : NumberStyles.None);
        var leadingZero = text.Length > 1 && text[0] == '0' && char.IsAsciiDigit(text[1]);
        if (leadingZero || text[0] == '.' || text[^1] == '.' || !decimal.TryParse(text, style, CultureInfo.InvariantCulture, out var value))
        {
            error = $"'{text}' is not an amount; write a decimal number such as 5 or 0.003.";
            return false;
        }

        // decimal.TryParse rounds past 28 digits; a value that small or that long has more than 6 decimals anyway.
        if (HasMoreThanSixDecimals(text, allowExponent) || value * Scale != decimal.Truncate(value * Scale))
        {
            error = $"The amount {text} has more than 6 decimals; money is counted in millionths.";
            return false;
        }

        if (value * Scale > MaxMicroUnits)
        {
            error = $"The amount {text} is over the largest one, {MaxMicroUnits / (decimal)Scale}.";
            return false;
        }

        amount = new Amount((ulong)(value * Scale), currency);
        return true;
    }

    private static bool HasMoreThanSixDecimals(string text, bool allowExponent)
    {
        var exponentAt = allowExponent ? text.IndexOfAny(['e', 'E']) : -1;
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        if (!mantissa.Any(c => c is >= '1' and <= '9'))
        {
            return false;
        }

        var exponent = 0;
        if (exponentAt >= 0 && !int.TryParse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
        {
            return true;
        }

        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var significant = mantissa.TrimEnd('0');
        var decimals = point < 0 ? significant.Length - mantissa.Length : significant.Length - point - 1;
        return decimals - (long)exponent > 6;
    }

    private Amount Same(Amount other) =>
        Currency == other.Currency ? this : throw new InvalidOperationException($"{Currency} and {other.Currency} don't mix.");
}
