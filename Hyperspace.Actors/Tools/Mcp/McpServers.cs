using System.Collections.Concurrent;
using System.Text.Json;
using Hyperspace.Contracts;
using ModelContextProtocol;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>
/// The MCP servers of this peer: one connection each, opened when first needed and again after it broke. A server that
/// keeps failing is left alone for a while (1 s, doubling to 30 s) instead of being started at each call.
/// </summary>
internal sealed class McpServers(TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, Server> _servers = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Makes a server known; its key is what runner configurations name. Nothing is started yet.</summary>
    public void Add(McpServerSpec spec) => _servers.AddOrUpdate(spec.Key, _ => new Server(spec), (_, known) =>
    {
        known.Spec = spec;
        return known;
    });

    /// <summary>The live connection of a server, or why there is none.</summary>
    public async Task<(McpConnection? Connection, Refusal? Refusal)> ConnectAsync(string key, CancellationToken cancellationToken)
    {
        if (!_servers.TryGetValue(key, out var server))
        {
            return (null, new Refusal(ErrorCodes.BridgeFailed, "The MCP server of this tool is not registered any more; call bridge.registerMCPServer again."));
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        await server.Gate.WaitAsync(either.Token).ConfigureAwait(false);
        try
        {
            if (server.Connection is { IsAlive: true } live && await RefreshAsync(server, live, either.Token).ConfigureAwait(false))
            {
                return (live, null);
            }

            await DropAsync(server).ConfigureAwait(false);
            if (server.RetryAt > time.GetUtcNow())
            {
                return (null, new Refusal(ErrorCodes.BridgeFailed, $"The MCP server can't be used now and is tried again after {server.RetryAt:O}: {server.LastError}"));
            }

            return await OpenAsync(server, either.Token).ConfigureAwait(false);
        }
        finally
        {
            server.Gate.Release();
        }
    }

    /// <summary>Opens a fresh connection even if there is one: what a registration lists is what the server says now.</summary>
    public async Task<(McpConnection? Connection, Refusal? Refusal)> ReconnectAsync(string key, CancellationToken cancellationToken)
    {
        var server = _servers[key];
        await server.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await DropAsync(server).ConfigureAwait(false);
            return await OpenAsync(server, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            server.Gate.Release();
        }
    }

    /// <summary>Closes a connection that failed, unless another call has replaced it already.</summary>
    public async Task DropAsync(string key, McpConnection failed)
    {
        if (!_servers.TryGetValue(key, out var server))
        {
            return;
        }

        await server.Gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            if (ReferenceEquals(server.Connection, failed))
            {
                await DropAsync(server).ConfigureAwait(false);
            }
        }
        finally
        {
            server.Gate.Release();
        }
    }

    /// <summary>Forgets a server and ends its process.</summary>
    public async Task RemoveAsync(string key)
    {
        if (_servers.TryRemove(key, out var server))
        {
            await server.Gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            await DropAsync(server).ConfigureAwait(false);
            server.Gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_servers.Keys.ToList().ConvertAll(RemoveAsync)).ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <summary>
    /// True for the ways in which a connection or a server's answer fails; anything else is a defect of ours. The client
    /// library throws argument exceptions for tools whose schema is not that of an object.
    /// </summary>
    internal static bool IsServerFailure(Exception e) =>
        e is IOException or ArgumentException or HttpRequestException or McpException or JsonException or InvalidOperationException or NotSupportedException or TimeoutException or FormatException or OperationCanceledException;

    private async Task<(McpConnection? Connection, Refusal? Refusal)> OpenAsync(Server server, CancellationToken cancellationToken)
    {
        try
        {
            server.Connection = await McpConnection.OpenAsync(server.Spec, time, cancellationToken).ConfigureAwait(false);
            server.Failures = 0;
            return (server.Connection, null);
        }
        catch (Exception e) when (IsServerFailure(e) && !cancellationToken.IsCancellationRequested)
        {
            server.LastError = e.Message;
            server.RetryAt = time.GetUtcNow() + TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, Math.Pow(2, server.Failures++)));
            return (null, new Refusal(ErrorCodes.BridgeFailed, $"The MCP server can't be used; check its command or address: {e.Message}"));
        }
    }

    private static async Task<bool> RefreshAsync(Server server, McpConnection live, CancellationToken cancellationToken)
    {
        try
        {
            await live.RefreshAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (IsServerFailure(e) && !cancellationToken.IsCancellationRequested)
        {
            server.LastError = e.Message;
            return false;
        }
    }

    private static async Task DropAsync(Server server)
    {
        if (server.Connection is { } connection)
        {
            server.Connection = null;
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private sealed class Server(McpServerSpec spec)
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public McpServerSpec Spec { get; set; } = spec;

        public McpConnection? Connection { get; set; }

        public int Failures { get; set; }

        public DateTimeOffset RetryAt { get; set; }

        public string LastError { get; set; } = "";
    }
}
