using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Identity;

public class IdentityBindingsTests
{
    private static readonly DateTimeOffset Issued = DateTimeOffset.FromUnixTimeMilliseconds(1_750_000_000_123);
    private static readonly IdentityBinding Bound = IdentityBindings.Create(GoldenKeys.Keys, GoldenKeys.Wallet, Issued);

    [Fact]
    public void The_bytes_of_a_binding_never_change()
    {
        Assert.Equal(GoldenKeys.Binding, Convert.ToHexStringLower(Bound.ToByteArray()));
    }

    [Fact]
    public void The_frozen_binding_verifies_and_names_both_keys()
    {
        var verified = IdentityBindings.Verify(IdentityBinding.Parser.ParseFrom(Convert.FromHexString(GoldenKeys.Binding)), out var reason);
        Assert.Equal("", reason);
        Assert.Equal(GoldenKeys.Keys.PeerId, verified!.Peer);
        Assert.Equal(GoldenKeys.Wallet.Address.ToArray(), verified.Address.ToArray());
        Assert.Equal(1_750_000_000_123UL, verified.IssuedMs);
    }

    public static TheoryData<string, Action<IdentityBinding>> Changes()
    {
        using var other = KeyPair.FromSeed(Enumerable.Repeat((byte)9, 32).ToArray());
        var stranger = IdentityBindings.Create(other, Secp256k1Wallet.FromPrivateKey(Enumerable.Repeat((byte)9, 32).ToArray()), Issued);
        return new()
        {
            { "another peer", b => b.PeerPublicKey = stranger.PeerPublicKey },
            { "another peer that signs", b => (b.PeerPublicKey, b.PeerSignature) = (stranger.PeerPublicKey, stranger.PeerSignature) },
            { "another wallet", b => b.WalletAddress = stranger.WalletAddress },
            { "another wallet that signs", b => (b.WalletAddress, b.WalletSignature) = (stranger.WalletAddress, stranger.WalletSignature) },
            { "another time", b => b.IssuedMs++ },
            { "no peer signature", b => b.PeerSignature = ByteString.Empty },
            { "no wallet signature", b => b.WalletSignature = ByteString.Empty },
            { "no wallet", b => b.WalletAddress = ByteString.Empty },
            { "no peer", b => b.PeerPublicKey = ByteString.Empty },
        };
    }

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_binding_with_a_changed_field_is_refused(string what, Action<IdentityBinding> change)
    {
        var changed = Bound.Clone();
        change(changed);
        Assert.True(IdentityBindings.Verify(changed, out var reason) is null, what);
        Assert.NotEqual("", reason);
    }

    [Fact]
    public void Any_flipped_bit_is_refused() =>
        Assert.All(GoldenKeys.EachBitFlipped(Bound.ToByteArray()), flipped => Assert.False(Verifies(flipped)));

    private static bool Verifies(byte[] bytes)
    {
        try
        {
            return IdentityBindings.Verify(IdentityBinding.Parser.ParseFrom(bytes), out _) is not null;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
