using System.Buffers.Binary;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Ids of channels: keccak256(abi.encode(payer, payee, token, salt, authorizedSigner, escrow, chainId)) (draft-evm-session).</summary>
internal static class ChannelIds
{
    /// <summary>Length of an id, in bytes.</summary>
    public const int Size = 32;

    /// <summary>The id of a channel on these terms; check <see cref="AreWellFormed"/> first.</summary>
    public static byte[] Of(ChannelTerms terms)
    {
        var id = new byte[Size];
        Write(terms, id);
        return id;
    }

    /// <summary>As <see cref="Of"/>, into 32 bytes of the caller's.</summary>
    public static void Write(ChannelTerms terms, Span<byte> id)
    {
        Span<byte> encoded = stackalloc byte[7 * 32];
        encoded.Clear();
        Address(terms.Payer.Span, encoded);
        Address(terms.Payee.Span, encoded[32..]);
        Address(terms.Token.Span, encoded[64..]);
        terms.Salt.Span.CopyTo(encoded[96..]);
        Address(terms.AuthorizedSigner.Span, encoded[128..]);
        Address(terms.Escrow.Span, encoded[160..]);
        BinaryPrimitives.WriteUInt64BigEndian(encoded[216..], terms.ChainId);
        Keccak256.Hash(encoded, id);
    }

    /// <summary>True when each address has 20 bytes, the salt has 32, and the domain is one of those that there are.</summary>
    public static bool AreWellFormed(ChannelTerms terms) =>
        terms.Salt.Length == 32
        && Enum.IsDefined((ChannelDomain)terms.Domain)
        && ((Google.Protobuf.ByteString[])[terms.Payer, terms.Payee, terms.Token, terms.AuthorizedSigner, terms.Escrow]).All(a => a.Length == Secp256k1.AddressSize);

    /// <summary>The text form: <c>0x</c> and 64 lower-case hex digits.</summary>
    public static string ToText(ReadOnlySpan<byte> id) => "0x" + Convert.ToHexStringLower(id);

    /// <summary>The bytes of a text form.</summary>
    public static byte[] Parse(string id) => Convert.FromHexString(id.AsSpan(2));

    /// <summary>True for <c>0x</c> and 64 lower-case hex digits.</summary>
    public static bool IsText(string id) =>
        id.Length == 2 + (2 * Size) && id.StartsWith("0x", StringComparison.Ordinal) && !id.AsSpan(2).ContainsAnyExcept("0123456789abcdef");

    /// <summary>How a payer is called that is known by its address on a chain only: <c>eip155:{chainId}:{0x…}</c>, lower case.</summary>
    public static string PayerOf(ulong chainId, ReadOnlySpan<byte> address) => $"eip155:{chainId}:0x{Convert.ToHexStringLower(address)}";

    /// <summary>Who must sign the vouchers: the authorized signer, or the payer when that is the zero address.</summary>
    public static ReadOnlySpan<byte> SignerOf(ChannelTerms terms) =>
        terms.AuthorizedSigner.Span.ContainsAnyExcept((byte)0) ? terms.AuthorizedSigner.Span : terms.Payer.Span;

    private static void Address(ReadOnlySpan<byte> address, Span<byte> word) => address.CopyTo(word[12..]);
}
