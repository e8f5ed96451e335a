using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Host.Pay;

/// <summary>What a URL below <c>/pay/</c> asks for.</summary>
internal static class PayPath
{
    private const string Prefix = "/pay/";

    /// <summary>The tool's name of <c>/pay/{name}</c> or <c>/pay/{peerId}/{name}</c>.</summary>
    public static bool TryTool(string? path, [NotNullWhen(true)] out string? tool)
    {
        tool = path is not null && path.StartsWith(Prefix, StringComparison.Ordinal) ? path[(path.LastIndexOf('/') + 1)..] : null;
        return tool is { Length: > 0 } && path!.Count(c => c == '/') <= 3;
    }

    /// <summary>Parameters out of a query: an object of strings; of a name given twice, the last.</summary>
    public static string ParametersOf(IQueryCollection query)
    {
        var parameters = new JsonObject();
        foreach (var (name, values) in query)
        {
            parameters[name] = values.LastOrDefault();
        }

        return parameters.ToJsonString();
    }
}
