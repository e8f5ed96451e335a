using System.Numerics;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The EIP-712 domain of a channel's vouchers: <c>{name "EVM Payment Channel", version "1", chainId, verifyingContract}</c>
/// with the struct <c>Voucher(bytes32 channelId,uint128 cumulativeAmount)</c> (draft-evm-session).
/// </summary>
internal sealed class VoucherDomain(ulong chainId, ReadOnlySpan<byte> escrow)
{
    private static readonly TypedData Types = new(new Dictionary<string, IReadOnlyList<TypedDataField>>
    {
        ["Voucher"] = [new("channelId", "bytes32"), new("cumulativeAmount", "uint128")],
    });

    private readonly byte[] _separator = new TypedDataDomain("EVM Payment Channel", "1", new BigInteger(chainId), escrow.ToArray()).Separator();

    /// <summary>The domain of a channel.</summary>
    public static VoucherDomain Of(ChannelTerms terms) => new(terms.ChainId, terms.Escrow.Span);

    /// <summary>The 32-byte digest that the payer signs.</summary>
    public byte[] Digest(ReadOnlySpan<byte> channelId, ulong cumulativeMicro) =>
        Types.Digest(_separator, "Voucher", new Dictionary<string, object> { ["channelId"] = channelId.ToArray(), ["cumulativeAmount"] = cumulativeMicro });
}

/// <summary>Signs vouchers with this peer's wallet.</summary>
internal sealed class VoucherSigner(IWallet wallet)
{
    /// <summary>The 20-byte address that signs.</summary>
    public ReadOnlyMemory<byte> Address => wallet.Address;

    /// <summary>The voucher of the channel on these terms, over everything that was paid in it so far.</summary>
    public Voucher Sign(ChannelTerms terms, ulong cumulativeMicro)
    {
        var id = ChannelIds.Of(terms);
        return new Voucher
        {
            ChannelId = ByteString.CopyFrom(id),
            CumulativeMicro = cumulativeMicro,
            Signature = ByteString.CopyFrom(wallet.SignDigest(VoucherDomain.Of(terms).Digest(id, cumulativeMicro))),
        };
    }
}

/// <summary>Checks vouchers locally: who signed is recovered from the signature, no one is asked.</summary>
internal static class VoucherVerifier
{
    /// <summary>True when the voucher is of the channel on these terms and its authorized signer signed it.</summary>
    public static bool IsSigned(ChannelTerms terms, Voucher voucher)
    {
        var id = ChannelIds.Of(terms);
        return voucher.ChannelId.Span.SequenceEqual(id)
            && Secp256k1.Library.RecoverAddress(VoucherDomain.Of(terms).Digest(id, voucher.CumulativeMicro), voucher.Signature.Span) is { } signer
            && ChannelIds.SignerOf(terms).SequenceEqual(signer);
    }
}
