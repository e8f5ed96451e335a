using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>Addresses as people write them.</summary>
public static class EvmAddress
{
    /// <summary>Reads <c>0x</c> and 40 hex digits; when they are of both cases, EIP-55's check sum must fit. Null when it is none.</summary>
    public static byte[]? TryParse(string? text) => Hex.TryParseAddress(text, out var address) ? address : null;

    /// <summary><c>0x</c> and 40 hex digits with the check sum of EIP-55.</summary>
    public static string Checksummed(ReadOnlySpan<byte> address) => "0x" + Hex.Checksummed(address);
}
