using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Mpp;

/// <summary>
/// The secret that ids of challenges are derived with, so that a peer need not keep the challenges that it hands out: the id
/// is base64url(HMAC-SHA256(secret, realm|method|intent|request|expires|digest|opaque)), absent parts empty.
/// </summary>
internal sealed class ChallengeKey(ReadOnlyMemory<byte> secret)
{
    /// <summary>The secret's file in the data directory.</summary>
    public const string FileName = "challenge-key";

    private const int Size = 32;

    /// <summary>The key of a data directory, made at the first use; only its owner can read it.</summary>
    /// <exception cref="InvalidDataException">The file does not hold a key.</exception>
    public static ChallengeKey LoadOrCreate(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            PrivateFiles.Write(path, RandomNumberGenerator.GetBytes(Size));
        }

        var secret = File.ReadAllBytes(path);
        return secret.Length == Size ? new ChallengeKey(secret) : throw new InvalidDataException($"{path} holds no challenge key; delete it and start again to get a new one.");
    }

    /// <summary>The challenge under the id that belongs to it.</summary>
    public MppChallenge Issue(MppChallenge challenge) => challenge with { Id = IdOf(challenge) };

    /// <summary>True when this key issued the challenge just so.</summary>
    public bool IsOwn(MppChallenge challenge) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(IdOf(challenge)), Encoding.UTF8.GetBytes(challenge.Id));

    private string IdOf(MppChallenge c) => Base64Url.EncodeToString(HMACSHA256.HashData(
        secret.Span,
        Encoding.UTF8.GetBytes(string.Join('|', c.Realm, c.Method, c.Intent, c.Request, c.Expires, c.Digest, c.Opaque))));
}
