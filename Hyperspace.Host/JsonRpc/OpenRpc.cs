using System.Text;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.JsonRpc;

/// <summary>The methods as an OpenRPC document (open-rpc.org) and as <c>docs/api.md</c>; both from the same table that is served.</summary>
internal static class OpenRpc
{
    public static JsonObject Describe(IEnumerable<ApiMethod> methods) => new()
    {
        ["openrpc"] = "1.3.2",
        ["info"] = new JsonObject { ["title"] = "Hyperspace local API", ["version"] = "0.1.0" },
        ["methods"] = new JsonArray([.. methods.Select(Describe)]),
    };

    public static string ToMarkdown(IEnumerable<ApiMethod> methods)
    {
        var text = new StringBuilder();
        text.Append("""
            # The local API

            JSON-RPC 2.0 at `POST http://127.0.0.1:7420/rpc` (single calls and batches) and on the WebSocket `/ws`; parameters by
            name; `Authorization: Bearer TOKEN` with the token in `<data>/api-token`. `GET /healthz` needs no token. Amounts are JSON
            numbers or decimal strings with at most 6 decimals. This page is generated: `dotnet fsi build.fsx -- docs`.


            """);
        foreach (var method in methods.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            text.Append($"## {method.Name}\n\n{method.Summary}\n\n");
            if (method.Params.Count > 0)
            {
                text.Append("| parameter | type | | |\n|---|---|---|---|\n");
                foreach (var p in method.Params)
                {
                    text.Append($"| `{p.Name}` | {Escape(p.Type)} | {(p.Required ? "required" : "")} | {Escape(p.Description)} |\n");
                }

                text.Append('\n');
            }

            text.Append($"Result: `{method.Result}`\n\n");
        }

        text.Append("## Errors\n\nProtocol faults have JSON-RPC's own numbers. Everything else has a number and, in `data.code`, a name; both are stable, and a name has one number,\nwhether the API or what is behind it found the fault: `INVALID_PARAMS` and `INTERNAL` have JSON-RPC's own.\n\n| number | `data.code` |\n|---|---|\n");
        foreach (var (number, code) in JsonRpcException.Table)
        {
            text.Append($"| {number} | `{code}` |\n");
        }

        return text.ToString();
    }

    private static JsonNode Describe(ApiMethod method) => new JsonObject
    {
        ["name"] = method.Name,
        ["summary"] = method.Summary,
        ["paramStructure"] = "by-name",
        ["params"] = new JsonArray(
        [
            .. method.Params.Select(p => (JsonNode)new JsonObject
            {
                ["name"] = p.Name,
                ["description"] = p.Description,
                ["required"] = p.Required,
                ["schema"] = new JsonObject { ["description"] = p.Type },
            }),
        ]),
        ["result"] = new JsonObject { ["name"] = "result", ["schema"] = new JsonObject { ["description"] = method.Result } },
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
