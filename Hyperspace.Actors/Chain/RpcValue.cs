using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>The two forms of values in Ethereum's JSON-RPC, read strictly: data (<c>0x</c> and whole bytes) and quantities (<c>0x0</c>, no leading zeros).</summary>
internal static class RpcValue
{
    private const int MaxQuantityDigits = 64;

    /// <summary>Data out of an answer.</summary>
    /// <exception cref="IOException">Not data, or not of this many bytes.</exception>
    public static byte[] Read(JsonElement answer, int? size = null) =>
        answer.ValueKind == JsonValueKind.String && Hex.TryParse(answer.GetString(), out var data) && (size is null || data.Length == size)
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
