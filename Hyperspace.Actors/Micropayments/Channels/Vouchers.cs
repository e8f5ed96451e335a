using System.Buffers.Binary;
using System.Collections.Concurrent;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The EIP-712 domain of a channel's vouchers: <c>{name, version "1", chainId, verifyingContract}</c> with the struct
/// <c>Voucher(bytes32 channelId,uint128 cumulativeAmount)</c> (draft-evm-session).
/// </summary>
/// <param name="name">Which wire: <see cref="Native"/> or <see cref="TempoStream"/>.</param>
/// <param name="chainId">EIP-155 id.</param>
/// <param name="escrow">The contract that holds the deposit: 20 bytes.</param>
internal sealed class VoucherDomain(string name, ulong chainId, ReadOnlySpan<byte> escrow)
{
    /// <summary>Name of the EVM session draft's domain.</summary>
    public const string Native = "EVM Payment Channel";

    /// <summary>Name of the domain of mppx's <c>sessionLegacy</c>.</summary>
    public const string TempoStream = "Tempo Stream Channel";

    private const int Word = 32;

    // Payers choose their escrow, so only so many are kept.
    private const int MaxKept = 256;
    private static readonly byte[] TypeHash = Keccak256.Hash("Voucher(bytes32 channelId,uint128 cumulativeAmount)"u8);
    private static readonly ConcurrentDictionary<Key, VoucherDomain> Kept = new();

    private readonly byte[] _separator = new TypedDataDomain(name, "1", chainId, escrow.ToArray()).Separator();

    /// <summary>The domain of a channel.</summary>
    public static VoucherDomain Of(ChannelTerms terms)
    {
        var name = NameOf((ChannelDomain)terms.Domain);
        var escrow = terms.Escrow.Span;
        var key = new Key(name, terms.ChainId, BinaryPrimitives.ReadUInt128BigEndian(escrow), BinaryPrimitives.ReadUInt32BigEndian(escrow[16..]));
        if (Kept.TryGetValue(key, out var kept))
        {
            return kept;
        }

        var domain = new VoucherDomain(name, terms.ChainId, escrow);
        if (Kept.Count < MaxKept)
        {
            Kept.TryAdd(key, domain);
        }

        return domain;
    }

    /// <summary>The 32-byte digest that the payer signs over the cumulative amount in token units.</summary>
    public byte[] Digest(ReadOnlySpan<byte> channelId, UInt128 cumulative)
    {
        var digest = new byte[Keccak256.Size];
        WriteDigest(channelId, cumulative, digest);
        return digest;
    }

    /// <summary>As <see cref="Digest"/>, into 32 bytes of the caller's.</summary>
    public void WriteDigest(ReadOnlySpan<byte> channelId, UInt128 cumulative, Span<byte> digest)
    {
        Span<byte> encoded = stackalloc byte[3 * Word];
        encoded.Clear();
        TypeHash.CopyTo(encoded);
        channelId.CopyTo(encoded[Word..(2 * Word)]);
        BinaryPrimitives.WriteUInt128BigEndian(encoded[((3 * Word) - 16)..], cumulative);
        TypedData.WriteDigest(_separator, encoded, digest);
    }

    private static string NameOf(ChannelDomain domain) => domain switch
    {
        ChannelDomain.Native => Native,
        ChannelDomain.Legacy => TempoStream,
        _ => throw new ArgumentOutOfRangeException(nameof(domain), domain, "A channel's domain is native or legacy."),
    };

    private readonly record struct Key(string Name, ulong ChainId, UInt128 EscrowHigh, uint EscrowLow);
}

/// <summary>Signs vouchers with this peer's wallet.</summary>
internal sealed class VoucherSigner(IWallet wallet)
{
    /// <summary>The 20-byte address that signs.</summary>
    public ReadOnlyMemory<byte> Address => wallet.Address;

    /// <summary>The voucher of the channel on these terms, over everything that was paid in it so far.</summary>
    public Voucher Sign(ChannelTerms terms, ulong cumulativeMicro)
    {
        Span<byte> id = stackalloc byte[ChannelIds.Size];
        Span<byte> digest = stackalloc byte[Keccak256.Size];
        ChannelIds.Write(terms, id);
        VoucherDomain.Of(terms).WriteDigest(id, cumulativeMicro, digest);
        return new Voucher
        {
            ChannelId = ByteString.CopyFrom(id),
            CumulativeMicro = cumulativeMicro,
            Signature = ByteString.CopyFrom(wallet.SignDigest(digest)),
        };
    }
}

/// <summary>Checks the vouchers of one channel locally: who signed is recovered from the signature, no one is asked.</summary>
/// <param name="channelId">32 bytes.</param>
/// <param name="terms">The channel's terms.</param>
/// <param name="library">Recovers; the one in use unless given.</param>
internal sealed class VoucherVerifier(ReadOnlyMemory<byte> channelId, ChannelTerms terms, ISecp256k1? library = null)
{
    private readonly VoucherDomain _domain = VoucherDomain.Of(terms);
    private readonly byte[] _signer = ChannelIds.SignerOf(terms).ToArray();
    private readonly ISecp256k1 _library = library ?? Secp256k1.Library;

    /// <summary>True when the voucher is of the channel on these terms and its authorized signer signed it.</summary>
    public static bool IsSigned(ChannelTerms terms, Voucher voucher, ISecp256k1? library = null) => new VoucherVerifier(ChannelIds.Of(terms), terms, library).IsSigned(voucher);

    /// <summary>True when the voucher is of this channel and its authorized signer signed it.</summary>
    public bool IsSigned(Voucher voucher)
    {
        if (!voucher.ChannelId.Span.SequenceEqual(channelId.Span))
        {
            return false;
        }

        Span<byte> digest = stackalloc byte[Keccak256.Size];
        _domain.WriteDigest(channelId.Span, voucher.CumulativeMicro, digest);
        return _library.IsSignedBy(_signer, digest, voucher.Signature.Span);
    }
}
