using System.Numerics;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The EIP-712 domain of a channel's vouchers: <c>{name, version "1", chainId, verifyingContract}</c> with the struct
/// <c>Voucher(bytes32 channelId,uint128 cumulativeAmount)</c> (draft-evm-session; mppx sessionLegacy has another name).
/// </summary>
internal sealed class VoucherDomain(ChannelDomain name, ulong chainId, ReadOnlySpan<byte> escrow)
{
    private static readonly TypedData Types = new(new Dictionary<string, IReadOnlyList<TypedDataField>>
    {
        ["Voucher"] = [new("channelId", "bytes32"), new("cumulativeAmount", "uint128")],
    });

    private readonly byte[] _separator = new TypedDataDomain(NameOf(name), "1", new BigInteger(chainId), escrow.ToArray()).Separator();

    /// <summary>The domain of a channel.</summary>
    public static VoucherDomain Of(ChannelTerms terms) => new((ChannelDomain)terms.Domain, terms.ChainId, terms.Escrow.Span);

    /// <summary>The 32-byte digest that the payer signs.</summary>
    public byte[] Digest(ReadOnlySpan<byte> channelId, ulong cumulativeMicro) =>
        Types.Digest(_separator, "Voucher", new Dictionary<string, object> { ["channelId"] = channelId.ToArray(), ["cumulativeAmount"] = cumulativeMicro });

    private static string NameOf(ChannelDomain name) => name switch
    {
        ChannelDomain.Native => "EVM Payment Channel",
        ChannelDomain.Legacy => "Tempo Stream Channel",
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "A channel's domain is native or legacy."),
    };
}

/// <summary>Signs vouchers with this peer's wallet.</summary>
internal sealed class VoucherSigner(IWallet wallet)
{
    private (ChannelTerms Terms, byte[] Id, VoucherDomain Domain)? _last;

    /// <summary>The 20-byte address that signs.</summary>
    public ReadOnlyMemory<byte> Address => wallet.Address;

    /// <summary>The voucher of the channel on these terms, over everything that was paid in it so far.</summary>
    public Voucher Sign(ChannelTerms terms, ulong cumulativeMicro)
    {
        // A channel's terms are one object as long as its actor lives.
        var (_, id, domain) = _last is { } last && ReferenceEquals(last.Terms, terms) ? last : (_last = (terms, ChannelIds.Of(terms), VoucherDomain.Of(terms))).Value;
        return new Voucher
        {
            ChannelId = ByteString.CopyFrom(id),
            CumulativeMicro = cumulativeMicro,
            Signature = ByteString.CopyFrom(wallet.SignDigest(domain.Digest(id, cumulativeMicro))),
        };
    }
}

/// <summary>Checks the vouchers of one channel locally: who signed is recovered from the signature, no one is asked.</summary>
internal sealed class VoucherVerifier(ReadOnlyMemory<byte> channelId, ChannelTerms terms)
{
    private readonly VoucherDomain _domain = VoucherDomain.Of(terms);
    private readonly byte[] _signer = ChannelIds.SignerOf(terms).ToArray();

    /// <summary>True when the voucher is of the channel on these terms and its authorized signer signed it.</summary>
    public static bool IsSigned(ChannelTerms terms, Voucher voucher) => new VoucherVerifier(ChannelIds.Of(terms), terms).IsSigned(voucher);

    /// <summary>True when the voucher is of this channel and its authorized signer signed it.</summary>
    public bool IsSigned(Voucher voucher) =>
        voucher.ChannelId.Span.SequenceEqual(channelId.Span)
        && Secp256k1.Library.RecoverAddress(_domain.Digest(channelId.Span, voucher.CumulativeMicro), voucher.Signature.Span) is { } signer
        && signer.AsSpan().SequenceEqual(_signer);
}
