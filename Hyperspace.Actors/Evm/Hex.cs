namespace Hyperspace.Actors.Evm;

/// <summary>Bytes as the EVM's world writes them: <c>0x</c> and two hex digits each.</summary>
internal static class Hex
{
    /// <summary><c>0x</c> and lower-case digits.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => "0x" + Convert.ToHexStringLower(bytes);

    /// <summary>Reads <c>0x</c> and pairs of hex digits of either case.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static byte[] Parse(string text) =>
        TryParse(text, out var bytes) ? bytes : throw new FormatException("Bytes are written as 0x and two hex digits each.");

    /// <summary>As <see cref="Parse"/>, without the exception.</summary>
    public static bool TryParse(string? text, out byte[] bytes)
    {
        bytes = [];
        if (text is null || !text.StartsWith("0x", StringComparison.Ordinal) || text.Length % 2 != 0)
        {
            return false;
        }

        bytes = new byte[(text.Length - 2) / 2];
        return Convert.FromHexString(text.AsSpan(2), bytes, out _, out _) == System.Buffers.OperationStatus.Done;
    }

    /// <summary>
    /// Reads a 20-byte address. Digits of both cases are EIP-55's check sum, which must fit: a slip in an address is money
    /// for nobody.
    /// </summary>
    public static bool TryParseAddress(string? text, out byte[] address) =>
        TryParse(text, out address) && address.Length == Secp256k1.AddressSize && (HasOneCase(text!) || text!.AsSpan(2).SequenceEqual(Checksummed(address)));

    /// <summary>The 40 digits of an address with EIP-55's check sum in their case.</summary>
    public static string Checksummed(ReadOnlySpan<byte> address)
    {
        var digits = Convert.ToHexStringLower(address);
        var hash = Convert.ToHexStringLower(Keccak256.Hash(System.Text.Encoding.ASCII.GetBytes(digits)));
        return string.Create(digits.Length, (digits, hash), static (cased, from) =>
        {
            for (var i = 0; i < cased.Length; i++)
            {
                cased[i] = from.hash[i] >= '8' ? char.ToUpperInvariant(from.digits[i]) : from.digits[i];
            }
        });
    }

    private static bool HasOneCase(string text) => !text.AsSpan(2).ContainsAnyInRange('A', 'F') || !text.AsSpan(2).ContainsAnyInRange('a', 'f');
}
