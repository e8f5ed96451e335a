using System.Security.Cryptography;
using FsCheck.Xunit;
using Hyperspace.Actors.Evm;
using Org.BouncyCastle.Math;

namespace Hyperspace.Tests.Evm;

/// <summary>What either library must do; each test runs on every library of the machine.</summary>
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

    [SkippableFact]
    public void This_machine_has_libsecp256k1_and_it_is_preferred()
    {
        Skip.If(Secp256k1.Available.Count == 1, "libsecp256k1 with its recovery module is not installed (Debian: libsecp256k1-1): only BouncyCastle is tested.");
        Assert.Equal(["libsecp256k1", "BouncyCastle"], Secp256k1.Available.Select(l => l.Name));
        Assert.Equal("libsecp256k1", Secp256k1.Choose(null).Name);
    }

    [Fact]
    public void The_environment_can_force_a_library_that_is_there()
    {
        Assert.Equal("BouncyCastle", Secp256k1.Choose("bouncycastle").Name);
        Assert.Contains("'openssl'", Assert.Throws<InvalidDataException>(() => Secp256k1.Choose("openssl")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("4646464646464646464646464646464646464646464646464646464646464646", "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f")]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000001", "7e5f4552091a69125d5dfcb7b8c2659029395bdf")]
    public void Addresses_are_those_that_EIP_155_and_everyone_else_give(string key, string address) =>
        OnEach(library => Assert.Equal(address, Convert.ToHexStringLower(library.AddressOf(Convert.FromHexString(key)))));

    [Property(MaxTest = 50)]
    public void What_a_key_signs_recovers_to_its_address(byte[] seed) => OnEach(library =>
    {
        var (key, digest) = (SHA256.HashData(seed), Keccak256.Hash(seed));
        var signature = library.Sign(key, digest);
        Assert.Equal(library.AddressOf(key), library.RecoverAddress(digest, signature));
        Assert.Equal(signature, library.Sign(key, digest));
        Assert.True(library.IsSignedBy(library.AddressOf(key), digest, signature));
        Assert.False(library.IsSignedBy(library.AddressOf(Key), digest, signature));
    });

    [Property(MaxTest = 200)]
    public void The_libraries_sign_the_same_bytes_and_agree_on_every_mutation(byte[] seed, ushort at, byte bits)
    {
        var (key, digest) = (SHA256.HashData(seed), SHA256.HashData([.. seed, 1]));
        var signature = Secp256k1.Available[0].Sign(key, digest);
        var mutated = (byte[])[.. signature];
        mutated[at % mutated.Length] ^= bits;
        var (address, mutatedSigner) = (Secp256k1.Available[0].AddressOf(key), Secp256k1.Available[0].RecoverAddress(digest, mutated));
        Assert.Equal(address, Secp256k1.Available[0].RecoverAddress(digest, signature));
        OnEach(library =>
        {
            Assert.Equal(signature, library.Sign(key, digest));
            Assert.Equal(address, library.AddressOf(key));
            Assert.Equal(mutatedSigner, library.RecoverAddress(digest, mutated));
        });
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(Order)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void The_libraries_agree_on_digests_that_are_zero_or_not_below_the_order(string hex)
    {
        var digest = Convert.FromHexString(hex);
        var signature = Secp256k1.Available[^1].Sign(Key, digest);
        OnEach(library =>
        {
            Assert.Equal(signature, library.Sign(Key, digest));
            Assert.Equal(library.AddressOf(Key), library.RecoverAddress(digest, signature));
        });
    }

    [Fact]
    public void Threads_share_a_library() => OnEach(library =>
    {
        var expected = Enumerable.Range(0, 64).Select(i => library.Sign(Key, Keccak256.Hash([(byte)i]))).ToList();
        Parallel.For(0, 256, i =>
        {
            var digest = Keccak256.Hash([(byte)(i % 64)]);
            Assert.Equal(expected[i % 64], library.Sign(Key, digest));
            Assert.Equal(library.AddressOf(Key), library.RecoverAddress(digest, expected[i % 64]));
        });
    });

    [Fact]
    public void Both_parities_occur_and_s_is_never_high() => OnEach(library =>
    {
        var half = new BigInteger(HalfOrder, 16);
        var signatures = Enumerable.Range(0, 64).Select(i => library.Sign(Key, Keccak256.Hash([(byte)i]))).ToList();
        Assert.Equal([27, 28], signatures.Select(s => (int)s[64]).Distinct().Order());
        Assert.All(signatures, s => Assert.True(new BigInteger(1, s, 32, 32).CompareTo(half) <= 0));
    });

    [Fact]
    public void The_twin_with_the_high_s_is_refused() => OnEach(library =>
    {
        var signature = library.Sign(Key, Digest);
        var twin = With(signature, new BigInteger(Order, 16).Subtract(new BigInteger(1, signature, 32, 32)), (byte)(55 - signature[64]));
        Assert.Null(library.RecoverAddress(Digest, twin));
    });

    [Fact]
    public void The_limit_of_s_is_half_the_order_exactly() => OnEach(library =>
    {
        var signature = library.Sign(Key, Digest);
        Assert.NotNull(library.RecoverAddress(Digest, With(signature, new BigInteger(HalfOrder, 16), 27)));
        Assert.Null(library.RecoverAddress(Digest, With(signature, new BigInteger(HalfOrder, 16).Add(BigInteger.One), 27)));
        Assert.Null(library.RecoverAddress(Digest, With(signature, BigInteger.Zero, 27)));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(26)]
    [InlineData(29)]
    [InlineData(30)]
    [InlineData(255)]
    public void Another_v_is_refused(byte v) => OnEach(library =>
    {
        var signature = library.Sign(Key, Digest);
        signature[64] = v;
        Assert.Null(library.RecoverAddress(Digest, signature));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    [InlineData(66)]
    public void Another_length_is_refused(int length) =>
        OnEach(library => Assert.Null(library.RecoverAddress(Digest, library.Sign(Key, Digest).Concat(new byte[2]).Take(length).ToArray())));

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData(Order)]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void An_r_outside_the_group_is_refused_and_so_is_such_a_key(string scalar) => OnEach(library =>
    {
        var signature = library.Sign(Key, Digest);
        Convert.FromHexString(scalar).CopyTo(signature, 0);
        Assert.Null(library.RecoverAddress(Digest, signature));
        Assert.False(library.IsPrivateKey(Convert.FromHexString(scalar)));
        Assert.Throws<ArgumentException>(() => library.Sign(Convert.FromHexString(scalar), Digest));
    });

    [Fact]
    public void An_r_that_is_no_point_is_refused() => OnEach(library =>
    {
        // x = 5 is on no point of y² = x³ + 7.
        var signature = library.Sign(Key, Digest);
        signature.AsSpan(0, 32).Clear();
        signature[31] = 5;
        Assert.Null(library.RecoverAddress(Digest, signature));
    });

    [Property]
    public void Random_signatures_are_refused_or_recover_someone_else(byte[] noise)
    {
        var signature = SHA512.HashData(noise).Append((byte)27).ToArray();
        signature[32] &= 0x3f;
        OnEach(library => Assert.NotEqual(library.AddressOf(Key), library.RecoverAddress(Digest, signature)));
    }

    private static void OnEach(Action<ISecp256k1> test) => Assert.All(Secp256k1.Available, test);

    private static byte[] With(byte[] signature, BigInteger s, byte v)
    {
        var bytes = s.ToByteArrayUnsigned();
        return [.. signature.AsSpan(0, 32), .. new byte[32 - bytes.Length], .. bytes, v];
    }
}
