using System.Security.Cryptography;
using Google.Protobuf;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Actors.Identity;

/// <summary>The identity's files cannot be used; the message says which and what to do. It never holds a key.</summary>
public sealed class IdentityStoreException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A peer's identity in its data directory: <c>identity.key</c> (<c>ed25519:</c> and the seed in hex), <c>wallet.key</c>
/// (<c>secp256k1:</c> and the private key in hex) and <c>identity.binding</c> (protobuf <c>IdentityBinding</c>), each 0600.
/// </summary>
public static class IdentityStore
{
    private const string KeyFile = "identity.key";
    private const string WalletFile = "wallet.key";
    private const string BindingFile = "identity.binding";
    private const string KeyPrefix = "ed25519:";
    private const string WalletPrefix = "secp256k1:";
    private const long MaxFileBytes = 4096;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerDirectory = OwnerOnly | UnixFileMode.UserExecute;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>
    /// Reads the identity, making what is not there yet. Each file appears whole or not at all, and of two processes
    /// that start at once, both end up with the files of the first. The directory is made with mode 0700; one that
    /// exists keeps its mode, but key files that others may read are refused.
    /// </summary>
    /// <exception cref="IdentityStoreException">A file is damaged, open to others, or does not belong to the rest.</exception>
    public static PeerIdentity LoadOrCreate(string dataDirectory, TimeProvider time)
    {
        CreateDirectory(dataDirectory);
        var keys = LoadKey(Path.Combine(dataDirectory, KeyFile), KeyPrefix, static seed => KeyPair.FromSeed(seed), static () =>
        {
            using var fresh = KeyPair.Generate();
            return fresh.ExportSeed();
        });
        var wallet = LoadKey(Path.Combine(dataDirectory, WalletFile), WalletPrefix, static key => Secp256k1Wallet.FromPrivateKey(key), static () => Secp256k1Wallet.Generate().ExportPrivateKey());
        return new PeerIdentity(keys, wallet, LoadBinding(Path.Combine(dataDirectory, BindingFile), keys, wallet, time));
    }

    private static T LoadKey<T>(string path, string prefix, Func<byte[], T> read, Func<byte[]> generate)
    {
        if (!File.Exists(path))
        {
            var fresh = generate();
            WriteNew(path, System.Text.Encoding.ASCII.GetBytes(prefix + Convert.ToHexStringLower(fresh) + "\n"));
            CryptographicOperations.ZeroMemory(fresh);
        }

        var text = System.Text.Encoding.ASCII.GetString(Read(path)).TrimEnd();
        try
        {
            return text.StartsWith(prefix, StringComparison.Ordinal)
                ? read(Convert.FromHexString(text.AsSpan(prefix.Length)))
                : throw new FormatException($"it does not begin with '{prefix}'");
        }
        catch (FormatException e)
        {
            throw new IdentityStoreException($"The key file {path} is damaged: {e.Message} Restore it from a backup; without it this peer's name and money are lost. To start as a new peer, move it away together with {BindingFile}.", e);
        }
    }

    private static IdentityBinding LoadBinding(string path, KeyPair keys, Secp256k1Wallet wallet, TimeProvider time)
    {
        if (!File.Exists(path))
        {
            WriteNew(path, IdentityBindings.Create(keys, wallet, time.GetUtcNow()).ToByteArray());
        }

        IdentityBinding binding;
        try
        {
            binding = IdentityBinding.Parser.ParseFrom(Read(path));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new IdentityStoreException($"The file {path} is damaged. Delete it: it is made again from the two keys.", e);
        }

        return IdentityBindings.Verify(binding, out var reason) is { } verified && verified.Peer == keys.PeerId && verified.Address.Span.SequenceEqual(wallet.Address.Span)
            ? binding
            : throw new IdentityStoreException($"The file {path} does not bind {KeyFile} to {WalletFile}{(reason.Length > 0 ? $" ({reason})" : "")}. If a key was damaged, restore it from a backup; if you replaced one on purpose, delete {BindingFile}: it is made again.");
    }

    private static byte[] Read(string path)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
        {
            throw new IdentityStoreException($"Others on this machine can read or change {path}. Run: chmod 600 '{path}', and if it may have been read, start with a new one.");
        }

        return new FileInfo(path).Length <= MaxFileBytes
            ? File.ReadAllBytes(path)
            : throw new IdentityStoreException($"The file {path} is damaged: it has more than {MaxFileBytes} bytes. Restore it from a backup.");
    }

    private static void CreateDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else if (!Directory.Exists(path))
        {
            Directory.CreateDirectory(path, OwnerDirectory);
        }
    }

    /// <summary>Writes beside the file, flushes to the disk, and moves it into place unless another process was first.</summary>
    private static void WriteNew(string path, byte[] content)
    {
        var temporary = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Another process made the file first; its content is the one that counts.
        }
        finally
        {
            File.Delete(temporary);
            CryptographicOperations.ZeroMemory(content);
        }
    }
}
