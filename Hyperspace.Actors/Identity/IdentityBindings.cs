using System.Buffers;
using System.Numerics;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Actors.Identity;

/// <summary>A binding whose two signatures were checked.</summary>
/// <param name="Peer">The peer.</param>
/// <param name="Address">The wallet's 20-byte address.</param>
/// <param name="IssuedMs">When it was made, in unix milliseconds by the maker's clock.</param>
public sealed record VerifiedBinding(PeerId Peer, ReadOnlyMemory<byte> Address, ulong IssuedMs);

/// <summary>
/// Identity bindings: a peer's key and a wallet that each signed the other (docs/protocol.md, "Identity binding").
/// The wallet signs EIP-712 typed data, so that a wallet outside this process could too.
/// </summary>
public static class IdentityBindings
{
    private const string Primary = "IdentityBinding";
    private static readonly byte[] Domain = "hyperspace-identity-binding:1"u8.ToArray();
    private static readonly byte[] Separator = new TypedDataDomain("Hyperspace Identity", "1").Separator();

    private static readonly TypedData Types = new(new Dictionary<string, IReadOnlyList<TypedDataField>>
    {
        [Primary] = [new("peerId", "string"), new("wallet", "address"), new("issuedMs", "uint64")],
    });

    /// <summary>Has each key sign the other.</summary>
    public static IdentityBinding Create(KeyPair keys, IWallet wallet, DateTimeOffset now)
    {
        var issuedMs = (ulong)now.ToUnixTimeMilliseconds();
        var publicKey = keys.PublicKey.ToProtobuf();
        return new IdentityBinding
        {
            PeerPublicKey = ByteString.CopyFrom(publicKey),
            WalletAddress = ByteString.CopyFrom(wallet.Address.Span),
            IssuedMs = issuedMs,
            PeerSignature = ByteString.CopyFrom(keys.Sign(PeerSignedBytes(publicKey, wallet.Address.Span, issuedMs))),
            WalletSignature = ByteString.CopyFrom(wallet.SignDigest(WalletDigest(keys.PeerId, wallet.Address.Span, issuedMs))),
        };
    }

    /// <summary>Checks both signatures; null and a reason when either is not what it should be.</summary>
    public static VerifiedBinding? Verify(IdentityBinding? binding, out string reason)
    {
        if (binding is null || binding.WalletAddress.Length != Secp256k1.AddressSize)
        {
            reason = "there is no wallet address of 20 bytes";
            return null;
        }

        PublicKey key;
        try
        {
            key = PublicKey.FromProtobuf(binding.PeerPublicKey.Span);
        }
        catch (FormatException e)
        {
            reason = e.Message;
            return null;
        }

        if (!key.Verify(PeerSignedBytes(binding.PeerPublicKey.Span, binding.WalletAddress.Span, binding.IssuedMs), binding.PeerSignature.Span))
        {
            reason = "the peer's signature does not fit";
            return null;
        }

        var signer = Secp256k1.Library.RecoverAddress(WalletDigest(key.PeerId, binding.WalletAddress.Span, binding.IssuedMs), binding.WalletSignature.Span);
        if (!binding.WalletAddress.Span.SequenceEqual(signer))
        {
            reason = "the wallet's signature does not fit";
            return null;
        }

        reason = "";
        return new VerifiedBinding(key.PeerId, binding.WalletAddress.Memory, binding.IssuedMs);
    }

    private static byte[] PeerSignedBytes(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> address, ulong issuedMs)
    {
        var writer = new ArrayBufferWriter<byte>(128);
        SignedBytes.Append(writer, Domain);
        SignedBytes.Append(writer, publicKey);
        SignedBytes.Append(writer, address);
        SignedBytes.Append(writer, issuedMs);
        return writer.WrittenSpan.ToArray();
    }

    private static byte[] WalletDigest(PeerId peer, ReadOnlySpan<byte> address, ulong issuedMs) =>
        Types.Digest(Separator, Primary, new Dictionary<string, object> { ["peerId"] = peer.ToString(), ["wallet"] = address.ToArray(), ["issuedMs"] = issuedMs });
}
