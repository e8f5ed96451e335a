using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// secp256k1 on libsecp256k1 with its recovery module. One context serves all threads: it is randomized once, before anyone
/// uses it, and only read after that, which the library allows.
/// </summary>
internal sealed unsafe partial class LibSecp256k1 : ISecp256k1
{
    private const string Library = "secp256k1";

    // SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY: needed before 0.2, without meaning since.
    private const uint SignAndVerify = 0x0101 | 0x0201;
    private const uint Uncompressed = 0x0002;
    private const int PublicKeySize = 64;
    private const int RecoverableSize = 65;
    private const int PointSize = 65;

    private static readonly string[] Names = OperatingSystem.IsWindows()
        ? ["libsecp256k1-6.dll", "libsecp256k1-5.dll", "libsecp256k1-2.dll", "libsecp256k1-1.dll", "libsecp256k1-0.dll", "libsecp256k1.dll", "secp256k1.dll"]
        : OperatingSystem.IsMacOS()
        ? ["libsecp256k1.6.dylib", "libsecp256k1.5.dylib", "libsecp256k1.2.dylib", "libsecp256k1.1.dylib", "libsecp256k1.0.dylib", "libsecp256k1.dylib"]
        : ["libsecp256k1.so.6", "libsecp256k1.so.5", "libsecp256k1.so.2", "libsecp256k1.so.1", "libsecp256k1.so.0", "libsecp256k1.so"];

    private static readonly string[] Needed =
    [
        "secp256k1_context_create", "secp256k1_context_randomize", "secp256k1_ec_pubkey_create", "secp256k1_ec_pubkey_serialize", "secp256k1_ecdsa_sign_recoverable",
        "secp256k1_ecdsa_recover", "secp256k1_ecdsa_recoverable_signature_parse_compact", "secp256k1_ecdsa_recoverable_signature_serialize_compact",
    ];

    private readonly IntPtr _context;

    private LibSecp256k1(IntPtr context) => _context = context;

    /// <inheritdoc/>
    public string Name => "libsecp256k1";

    /// <summary>The library; null when the machine has none, or only one without the recovery module.</summary>
    public static ISecp256k1? TryLoad()
    {
        foreach (var name in Names)
        {
            if (!NativeLibrary.TryLoad(name, out var handle))
            {
                continue;
            }

            if (Needed.All(symbol => NativeLibrary.TryGetExport(handle, symbol, out _)))
            {
                NativeLibrary.SetDllImportResolver(typeof(LibSecp256k1).Assembly, (asked, _, _) => asked == Library ? handle : IntPtr.Zero);
                return new LibSecp256k1(RandomizedContext());
            }

            NativeLibrary.Free(handle);
        }

        return null;
    }

    /// <inheritdoc/>
    public bool IsPrivateKey(ReadOnlySpan<byte> privateKey) => SignatureRules.IsScalar(privateKey);

    /// <inheritdoc/>
    public byte[] AddressOf(ReadOnlySpan<byte> privateKey)
    {
        Secp256k1.CheckPrivateKey(privateKey);
        var publicKey = stackalloc byte[PublicKeySize];
        fixed (byte* key = privateKey)
        {
            Expect(PublicKeyCreate(_context, publicKey, key));
        }

        var address = new byte[Secp256k1.AddressSize];
        WriteAddress(publicKey, address);
        return address;
    }

    /// <inheritdoc/>
    public byte[] Sign(ReadOnlySpan<byte> privateKey, ReadOnlySpan<byte> digest)
    {
        Secp256k1.CheckPrivateKey(privateKey);
        Secp256k1.CheckDigest(digest);
        var recoverable = stackalloc byte[RecoverableSize];
        var signature = new byte[Secp256k1.SignatureSize];
        int recoveryId;
        fixed (byte* key = privateKey, hash = digest, compact = signature)
        {
            // No nonce function is RFC 6979 without extra entropy; the library's s is always low.
            Expect(SignRecoverable(_context, recoverable, hash, key, null, null));
            Expect(SerializeCompact(_context, compact, &recoveryId, recoverable));
        }

        // An id above 1 means r ≥ n, which v 27 and 28 cannot say; it happens once in 2^128.
        signature[64] = recoveryId <= 1 ? (byte)(27 + recoveryId) : throw new CryptographicException("The signature cannot be told by v 27 or 28.");
        return signature;
    }

    /// <inheritdoc/>
    public bool TryRecoverAddress(ReadOnlySpan<byte> digest, ReadOnlySpan<byte> signature, Span<byte> address)
    {
        Secp256k1.CheckDigest(digest);
        if (!SignatureRules.AreMet(signature))
        {
            return false;
        }

        var recoverable = stackalloc byte[RecoverableSize];
        var publicKey = stackalloc byte[PublicKeySize];
        fixed (byte* compact = signature, hash = digest)
        {
            if (ParseCompact(_context, recoverable, compact, signature[64] - 27) == 0 || Recover(_context, publicKey, recoverable, hash) == 0)
            {
                return false;
            }
        }

        WriteAddress(publicKey, address);
        return true;
    }

    private void WriteAddress(byte* publicKey, Span<byte> address)
    {
        var point = stackalloc byte[PointSize];
        nuint length = PointSize;
        Expect(PublicKeySerialize(_context, point, &length, publicKey, Uncompressed));
        Secp256k1.WriteAddress(new ReadOnlySpan<byte>(point, PointSize), address);
    }

    private static IntPtr RandomizedContext()
    {
        var context = ContextCreate(SignAndVerify);
        Span<byte> seed = stackalloc byte[32];
        RandomNumberGenerator.Fill(seed);
        fixed (byte* bytes = seed)
        {
            // Blinds the arithmetic with the private key against those who time or measure it.
            Expect(ContextRandomize(context, bytes));
        }

        CryptographicOperations.ZeroMemory(seed);
        return context;
    }

    private static void Expect(int result)
    {
        if (result != 1)
        {
            throw new CryptographicException("libsecp256k1 refused an argument that was checked before.");
        }
    }

    [LibraryImport(Library, EntryPoint = "secp256k1_context_create")]
    private static partial IntPtr ContextCreate(uint flags);

    [LibraryImport(Library, EntryPoint = "secp256k1_context_randomize")]
    private static partial int ContextRandomize(IntPtr context, byte* seed);

    [LibraryImport(Library, EntryPoint = "secp256k1_ec_pubkey_create")]
    private static partial int PublicKeyCreate(IntPtr context, byte* publicKey, byte* privateKey);

    [LibraryImport(Library, EntryPoint = "secp256k1_ec_pubkey_serialize")]
    private static partial int PublicKeySerialize(IntPtr context, byte* output, nuint* length, byte* publicKey, uint flags);

    [LibraryImport(Library, EntryPoint = "secp256k1_ecdsa_sign_recoverable")]
    private static partial int SignRecoverable(IntPtr context, byte* signature, byte* digest, byte* privateKey, void* nonceFunction, void* nonceData);

    [LibraryImport(Library, EntryPoint = "secp256k1_ecdsa_recover")]
    private static partial int Recover(IntPtr context, byte* publicKey, byte* signature, byte* digest);

    [LibraryImport(Library, EntryPoint = "secp256k1_ecdsa_recoverable_signature_parse_compact")]
    private static partial int ParseCompact(IntPtr context, byte* signature, byte* compact, int recoveryId);

    [LibraryImport(Library, EntryPoint = "secp256k1_ecdsa_recoverable_signature_serialize_compact")]
    private static partial int SerializeCompact(IntPtr context, byte* compact, int* recoveryId, byte* signature);
}
