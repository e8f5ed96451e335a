using System.Text.Json;

namespace Hyperspace.Actors.Evm;

/// <summary>
/// Checks a file of vectors <c>{vectors:[{id, domain, domainTypes, types, primaryType, message, digest, privateKey, address,
/// signature}], malleability?:[{digest, signer, signature, strictAccept}], mustReject?:[{domain, types, primaryType, message}]}</c>
/// against this implementation and the library in use.
/// </summary>
public static class TypedDataVectors
{
    /// <summary>What came of the rows.</summary>
    /// <param name="Passed">Rows of all three kinds that are as they must be.</param>
    /// <param name="Failures">The others.</param>
    public sealed record Outcome(int Passed, IReadOnlyList<Failure> Failures);

    /// <summary>A row that is not as it must be.</summary>
    /// <param name="Kind"><c>vectors</c>, <c>malleability</c> or <c>mustReject</c>.</param>
    /// <param name="Id">The row's id; its place in the file when it has none.</param>
    /// <param name="Reason">What is wrong.</param>
    public sealed record Failure(string Kind, string Id, string Reason);

    /// <summary>Checks every row of the file's root with the library in use.</summary>
    /// <exception cref="FormatException">It is no file of vectors.</exception>
    public static Outcome Check(JsonElement file) => Check(file, Secp256k1.Library);

    /// <summary>As <see cref="Check(JsonElement)"/>, with a library of the caller's.</summary>
    internal static Outcome Check(JsonElement file, ISecp256k1 library)
    {
        if (file.ValueKind != JsonValueKind.Object || !file.TryGetProperty("vectors", out _))
        {
            throw new FormatException("The file must be a JSON object with 'vectors'.");
        }

        var (passed, failures) = (0, new List<Failure>());
        foreach (var (kind, check) in ((string, Func<JsonElement, ISecp256k1, string?>)[])[("vectors", Vector), ("malleability", Malleability), ("mustReject", MustReject)])
        {
            foreach (var (row, index) in Rows(file, kind).Select((row, index) => (row, index)))
            {
                if (Reason(check, row, library) is { } reason)
                {
                    failures.Add(new Failure(kind, IdOf(row) ?? $"{kind}[{index}]", reason));
                }
                else
                {
                    passed++;
                }
            }
        }

        return new Outcome(passed, failures);
    }

    private static string? Reason(Func<JsonElement, ISecp256k1, string?> check, JsonElement row, ISecp256k1 library)
    {
        try
        {
            return check(row, library);
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static string? Vector(JsonElement row, ISecp256k1 library)
    {
        var (digest, expected) = (TypedDataJson.Digest(row), Hex.Parse(TypedDataJson.Text(row, "digest")));
        if (!digest.AsSpan().SequenceEqual(expected))
        {
            return $"The digest is {Hex.Of(digest)}.";
        }

        var privateKey = Hex.Parse(TypedDataJson.Text(row, "privateKey"));
        if (!library.IsPrivateKey(privateKey))
        {
            return "The private key is none.";
        }

        var (address, signature) = (Hex.Parse(TypedDataJson.Text(row, "address")), Hex.Parse(TypedDataJson.Text(row, "signature")));
        return !library.AddressOf(privateKey).AsSpan().SequenceEqual(address) ? "The private key has another address."
            : !library.Sign(privateKey, digest).AsSpan().SequenceEqual(signature) ? "The private key gives another signature."
            : !library.IsSignedBy(address, digest, signature) ? "The signature recovers to another address."
            : null;
    }

    private static string? Malleability(JsonElement row, ISecp256k1 library)
    {
        var accepts = row.TryGetProperty("strictAccept", out var strict) && strict.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? strict.GetBoolean()
            : throw new FormatException("'strictAccept' must be true or false.");
        var (digest, signer) = (Hex.Parse(TypedDataJson.Text(row, "digest")), Hex.Parse(TypedDataJson.Text(row, "signer")));
        if (digest.Length != Secp256k1.DigestSize || signer.Length != Secp256k1.AddressSize)
        {
            throw new FormatException("A digest has 32 bytes and a signer 20.");
        }

        // What is not even hex is refused as well.
        var accepted = Hex.TryParse(TypedDataJson.Text(row, "signature"), out var signature) && library.IsSignedBy(signer, digest, signature);
        return accepted == accepts ? null : accepted ? "The signature was accepted." : "The signature was refused.";
    }

    private static string? MustReject(JsonElement row, ISecp256k1 library)
    {
        try
        {
            return $"It was hashed to {Hex.Of(TypedDataJson.Digest(row))}.";
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static IEnumerable<JsonElement> Rows(JsonElement file, string kind) =>
        !file.TryGetProperty(kind, out var rows) || rows.ValueKind == JsonValueKind.Null ? []
        : rows.ValueKind == JsonValueKind.Array ? rows.EnumerateArray()
        : throw new FormatException($"'{kind}' must be an array.");

    private static string? IdOf(JsonElement row) => row.ValueKind == JsonValueKind.Object && row.TryGetProperty("id", out var id) ? id.GetRawText().Trim('"') : null;
}
