namespace Hyperspace.Actors.Evm;

/// <summary>
/// The strict form of a signature, so that one message and key have one signature: 65 bytes <c>r ‖ s ‖ v</c>, v 27 or 28,
/// r from 1 to n − 1, s from 1 to n/2 (EIP-2). Both libraries are held to it before they are asked.
/// </summary>
internal static class SignatureRules
{
    private const int Scalar = 32;

    /// <summary>The order of the curve's group, n.</summary>
    private static ReadOnlySpan<byte> Order =>
    [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
        0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];

    /// <summary>(n − 1)/2, the highest s.</summary>
    private static ReadOnlySpan<byte> HalfOrder =>
    [
        0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
    ];

    /// <summary>True when the signature has the strict form.</summary>
    public static bool AreMet(ReadOnlySpan<byte> signature) =>
        signature.Length == Secp256k1.SignatureSize
        && signature[^1] is 27 or 28
        && IsScalar(signature[..Scalar])
        && IsScalar(signature[Scalar..(2 * Scalar)])
        && signature[Scalar..(2 * Scalar)].SequenceCompareTo(HalfOrder) <= 0;

    /// <summary>True for 32 bytes from 1 to n − 1.</summary>
    public static bool IsScalar(ReadOnlySpan<byte> bytes) =>
        bytes.Length == Scalar && bytes.ContainsAnyExcept((byte)0) && bytes.SequenceCompareTo(Order) < 0;
}
