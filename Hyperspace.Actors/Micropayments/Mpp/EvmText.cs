using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>EVM values as JSON carries them: bytes as <c>0x…</c>, integers as decimal digits. Reading is strict, so that one value has one text but for the case of hex digits.</summary>
internal static class EvmText
{
    private const string EvmNetwork = "eip155:";

    /// <summary>An address or a hash, in lower case.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);

    /// <summary>CAIP-2 name of a chain.</summary>
    public static string Network(ulong chainId) => EvmNetwork + chainId.ToString(CultureInfo.InvariantCulture);

    /// <summary>Who pays, as MPP writes it.</summary>
    public static string Source(ulong chainId, ReadOnlySpan<byte> address) => $"did:pkh:{Network(chainId)}:{Of(address)}";

    /// <summary>Reads <c>0x</c> and exactly <paramref name="size"/> bytes; any case, since checksums are for people.</summary>
    public static bool TryBytes(string? text, int size, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = null;
        if (text is null || text.Length != 2 + (2 * size) || !text.StartsWith("0x", StringComparison.Ordinal))
        {
            return false;
        }

        var read = new byte[size];
        if (Convert.FromHexString(text.AsSpan(2), read, out _, out var written) != System.Buffers.OperationStatus.Done || written != size)
        {
            return false;
        }

        bytes = read;
        return true;
    }

    /// <summary>Reads token units: digits only, no leading zero, below 2^128.</summary>
    public static bool TryUnits(string? text, out UInt128 units)
    {
        units = 0;
        return text is { Length: >= 1 and <= 39 }
            && text.All(char.IsAsciiDigit)
            && (text.Length == 1 || text[0] != '0')
            && UInt128.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out units);
    }

    /// <summary>Reads Unix seconds: as units, below 2^63.</summary>
    public static bool TrySeconds(string? text, out ulong seconds)
    {
        var ok = TryUnits(text, out var units) && units <= long.MaxValue;
        seconds = ok ? (ulong)units : 0;
        return ok;
    }
}
