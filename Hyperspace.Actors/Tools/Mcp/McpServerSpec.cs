using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>How an MCP server is reached. The environment may hold secrets: it is journalled, never logged or told.</summary>
/// <param name="Url"><c>stdio://COMMAND</c> or <c>http(s)://…</c>.</param>
/// <param name="Args">Arguments of the command.</param>
/// <param name="Env">Environment of the command, beside PATH, HOME, LANG and TMPDIR; nothing else of this peer's environment reaches it.</param>
internal sealed record McpServerSpec(string Url, IReadOnlyList<string> Args, IReadOnlyDictionary<string, string> Env)
{
    private const string StdioScheme = "stdio://";

    /// <summary>Names the server on this peer: the same command or address is the same server.</summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new object[] { Url, Args }))))[..16];

    /// <summary>The command of a stdio server, else null.</summary>
    public string? Command => Url.StartsWith(StdioScheme, StringComparison.OrdinalIgnoreCase) ? Url[StdioScheme.Length..] : null;

    /// <summary>The address of a streamable HTTP server, else null.</summary>
    public Uri? Endpoint => Uri.TryCreate(Url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) ? uri : null;

    /// <summary>Null when the spec is within its limits.</summary>
    public Refusal? Check() => this switch
    {
        { Url.Length: > 2048 } => new Refusal(ErrorCodes.TooLarge, "The server's url has at most 2048 characters."),
        { Args.Count: > 64 } or { Env.Count: > 64 } => new Refusal(ErrorCodes.TooLarge, "A server takes at most 64 arguments and 64 environment variables."),
        _ when Args.Any(a => a.Length > 8192) || Env.Any(e => e.Key.Length is 0 or > 256 || e.Value.Length > 32768) => new Refusal(ErrorCodes.TooLarge, "An argument has at most 8192 characters, an environment variable 32768."),
        { Command.Length: > 0 } or { Endpoint: not null } => null,
        _ => new Refusal(ErrorCodes.InvalidParams, "The server's url is stdio://COMMAND, http://… or https://…."),
    };
}

/// <summary>A tool as its server listed it.</summary>
/// <param name="Name">Its name at the server.</param>
/// <param name="Description">What it does.</param>
/// <param name="InputSchema">JSON Schema, as JSON text.</param>
internal sealed record McpTool(string Name, string Description, string InputSchema)
{
    /// <summary>
    /// SHA-256 over description and schema. It is kept at registration, so that a server can't swap what a model is told
    /// after someone approved it ("rug pull").
    /// </summary>
    public string Pin => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Description}\n{Canonical(InputSchema)}")));

    // A schema that can't be read (a member twice, too deep) is never registered; it only has to differ from those that were.
    private static string Canonical(string schema)
    {
        try
        {
            return Canonical(JsonNode.Parse(schema, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }));
        }
        catch (JsonException)
        {
            return schema;
        }
    }

    // Order of members carries no meaning, and servers don't promise it.
    private static string Canonical(JsonNode? node) => node switch
    {
        JsonObject members => $"{{{string.Join(',', members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{JsonSerializer.Serialize(m.Key)}:{Canonical(m.Value)}"))}}}",
        JsonArray items => $"[{string.Join(',', items.Select(Canonical))}]",
        null => "null",
        _ => node.ToJsonString(),
    };
}
