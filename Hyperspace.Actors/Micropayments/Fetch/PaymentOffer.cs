using System.Globalization;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>One way in which a 402 answer lets itself be paid: an EIP-3009 authorization by one of the two wires.</summary>
/// <param name="Wire"><see cref="Mpp"/> or <see cref="X402"/>.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Token">The token's contract: 20 bytes.</param>
/// <param name="Payee">20 bytes, not all zero.</param>
/// <param name="Micro">Token units; the configured tokens have 6 decimals.</param>
/// <param name="ValidBefore">Unix seconds at which the authorization ends.</param>
/// <param name="TokenName">The token's EIP-712 domain name, when the offer tells it.</param>
/// <param name="TokenVersion">Its version, when the offer tells it.</param>
/// <param name="Nonce">What the wire wants for a nonce (32 bytes); null: random.</param>
/// <param name="Credential">Makes the header that pays: its name and value, from the authorization and its 65-byte signature.</param>
internal sealed record PaymentOffer(
    string Wire, ulong ChainId, byte[] Token, byte[] Payee, ulong Micro, ulong ValidBefore, string? TokenName, string? TokenVersion, byte[]? Nonce,
    Func<TransferAuthorization, byte[], (string Header, string Value)> Credential)
{
    /// <summary>MPP <c>evm/charge</c>.</summary>
    public const string Mpp = "mpp";

    /// <summary>x402 version 2, <c>exact</c>.</summary>
    public const string X402 = "x402";

    /// <summary>The longest that an authorization may be good for.</summary>
    public static readonly TimeSpan MaxValidity = TimeSpan.FromHours(1);

    /// <summary>How many decimals the token's units have.</summary>
    public const int Decimals = 6;

    /// <summary>Reads token units: decimal digits without sign, leading zeros, point or exponent; more than 0 and at most 2^53 − 1.</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static ulong ReadUnits(string text) =>
        text.Length is > 0 and <= 16 && text[0] is >= '1' and <= '9' && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var units) && units <= Amount.MaxMicroUnits
            ? units
            : throw new FormatException($"'{Short(text)}' is not an amount in token units.");

    /// <summary>Reads an address that is not zero.</summary>
    /// <exception cref="FormatException">Something else.</exception>
    public static byte[] ReadAddress(string text) =>
        Hex.TryParseAddress(text, out var address) && address.AsSpan().ContainsAnyExcept((byte)0) ? address : throw new FormatException($"'{Short(text)}' is not an address, or the zero one.");

    /// <summary>When an authorization ends: Unix seconds.</summary>
    /// <exception cref="FormatException">It has ended, or is good for more than <see cref="MaxValidity"/>.</exception>
    public static ulong ReadEnd(DateTimeOffset end, DateTimeOffset now) =>
        end <= now ? throw new FormatException("The offer has expired.")
        : end - now > MaxValidity ? throw new FormatException($"The authorization would be good for more than {MaxValidity.TotalMinutes} minutes.")
        : (ulong)end.ToUnixTimeSeconds();

    /// <summary>What came from outside, short enough to be told.</summary>
    public static string Short(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
