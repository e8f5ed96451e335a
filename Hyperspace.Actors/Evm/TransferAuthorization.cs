using System.Buffers.Binary;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// The permission to move a token that its owner signs off chain and anyone may hand in: EIP-3009's
/// <c>TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)</c>.
/// </summary>
/// <param name="From">Whose tokens: 20 bytes.</param>
/// <param name="To">Who gets them: 20 bytes.</param>
/// <param name="Value">Token units.</param>
/// <param name="ValidAfter">Unix seconds that the block's time must be above.</param>
/// <param name="ValidBefore">Unix seconds that the block's time must be below.</param>
/// <param name="Nonce">32 bytes that the owner uses once.</param>
internal sealed record TransferAuthorization(ReadOnlyMemory<byte> From, ReadOnlyMemory<byte> To, UInt128 Value, ulong ValidAfter, ulong ValidBefore, ReadOnlyMemory<byte> Nonce)
{
    private const int Word = 32;
    private static readonly byte[] TransferTypeHash = Keccak256.Hash(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"u8);

    private static readonly byte[] ReceiveTypeHash = Keccak256.Hash(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"u8);

    /// <summary>The 32-byte digest that the owner signs.</summary>
    public byte[] Digest(TokenDomain token) => Digest(token, TransferTypeHash);

    /// <summary>What the owner signs instead for EIP-3009's <c>receiveWithAuthorization</c>, which only <see cref="To"/> may hand in: the funding of a channel.</summary>
    public byte[] ReceiveDigest(TokenDomain token) => Digest(token, ReceiveTypeHash);

    /// <summary>True when the owner signed this, in the signature's strict form.</summary>
    public bool IsSigned(TokenDomain token, ReadOnlySpan<byte> signature) => Secp256k1.Library.IsSignedBy(From.Span, Digest(token), signature);

    private byte[] Digest(TokenDomain token, ReadOnlySpan<byte> typeHash)
    {
        Span<byte> encoded = stackalloc byte[7 * Word];
        encoded.Clear();
        typeHash.CopyTo(encoded);
        Address(From.Span, encoded[Word..(2 * Word)]);
        Address(To.Span, encoded[(2 * Word)..(3 * Word)]);
        BinaryPrimitives.WriteUInt128BigEndian(encoded[((4 * Word) - 16)..], Value);
        BinaryPrimitives.WriteUInt64BigEndian(encoded[((5 * Word) - 8)..], ValidAfter);
        BinaryPrimitives.WriteUInt64BigEndian(encoded[((6 * Word) - 8)..], ValidBefore);
        (Nonce.Length == Word ? Nonce.Span : throw new ArgumentException("A nonce is 32 bytes.")).CopyTo(encoded[(6 * Word)..]);
        var digest = new byte[Keccak256.Size];
        TypedData.WriteDigest(token.Separator, encoded, digest);
        return digest;
    }

    private static void Address(ReadOnlySpan<byte> address, Span<byte> word) =>
        (address.Length == Secp256k1.AddressSize ? address : throw new ArgumentException("An address is 20 bytes.")).CopyTo(word[(Word - Secp256k1.AddressSize)..]);
}

/// <summary>The EIP-712 domain of a token contract.</summary>
/// <param name="name">As its contract has it.</param>
/// <param name="version">As its contract has it.</param>
/// <param name="chainId">EIP-155 id.</param>
/// <param name="token">The contract: 20 bytes.</param>
internal sealed class TokenDomain(string name, string version, ulong chainId, ReadOnlySpan<byte> token)
{
    private readonly byte[] _separator = new TypedDataDomain(name, version, chainId, token.ToArray()).Separator();

    /// <summary>The 32-byte domain separator.</summary>
    public ReadOnlySpan<byte> Separator => _separator;
}
