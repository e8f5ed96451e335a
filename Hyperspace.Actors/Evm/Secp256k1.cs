namespace Hyperspace.Actors.Evm;

/// <summary>The secp256k1 library in use: libsecp256k1 when the machine has it, BouncyCastle otherwise; chosen once, at start-up.</summary>
internal static class Secp256k1
{
    /// <summary>Forces one: <c>libsecp256k1</c> or <c>bouncycastle</c>. The best that works unless set.</summary>
    public const string Variable = "HYPERSPACE_SECP256K1";

    /// <summary>Length of a signature, in bytes.</summary>
    public const int SignatureSize = 65;

    /// <summary>Length of an address, in bytes.</summary>
    public const int AddressSize = 20;

    /// <summary>Length of a digest, in bytes.</summary>
    public const int DigestSize = 32;

    // Made in order, before the choice between them.
    private static readonly Lazy<ISecp256k1?> Native = new(LibSecp256k1.TryLoad);
    private static readonly Lazy<ISecp256k1> Chosen = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The library.</summary>
    /// <exception cref="InvalidDataException">The environment asks for a library that is not there, or for one that nobody knows.</exception>
    public static ISecp256k1 Library => Chosen.Value;

    /// <summary>Every library that works here.</summary>
    public static IReadOnlyList<ISecp256k1> Available { get; } = [.. Native.Value is { } native ? (ISecp256k1[])[native] : [], new BouncyCastleSecp256k1()];

    /// <summary>The library that <see cref="Variable"/> names; the best one when it is empty.</summary>
    public static ISecp256k1 Choose(string? name) =>
        string.IsNullOrEmpty(name) ? Available[0]
        : Available.FirstOrDefault(l => l.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidDataException($"{Variable} is '{name}', but this machine has only {string.Join(" and ", Available.Select(l => l.Name))}.");

    /// <summary>Writes the address of an uncompressed point (65 bytes, prefix 4).</summary>
    public static void WriteAddress(ReadOnlySpan<byte> point, Span<byte> address)
    {
        Span<byte> hash = stackalloc byte[Keccak256.Size];
        Keccak256.Hash(point[1..], hash);
        hash[(Keccak256.Size - AddressSize)..].CopyTo(address);
    }

    /// <summary>Throws unless these are the 32 bytes of a digest.</summary>
    public static void CheckDigest(ReadOnlySpan<byte> digest)
    {
        if (digest.Length != DigestSize)
        {
            throw new ArgumentException("A digest is 32 bytes.", nameof(digest));
        }
    }

    /// <summary>Throws unless these bytes are a private key.</summary>
    public static void CheckPrivateKey(ReadOnlySpan<byte> privateKey)
    {
        if (!SignatureRules.IsScalar(privateKey))
        {
            throw new ArgumentException("A secp256k1 private key is 32 bytes between 1 and n − 1.", nameof(privateKey));
        }
    }
}
