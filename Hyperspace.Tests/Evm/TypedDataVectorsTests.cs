using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;
using Hyperspace.Tests.CommandLine;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Tests.Evm;

public sealed class TypedDataVectorsTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-vectors-");

    public void Dispose() => _directory.Delete(recursive: true);

    [SkippableFact]
    public async Task All_1025_public_vectors_have_the_digest_that_ethers_gives_and_both_libraries_agree()
    {
        var missing = await NpmFolder.InstallAsync("evm-vectors");
        Skip.If(missing is not null, missing);
        var rows = new JsonArray();
        using (var packed = new GZipStream(File.OpenRead(Path.Combine(NpmFolder.PathOf("evm-vectors"), "node_modules", "@ethersproject", "testcases", "testcases", "eip712.json.gz")), CompressionMode.Decompress))
        {
            foreach (var given in (await JsonNode.ParseAsync(packed))!.AsArray())
            {
                rows.Add(Row(given!));
            }
        }

        Assert.Equal(1025, rows.Count);
        var file = JsonSerializer.SerializeToElement(new JsonObject { ["vectors"] = rows });
        Assert.All(Secp256k1.Available, library =>
        {
            var outcome = TypedDataVectors.Check(file, library);
            Assert.Empty(outcome.Failures);
            Assert.Equal(1025, outcome.Passed);
        });

        // And as the verb says it.
        var path = Path.Combine(_directory.FullName, "vectors.json");
        await File.WriteAllTextAsync(path, file.GetRawText());
        foreach (var library in Secp256k1.Available)
        {
            var told = await Cli.RunAsync(new Dictionary<string, string> { [Secp256k1.Variable] = library.Name }, "wallet", "verify-typed", "--file", path, "--json");
            Assert.Equal("""{"passed":1025,"failed":0,"failures":[]}""" + "\n", told.Output);
            Assert.Equal(0, told.ExitCode);
        }
    }

    [Fact]
    public void Malleable_signatures_are_told_from_strict_ones()
    {
        var (key, digest) = (Keccak256.Hash("cow"u8), Keccak256.Hash("a message"u8));
        var signature = Secp256k1.Library.Sign(key, digest);
        var order = Org.BouncyCastle.Crypto.EC.CustomNamedCurves.GetByName("secp256k1").N;
        var highS = order.Subtract(new Org.BouncyCastle.Math.BigInteger(1, signature, 32, 32)).ToByteArrayUnsigned();
        var twin = (byte[])[.. signature.AsSpan(0, 32), .. new byte[32 - highS.Length], .. highS, (byte)(55 - signature[64])];
        (byte[] Signature, bool Accept)[] rows =
        [
            (signature, true), (twin, false), ([.. signature.AsSpan(0, 64), (byte)(signature[64] - 27)], false), (signature[..64], false), ([.. signature, 0], false), ([], false),
        ];
        var good = new JsonArray([.. rows.Select(r => (JsonNode?)Malleability(r.Signature, r.Accept))]);
        var bad = new JsonArray([.. rows.Select(r => (JsonNode?)Malleability(r.Signature, !r.Accept))]);
        Assert.All(Secp256k1.Available, library =>
        {
            Assert.Equal((rows.Length, 0), Counts(new JsonObject { ["vectors"] = new JsonArray(), ["malleability"] = good.DeepClone() }, library));
            Assert.Equal((0, rows.Length), Counts(new JsonObject { ["vectors"] = new JsonArray(), ["malleability"] = bad.DeepClone() }, library));
        });

        JsonObject Malleability(byte[] bytes, bool accept) => new()
        {
            ["digest"] = Hex.Of(digest),
            ["signer"] = Hex.Of(Secp256k1.Library.AddressOf(key)).ToUpperInvariant().Replace("0X", "0x", StringComparison.Ordinal),
            ["signature"] = Hex.Of(bytes),
            ["strictAccept"] = accept,
        };
    }

    /// <summary>A type of one member <c>x</c>, and a value that is none of that type.</summary>
    [Theory]
    [InlineData("uint8", "\"256\"")]
    [InlineData("uint8", "\"-1\"")]
    [InlineData("uint256", "\"115792089237316195423570985008687907853269984665640564039457584007913129639936\"")]
    [InlineData("int8", "\"128\"")]
    [InlineData("int8", "\"-129\"")]
    [InlineData("uint256", "\"01000\"")]
    [InlineData("uint256", "\"1e3\"")]
    [InlineData("uint256", "1e3")]
    [InlineData("uint256", "1.5")]
    [InlineData("uint256", "\"1.5\"")]
    [InlineData("uint256", "\"0x10\"")]
    [InlineData("uint256", "\" 1\"")]
    [InlineData("uint256", "\"+1\"")]
    [InlineData("int256", "\"-0\"")]
    [InlineData("uint256", "\"\"")]
    [InlineData("uint256", "\"-\"")]
    [InlineData("uint256", "9007199254740992")]
    [InlineData("uint256", "true")]
    [InlineData("uint256", "null")]
    [InlineData("bool", "\"true\"")]
    [InlineData("bool", "1")]
    [InlineData("string", "1")]
    [InlineData("string", "\"\\ud800\"")]
    [InlineData("bytes", "\"0x123\"")]
    [InlineData("bytes", "\"1234\"")]
    [InlineData("bytes", "\"0x12zz\"")]
    [InlineData("bytes4", "\"0x123456\"")]
    [InlineData("bytes4", "\"0x1234567890\"")]
    [InlineData("bytes32", "\"0x\"")]
    [InlineData("address", "\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD8\"")]
    [InlineData("address", "\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD827\"")]
    [InlineData("address", "\"0xcD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"")]
    [InlineData("uint8[2]", "[\"1\"]")]
    [InlineData("uint8[2]", "[\"1\",\"2\",\"3\"]")]
    [InlineData("uint8[]", "\"1\"")]
    [InlineData("uint8[][2]", "[[\"1\"]]")]
    [InlineData("uint8[", "[]")]
    [InlineData("uint8[0]", "[]")]
    [InlineData("uint8[01]", "[\"1\"]")]
    [InlineData("uint8[-1]", "[]")]
    [InlineData("uint", "\"1\"")]
    [InlineData("int", "\"1\"")]
    [InlineData("uint08", "\"1\"")]
    [InlineData("uint 8", "\"1\"")]
    [InlineData("uint12", "\"1\"")]
    [InlineData("uint264", "\"1\"")]
    [InlineData("bytes0", "\"0x\"")]
    [InlineData("bytes33", "\"0x00\"")]
    [InlineData("money", "\"1\"")]
    [InlineData("T", "{}")]
    [InlineData("T[]", "[]")]
    [InlineData("", "\"1\"")]
    public void What_does_not_fit_its_type_is_refused(string type, string value) =>
        MustBeRefused($$$"""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"{{{type}}}"}]},"primaryType":"T","message":{"x":{{{value}}}}}""");

    [Theory]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true,"y":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true,"x":false}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"U","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"},{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}],"uint8":[]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"U[]"}],"U":[{"name":"y","type":"T[2]"}]},"primaryType":"T","message":{"x":[]}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}],"U":[{"name":"y","type":"nothing"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d","colour":"red"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"chainId":"-1"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"verifyingContract":"0x12"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"salt":"0x12"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"domainTypes":[{"name":"version","type":"string"}],"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":null}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":[true]}""")]
    [InlineData("""{"domain":{"name":"d"},"types":{"T":[{"name":"x"}]},"primaryType":"T","message":{"x":true}}""")]
    [InlineData("""{"types":{"T":[]},"primaryType":"T","message":{}}""")]
    public void What_is_not_whole_or_not_unambiguous_is_refused(string data) => MustBeRefused(data);

    /// <summary>The neighbours of what is refused.</summary>
    [Theory]
    [InlineData("uint8", "\"255\"")]
    [InlineData("uint8", "\"0\"")]
    [InlineData("int8", "\"-128\"")]
    [InlineData("uint256", "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"")]
    [InlineData("uint256", "9007199254740991")]
    [InlineData("bytes4", "\"0x12345678\"")]
    [InlineData("bytes", "\"0x\"")]
    [InlineData("address", "\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"")]
    [InlineData("address", "\"0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826\"")]
    [InlineData("address", "\"0xCD2A3D9F938E13CD947EC05ABC7FE734DF8DD826\"")]
    [InlineData("string", "\"\\ud83d\\ude00\"")]
    [InlineData("uint8[][2]", "[[\"1\"],[]]")]
    public void What_fits_is_hashed(string type, string value) =>
        Assert.StartsWith("0x", Digest($$$"""{"domain":{"name":"d"},"types":{"T":[{"name":"x","type":"{{{type}}}"}]},"primaryType":"T","message":{"x":{{{value}}}}}"""), StringComparison.Ordinal);

    [Fact]
    public void The_domain_has_the_members_that_are_given_or_those_of_its_declared_type()
    {
        const string Rest = """ "types":{"T":[{"name":"x","type":"bool"}]},"primaryType":"T","message":{"x":true}}""";
        var plain = Digest("""{"domain":{"chainId":"5","name":"d"},""" + Rest);
        Assert.Equal(plain, Digest("""{"domain":{"name":"d","chainId":5},""" + Rest));
        Assert.Equal(plain, Digest("""{"domain":{"name":"d","chainId":5},"domainTypes":[{"name":"name","type":"string"},{"name":"chainId","type":"uint256"}],""" + Rest));
        Assert.Equal(plain, Digest("""{"domain":{"name":"d","chainId":5},"domainTypes":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"chainId","type":"uint256"}]},""" + Rest));
        Assert.NotEqual(plain, Digest("""{"domain":{"name":"d","chainId":5},"domainTypes":[{"name":"chainId","type":"uint256"},{"name":"name","type":"string"}],""" + Rest));
    }

    [Fact]
    public async Task The_verb_tells_what_failed_and_what_cannot_be_read()
    {
        var path = Path.Combine(_directory.FullName, "f.json");
        await File.WriteAllTextAsync(path, """
            {"vectors":[{"id":"empty"}],
             "mustReject":[{"id":"sound","domain":{},"types":{"T":[]},"primaryType":"T","message":{}},{"id":"broken","domain":{},"types":{},"primaryType":"T","message":{}}]}
            """);
        var json = await Cli.RunAsync(null, "wallet", "verify-typed", "--file", path, "--json");
        Assert.Equal(1, json.ExitCode);
        var told = JsonNode.Parse(Assert.Single(json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)))!;
        Assert.Equal((1, 2), (told["passed"]!.GetValue<int>(), told["failed"]!.GetValue<int>()));
        Assert.Equal(["empty", "sound"], told["failures"]!.AsArray().Select(f => f!["id"]!.GetValue<string>()));

        var text = await Cli.RunAsync(null, "wallet", "verify-typed", "--file", path);
        Assert.StartsWith("1 passed, 2 failed", text.Output, StringComparison.Ordinal);

        await File.WriteAllTextAsync(path, "{\"vectors\":");
        foreach (var wrong in new[] { path, path + ".none", _directory.FullName })
        {
            var refused = await Cli.RunAsync(null, "wallet", "verify-typed", "--file", wrong);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(wrong, Assert.Single(refused.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_wallet_verb_tells_its_address_and_library()
    {
        var result = await Cli.RunAsync(new Dictionary<string, string> { [Secp256k1.Variable] = "bouncycastle" }, "wallet", "--json", "--data", _directory.FullName);
        var wallet = JsonNode.Parse(result.Output)!;
        Assert.Matches("^0x[0-9a-f]{40}$", wallet["address"]!.GetValue<string>());
        Assert.Equal("BouncyCastle", wallet["secp256k1"]!.GetValue<string>());
        var refused = await Cli.RunAsync(new Dictionary<string, string> { [Secp256k1.Variable] = "openssl" }, "wallet", "--data", _directory.FullName);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(Secp256k1.Variable, refused.Errors, StringComparison.Ordinal);
    }

    private static string Digest(string data)
    {
        using var document = JsonDocument.Parse(data);
        return Hex.Of(TypedDataJson.Digest(document.RootElement));
    }

    private static void MustBeRefused(string data)
    {
        using var file = JsonDocument.Parse($$"""{"vectors":[],"mustReject":[{{data}}]}""");
        Assert.Empty(TypedDataVectors.Check(file.RootElement).Failures);
    }

    private static (int Passed, int Failed) Counts(JsonObject file, ISecp256k1 library)
    {
        var outcome = TypedDataVectors.Check(JsonSerializer.SerializeToElement(file), library);
        return (outcome.Passed, outcome.Failures.Count);
    }

    // The package tells digests; a key of one row's own (or the published one) makes the signature that the libraries must agree on.
    private static JsonObject Row(JsonNode given)
    {
        var id = given["name"]!.GetValue<string>();
        var digest = given["digest"]!.GetValue<string>();
        var key = given["privateKey"] is { } published ? Hex.Parse(published.GetValue<string>()) : Keccak256.Hash(System.Text.Encoding.UTF8.GetBytes(id));
        var signature = given["signature"]?.GetValue<string>() ?? Hex.Of(new BouncyCastleSecp256k1().Sign(key, Hex.Parse(digest)));
        return new JsonObject
        {
            ["id"] = id,
            ["domain"] = given["domain"]!.DeepClone(),
            ["types"] = given["types"]!.DeepClone(),
            ["primaryType"] = given["primaryType"]!.DeepClone(),
            ["message"] = given["data"]!.DeepClone(),
            ["digest"] = digest,
            ["privateKey"] = Hex.Of(key),
            ["address"] = Hex.Of(new BouncyCastleSecp256k1().AddressOf(key)),
            ["signature"] = signature,
        };
    }
}
