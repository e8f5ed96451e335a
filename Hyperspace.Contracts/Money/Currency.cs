using System.Diagnostics.CodeAnalysis;

namespace Hyperspace.Contracts.Money;

/// <summary>A currency's code: 2 to 12 of <c>A–Z 0–9</c>, as <c>USDC</c>.</summary>
public readonly record struct Currency
{
    private readonly string? _code;

    private Currency(string code) => _code = code;

    /// <summary>The default currency of a peer.</summary>
    public static Currency Usdc { get; } = new("USDC");

    /// <summary>The code.</summary>
    public string Code => _code ?? Usdc._code!;

    /// <summary>Reads a code.</summary>
    /// <exception cref="FormatException">Not 2 to 12 of <c>A–Z 0–9</c>.</exception>
    public static Currency Parse(string code) =>
        TryParse(code, out var currency) ? currency.Value : throw new FormatException($"'{code}' is not a currency code: use 2 to 12 capital letters or digits, as in USDC.");

    /// <summary>As <see cref="Parse"/>, without throwing.</summary>
    public static bool TryParse(string? code, [NotNullWhen(true)] out Currency? currency)
    {
        currency = code is { Length: >= 2 and <= 12 } && code.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c)) ? new Currency(code) : null;
        return currency is not null;
    }

    /// <summary>Equality by code; the default value is USDC.</summary>
    public bool Equals(Currency other) => Code == other.Code;

    /// <inheritdoc/>
    public override int GetHashCode() => Code.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => Code;
}
