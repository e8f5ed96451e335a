using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Hyperspace.Actors.Chain;

/// <summary>The two hex forms of Ethereum's JSON-RPC: data (<c>0x</c> and whole bytes) and quantities (<c>0x0</c>, no leading zeros), read strictly.</summary>
internal static class Hex
{
    private const int MaxQuantityDigits = 64;

    /// <summary>Data as <c>0x…</c>, lower case.</summary>
    public static string Of(ReadOnlyMemory<byte> data) => "0x" + Convert.ToHexStringLower(data.Span);

    /// <summary>Data of any length; null when it is none.</summary>
    public static byte[]? TryRead(string? text)
    {
        if (text is null || !text.StartsWith("0x", StringComparison.Ordinal) || text.Length % 2 != 0 || !text.AsSpan(2).ToString().All(char.IsAsciiHexDigit))
        {
            return null;
        }

        return Convert.FromHexString(text.AsSpan(2));
    }

    /// <summary>Data out of an answer.</summary>
    /// <exception cref="IOException">Not data, or not of this many bytes.</exception>
    public static byte[] Read(JsonElement answer, int? size = null) =>
        answer.ValueKind == JsonValueKind.String && TryRead(answer.GetString()) is { } data && (size is null || data.Length == size)
            ? data
            : throw new IOException("The node answered something else than the data it was asked for.");

    /// <summary>A quantity out of an answer.</summary>
    /// <exception cref="IOException">Not a quantity of at most 256 bits.</exception>
    public static BigInteger ReadQuantity(JsonElement answer)
    {
        var text = answer.ValueKind == JsonValueKind.String ? answer.GetString()! : "";
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : "";
        return digits.Length is > 0 and <= MaxQuantityDigits && digits.All(char.IsAsciiHexDigit) && (digits.Length == 1 || digits[0] != '0')
            ? BigInteger.Parse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : throw new IOException("The node answered something else than the quantity it was asked for.");
    }

    /// <summary>A quantity of at most 64 bits out of an answer.</summary>
    /// <exception cref="IOException">Not one.</exception>
    public static ulong ReadUInt64(JsonElement answer) =>
        ReadQuantity(answer) is var quantity && quantity <= ulong.MaxValue ? (ulong)quantity : throw new IOException("The node answered a quantity that is too large.");
}
