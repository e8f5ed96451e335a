using System.Security.Cryptography;
using System.Text;

namespace Hyperspace.Host.JsonRpc;

/// <summary>The bearer token of the local API, in a file that only its owner reads.</summary>
internal sealed class ApiToken
{
    public const string FileName = "api-token";
    private readonly byte[] _hash;

    private ApiToken(string token) => _hash = Hash(token);

    /// <summary>Reads the token of a data directory, making one at the first start.</summary>
    public static ApiToken LoadOrCreate(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using var file = new StreamWriter(path, Encoding.ASCII, options);
            file.Write(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        }

        var token = File.ReadAllText(path).Trim();
        return token.Length >= 32 ? new ApiToken(token) : throw new InvalidDataException($"{path} holds no token; delete it and start again to get a new one.");
    }

    /// <summary>Compares in constant time.</summary>
    public bool Matches(string? token) => token is not null && CryptographicOperations.FixedTimeEquals(Hash(token), _hash);

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}
