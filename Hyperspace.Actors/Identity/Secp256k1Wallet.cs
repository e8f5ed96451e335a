using System.Security.Cryptography;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Identity;

/// <summary>A wallet whose key is in this process's memory.</summary>
public sealed class Secp256k1Wallet : IWallet
{
    private readonly byte[] _privateKey;
    private readonly byte[] _address;

    private Secp256k1Wallet(byte[] privateKey)
    {
        _privateKey = privateKey;
        _address = Secp256k1.Library.AddressOf(privateKey);
    }

    /// <summary>The library that signs and verifies: <c>libsecp256k1</c> or <c>BouncyCastle</c>.</summary>
    public static string Library => Secp256k1.Library.Name;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Address => _address;

    /// <summary>A new wallet from the operating system's randomness.</summary>
    public static Secp256k1Wallet Generate()
    {
        byte[] key;
        do
        {
            key = RandomNumberGenerator.GetBytes(32);
        }
        while (!Secp256k1.Library.IsPrivateKey(key));
        return new Secp256k1Wallet(key);
    }

    /// <summary>The wallet of a 32-byte private key.</summary>
    /// <exception cref="FormatException">Not 32 bytes, zero, or not below the curve's order.</exception>
    public static Secp256k1Wallet FromPrivateKey(ReadOnlySpan<byte> privateKey) =>
        Secp256k1.Library.IsPrivateKey(privateKey)
            ? new Secp256k1Wallet(privateKey.ToArray())
            : throw new FormatException("A secp256k1 private key is 32 bytes between 1 and n − 1.");

    /// <inheritdoc/>
    public byte[] SignDigest(ReadOnlySpan<byte> digest) => Secp256k1.Library.Sign(_privateKey, digest);

    /// <summary>The 32-byte private key, for storing in a key file; keep it out of logs.</summary>
    internal byte[] ExportPrivateKey() => [.. _privateKey];
}
