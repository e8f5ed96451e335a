using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;
using ModelContextProtocol;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>What a runner needs to find a server's tool again: written into a tool's <see cref="ToolProvider"/>.</summary>
/// <param name="Server">The server's key.</param>
/// <param name="Tool">The tool's name at the server.</param>
/// <param name="Pin">The tool's pin when it was registered.</param>
internal sealed record McpToolConfiguration(string Server, string Tool, string Pin)
{
    public static McpToolConfiguration Parse(string configuration) => JsonSerializer.Deserialize<McpToolConfiguration>(configuration, JsonSerializerOptions.Web)!;

    public override string ToString() => JsonSerializer.Serialize(this, JsonSerializerOptions.Web);
}

/// <summary>Provider type "mcp": calls a tool of a registered MCP server.</summary>
internal sealed class McpRunner(McpServers servers) : IToolRunner
{
    public const string TypeName = "mcp";

    public string Type => TypeName;

    public Refusal? Accept(string configuration) =>
        McpToolConfiguration.Parse(configuration) is { Server.Length: > 0, Tool.Length: > 0, Pin.Length: 64 }
            ? null
            : new Refusal(ErrorCodes.InvalidParams, "Tools of MCP servers are registered with bridge.registerMCPServer.");

    public async ValueTask<Refusal?> PrepareAsync(ToolDefinition definition, string configuration, CancellationToken cancellationToken) =>
        (await ResolveAsync(definition, McpToolConfiguration.Parse(configuration), cancellationToken).ConfigureAwait(false)).Refusal;

    public async Task<ToolRun> RunAsync(ToolDefinition definition, string configuration, string parameters, CancellationToken cancellationToken)
    {
        var config = McpToolConfiguration.Parse(configuration);
        using var arguments = JsonDocument.Parse(parameters);
        for (var attempt = 0; ; attempt++)
        {
            var (connection, refusal) = await ResolveAsync(definition, config, cancellationToken).ConfigureAwait(false);
            if (connection is null)
            {
                return ToolRun.Failure(refusal!.Code, refusal.Message);
            }

            try
            {
                return McpResults.ToRun(await connection.CallAsync(config.Tool, arguments.RootElement, cancellationToken).ConfigureAwait(false));
            }
            catch (McpProtocolException e) when (attempt == 0 && IsLostSession(e))
            {
                await servers.DropAsync(config.Server, connection).ConfigureAwait(false);
            }
            catch (McpProtocolException e)
            {
                return ToolRun.Failure(ErrorCodes.ToolFailed, $"The MCP server refused the call ({(int)e.ErrorCode}): {e.Message}");
            }
            catch (Exception e) when (McpServers.IsServerFailure(e) && !cancellationToken.IsCancellationRequested)
            {
                await servers.DropAsync(config.Server, connection).ConfigureAwait(false);
                if (attempt == 0 && NeverArrived(e))
                {
                    continue;
                }

                return ToolRun.Failure(ErrorCodes.BridgeFailed, $"The MCP server broke off or answered with something that is no MCP result, so whether it ran the tool is unknown; the next call connects anew: {e.Message}");
            }
        }
    }

    private async Task<(McpConnection? Connection, Refusal? Refusal)> ResolveAsync(ToolDefinition definition, McpToolConfiguration config, CancellationToken cancellationToken)
    {
        var (connection, refusal) = await servers.ConnectAsync(config.Server, cancellationToken).ConfigureAwait(false);
        if (connection is null)
        {
            return (null, refusal);
        }

        if (!connection.Tools.TryGetValue(config.Tool, out var tool))
        {
            return (null, new Refusal(ErrorCodes.BridgeFailed, $"The MCP server lists no tool '{config.Tool}' any more; call bridge.registerMCPServer again or unregister '{definition.Name}'."));
        }

        return tool.Pin == config.Pin
            ? (connection, null)
            : (null, new Refusal(ErrorCodes.BridgeFailed, $"The MCP server changed the description or schema of '{definition.Name}' after it was registered, so it is blocked; review it and call bridge.registerMCPServer again to accept it."));
    }

    // What transports say to a session of before their restart; they say it before any tool runs.
    private static bool IsLostSession(McpProtocolException e) =>
        (int)e.ErrorCode is -32000 or -32001 && e.Message.Contains("session", StringComparison.OrdinalIgnoreCase);

    // Only then may the same call be sent again: the server has not seen it.
    private static bool NeverArrived(Exception e) =>
        e is HttpRequestException { StatusCode: HttpStatusCode.NotFound } or HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } };
}
