using System.Security.Cryptography;
using FsCheck.Xunit;
using Hyperspace.Actors.Evm;
using Org.BouncyCastle.Math;

namespace Hyperspace.Tests.Evm;

public class Secp256k1Tests
{
    private const string Order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    private const string HalfOrder = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
    private static readonly byte[] Key = Convert.FromHexString("4646464646464646464646464646464646464646464646464646464646464646");
    private static readonly byte[] Digest = Keccak256.Hash("a message"u8);

    [Theory]
    [InlineData("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")]
    public void Keccak_is_the_one_from_before_the_standard(string text, string hash) =>
        Assert.Equal(hash, Convert.ToHexStringLower(Keccak256.Hash(System.Text.Encoding.ASCII.GetBytes(text))));

    [Theory]
    [InlineData("4646464646464646464646464646464646464646464646464646464646464646", "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", "7e5f4552091a69125d5dfcb7b8c2659029395bdf")]
    public void Addresses_are_those_that_EIP_155_and_everyone_else_give(string key, string address) =>
        Assert.Equal(address, Convert.ToHexStringLower(Secp256k1.Library.AddressOf(Convert.FromHexString(key))));

    [Property(MaxTest = 50)]
    public void What_a_key_signs_recovers_to_its_address(byte[] seed)
    {
        var (key, digest) = (SHA256.HashData(seed), Keccak256.Hash(seed));
        var signature = Secp256k1.Library.Sign(key, digest);
        Assert.Equal(Secp256k1.Library.AddressOf(key), Secp256k1.Library.RecoverAddress(digest, signature));
        Assert.Equal(signature, Secp256k1.Library.Sign(key, digest));
    }

    [Fact]
    public void Both_parities_occur_and_s_is_never_high()
    {
        var half = new BigInteger(HalfOrder, 16);
        var signatures = Enumerable.Range(0, 64).Select(i => Secp256k1.Library.Sign(Key, Keccak256.Hash([(byte)i]))).ToList();
        Assert.Equal([27, 28], signatures.Select(s => (int)s[64]).Distinct().Order());
        Assert.All(signatures, s => Assert.True(new BigInteger(1, s, 32, 32).CompareTo(half) <= 0));
    }

    [Fact]
    public void The_twin_with_the_high_s_is_refused()
    {
        var signature = Secp256k1.Library.Sign(Key, Digest);
        var twin = With(signature, new BigInteger(Order, 16).Subtract(new BigInteger(1, signature, 32, 32)), (byte)(55 - signature[64]));
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, twin));
    }

    [Fact]
    public void The_limit_of_s_is_half_the_order_exactly()
    {
        var signature = Secp256k1.Library.Sign(Key, Digest);
        Assert.NotNull(Secp256k1.Library.RecoverAddress(Digest, With(signature, new BigInteger(HalfOrder, 16), 27)));
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, With(signature, new BigInteger(HalfOrder, 16).Add(BigInteger.One), 27)));
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, With(signature, BigInteger.Zero, 27)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(26)]
    [InlineData(29)]
    [InlineData(30)]
    [InlineData(255)]
    public void Another_v_is_refused(byte v)
    {
        var signature = Secp256k1.Library.Sign(Key, Digest);
        signature[64] = v;
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, signature));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    [InlineData(66)]
    public void Another_length_is_refused(int length) =>
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, Secp256k1.Library.Sign(Key, Digest).Concat(new byte[2]).Take(length).ToArray()));

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(Order)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void An_r_outside_the_group_is_refused_and_so_is_such_a_key(string scalar)
    {
        var signature = Secp256k1.Library.Sign(Key, Digest);
        Convert.FromHexString(scalar).CopyTo(signature, 0);
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, signature));
        Assert.False(Secp256k1.Library.IsPrivateKey(Convert.FromHexString(scalar)));
    }

    [Fact]
    public void An_r_that_is_no_point_is_refused()
    {
        // x = 5 is on no point of y² = x³ + 7.
        var signature = Secp256k1.Library.Sign(Key, Digest);
        signature.AsSpan(0, 32).Clear();
        signature[31] = 5;
        Assert.Null(Secp256k1.Library.RecoverAddress(Digest, signature));
    }

    [Property]
    public void Random_signatures_are_refused_or_recover_someone_else(byte[] noise)
    {
        var signature = SHA512.HashData(noise).Append((byte)27).ToArray();
        signature[32] &= 0x3f;
        Assert.NotEqual(Secp256k1.Library.AddressOf(Key), Secp256k1.Library.RecoverAddress(Digest, signature));
    }

    private static byte[] With(byte[] signature, BigInteger s, byte v)
    {
        var bytes = s.ToByteArrayUnsigned();
        return [.. signature.AsSpan(0, 32), .. new byte[32 - bytes.Length], .. bytes, v];
    }
}
