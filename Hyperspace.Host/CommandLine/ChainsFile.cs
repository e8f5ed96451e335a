using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Host.CommandLine;

/// <summary>
/// <c>chains.json</c>: the chains that a peer settles on, the preferred one first.
/// <code>
/// {"chains": [
///   {"chain": "base", "rpcUrl": "env:BASE_RPC_URL", "escrow": "0x…"},
///   {"chain": "mine", "chainId": 31337, "rpcUrl": "http://127.0.0.1:8545", "confirmations": 1, "maxFeeGwei": 50,
///    "escrow": "0x…", "legacyEscrow": "0x…", "token": {"address": "0x…", "name": "Test USD", "version": "2", "currency": "USDC"}}
/// ]}
/// </code>
/// A member that is not known is an error, and no error repeats an RPC URL, which may hold a key.
/// </summary>
internal static class ChainsFile
{
    /// <summary>Its name in the data directory.</summary>
    public const string Name = "chains.json";

    private const string EnvironmentPrefix = "env:";
    private const int MaxConfirmations = 10_000;
    private const ulong MaxFeeGwei = 1_000_000;
    private const ulong WeiPerGwei = 1_000_000_000;
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads a file; none when <paramref name="file"/> is null and the data directory has no <see cref="Name"/>.</summary>
    /// <exception cref="CommandException">It cannot be read, or says something that is wrong.</exception>
    public static IReadOnlyList<ChainOptions> Read(string? file, string dataDirectory)
    {
        var path = file ?? Path.Combine(dataDirectory, Name);
        if (file is null && !File.Exists(path))
        {
            return [];
        }

        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"{path} cannot be read: {e.Message}");
        }
    }

    /// <summary>Reads a file's text; <paramref name="source"/> names it in errors.</summary>
    internal static IReadOnlyList<ChainOptions> Parse(string text, string source)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(text, documentOptions: Lenient);
        }
        catch (JsonException e)
        {
            throw CommandException.Usage($"{source} is not JSON (line {e.LineNumber + 1}).");
        }

        var file = new Part(root, source).Knows("chains");
        var chains = file.Items("chains").Select(Chain).ToList();
        var twice = chains.GroupBy(chain => chain.ChainId).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? chains : throw CommandException.Usage($"{source}: chain {twice.Key} is there twice.");
    }

    private static ChainOptions Chain(Part part)
    {
        part.Knows("chain", "chainId", "rpcUrl", "token", "escrow", "legacyEscrow", "confirmations", "maxFeeGwei");
        var name = part.Text("chain") ?? throw part.Wrong("chain", "is missing; give base, arbitrum, a1, or a name of your own with chainId and token");
        var known = KnownChains.Find(name);
        var id = part.Number("chainId", 1, long.MaxValue) ?? known?.ChainId ?? throw part.Wrong("chainId", $"is missing: '{name}' is not one of {string.Join(", ", KnownChains.All.Select(k => k.Name))}");
        if (known is not null && id != known.ChainId)
        {
            throw part.Wrong("chainId", $"is {id}, but {known.Name} is chain {known.ChainId}; leave it out, or give the chain another name");
        }

        var options = new ChainOptions
        {
            Name = known?.Name ?? name,
            ChainId = id,
            RpcUrl = RpcUrl(part),
            Token = part.Has("token") ? Token(part.Inner("token")) : known?.Token ?? throw part.Wrong("token", "is missing: give the address, name, version and currency of the token that payments are made in"),
            Escrow = Address(part, "escrow"),
            LegacyEscrow = Address(part, "legacyEscrow"),
        };
        return options with
        {
            Confirmations = (int)(part.Number("confirmations", 0, MaxConfirmations) ?? (ulong)(known?.Confirmations ?? options.Confirmations)),
            MaxFeePerGasWei = part.Number("maxFeeGwei", 1, MaxFeeGwei) is { } gwei ? gwei * WeiPerGwei : options.MaxFeePerGasWei,
        };
    }

    private static Uri RpcUrl(Part part)
    {
        var text = part.Text("rpcUrl") ?? throw part.Wrong("rpcUrl", "is missing; give the URL of the chain's JSON-RPC, or env:NAME for the environment variable that has it");
        if (text.StartsWith(EnvironmentPrefix, StringComparison.Ordinal))
        {
            var variable = text[EnvironmentPrefix.Length..];
            text = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } set ? set : throw part.Wrong("rpcUrl", $"names the environment variable {variable}, which is not set");
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : throw part.Wrong("rpcUrl", "is no http or https URL");
    }

    private static ChainToken Token(Part part)
    {
        part.Knows("address", "name", "version", "currency");
        var currency = part.Text("currency") ?? "USDC";
        return new ChainToken(
            Address(part, "address") ?? throw part.Wrong("address", "is missing"),
            part.Text("name") ?? throw part.Wrong("name", "is missing; it is the name in the token's EIP-712 domain"),
            part.Text("version") ?? throw part.Wrong("version", "is missing; it is the version in the token's EIP-712 domain"),
            Currency.TryParse(currency, out _) ? currency : throw part.Wrong("currency", $"'{currency}' is no currency code"));
    }

    private static ReadOnlyMemory<byte>? Address(Part part, string member) => part.Text(member) is not { } text ? (ReadOnlyMemory<byte>?)null
        : EvmAddress.TryParse(text) is { } address ? (ReadOnlyMemory<byte>?)address
        : throw part.Wrong(member, $"'{text}' is no address: 0x and 40 hex digits, in lower case or with a right checksum (EIP-55)");

    /// <summary>An object of the file, and where it lies.</summary>
    private sealed class Part(JsonNode? node, string path)
    {
        private readonly JsonObject _object = node as JsonObject ?? throw CommandException.Usage($"{path}: is no object.");

        public Part Knows(params string[] members) =>
            _object.Select(m => m.Key).Except(members).FirstOrDefault() is { } unknown
                ? throw CommandException.Usage($"{path}: '{unknown}' is not known; there are {string.Join(", ", members)}.")
                : this;

        public bool Has(string member) => _object[member] is not null;

        public string? Text(string member) => _object[member] switch
        {
            null => null,
            JsonValue value when value.TryGetValue<string>(out var text) && text.Length > 0 => text,
            _ => throw Wrong(member, "is no text"),
        };

        public ulong? Number(string member, ulong min, ulong max) => _object[member] switch
        {
            null => null,
            JsonValue value when value.TryGetValue<ulong>(out var number) && number >= min && number <= max => number,
            _ => throw Wrong(member, $"is no whole number from {min} to {max}"),
        };

        public Part Inner(string member) => new(_object[member], $"{path}: {member}");

        public IEnumerable<Part> Items(string member) =>
            _object[member] is JsonArray items ? items.Select((item, i) => new Part(item, $"{path}: {member}[{i}]")) : throw Wrong(member, "is no list");

        public CommandException Wrong(string member, string how) => CommandException.Usage($"{path}: {member} {how}.");
    }
}
