using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.Identity;

namespace Hyperspace.Tests.Interop;

/// <summary>What we sign, viem verifies, byte for byte; what viem signs, we verify; docs/protocol.md suffices to check an envelope.</summary>
public sealed class ViemTests(ViemPartner viem) : IClassFixture<ViemPartner>
{
    [SkippableTheory]
    [InlineData(1UL, 808080UL)]
    [InlineData(3_000UL, 1UL)]
    [InlineData(9_007_199_254_740_991UL, 137UL)]
    public async Task Vouchers_are_the_same_to_both_sides(ulong cumulative, ulong chainId)
    {
        var terms = new ChannelTerms
        {
            Payer = ByteString.CopyFrom(GoldenKeys.Wallet.Address.Span),
            Payee = Bytes(0x11, 20),
            Token = Bytes(0x22, 20),
            Salt = Bytes(0x33, 32),
            AuthorizedSigner = Bytes(0, 20),
            Escrow = Bytes(0x44, 20),
            ChainId = chainId,
        };
        var voucher = new VoucherSigner(GoldenKeys.Wallet).Sign(terms, cumulative);
        var answer = await viem.AskAsync(new
        {
            operation = "voucher",
            privateKey = "0x" + Convert.ToHexStringLower(GoldenKeys.Wallet.ExportPrivateKey()),
            terms = new
            {
                payer = Hex(terms.Payer),
                payee = Hex(terms.Payee),
                token = Hex(terms.Token),
                salt = Hex(terms.Salt),
                authorizedSigner = Hex(terms.AuthorizedSigner),
                escrow = Hex(terms.Escrow),
                chainId,
            },
            cumulative = cumulative.ToString(System.Globalization.CultureInfo.InvariantCulture),
            signature = Hex(voucher.Signature),
        });
        var address = "0x" + Convert.ToHexStringLower(GoldenKeys.Wallet.Address.Span);
        Assert.Equal(address, answer.GetProperty("address").GetString());
        Assert.Equal(address, answer.GetProperty("recovered").GetString());
        Assert.Equal(ChannelIds.ToText(ChannelIds.Of(terms)), answer.GetProperty("channelId").GetString());
        Assert.Equal("0x" + Convert.ToHexStringLower(VoucherDomain.Of(terms).Digest(voucher.ChannelId.Span, cumulative)), answer.GetProperty("digest").GetString());
        Assert.Equal(Hex(voucher.Signature), answer.GetProperty("signature").GetString());

        var theirs = voucher.Clone();
        theirs.Signature = ByteString.CopyFrom(Convert.FromHexString(answer.GetProperty("signature").GetString()![2..]));
        Assert.True(VoucherVerifier.IsSigned(terms, theirs));
    }

    [SkippableFact]
    public async Task A_binding_is_verified_by_the_protocol_page_alone()
    {
        var binding = IdentityBinding.Parser.ParseFrom(Convert.FromHexString(GoldenKeys.Binding));
        var answer = await viem.AskAsync(new
        {
            operation = "binding",
            peerId = PeerId.FromPublicKey(PublicKey.FromProtobuf(binding.PeerPublicKey.Span)).ToString(),
            publicKey = Hex(binding.PeerPublicKey),
            wallet = Hex(binding.WalletAddress),
            issuedMs = binding.IssuedMs,
            peerSignature = Hex(binding.PeerSignature),
            walletSignature = Hex(binding.WalletSignature),
        });
        Assert.True(answer.GetProperty("peerSigned").GetBoolean());
        Assert.Equal(Hex(binding.WalletAddress), answer.GetProperty("recovered").GetString());
    }

    [SkippableFact]
    public async Task An_envelope_is_verified_by_the_protocol_page_alone()
    {
        var envelope = Envelope.Parser.ParseFrom(Convert.FromHexString(GoldenKeys.Envelope));
        var answer = await viem.AskAsync(new
        {
            operation = "envelope",
            version = envelope.Version,
            type = envelope.Type,
            payload = Hex(envelope.Payload),
            author = Hex(envelope.Author),
            wallMs = envelope.WallMs,
            counter = envelope.Counter,
            expiresMs = envelope.ExpiresMs,
            signature = Hex(envelope.Signature),
        });
        Assert.True(answer.GetProperty("signed").GetBoolean());
        Assert.Equal(GoldenKeys.EnvelopeId, answer.GetProperty("id").GetString());
    }

    private static ByteString Bytes(byte value, int count) => ByteString.CopyFrom(Enumerable.Repeat(value, count).ToArray());

    private static string Hex(ByteString bytes) => "0x" + Convert.ToHexStringLower(bytes.Span);
}
