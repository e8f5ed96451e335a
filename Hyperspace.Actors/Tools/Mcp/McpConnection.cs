using System.Text.Json;
using Hyperspace.Contracts.Tools;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>A live connection to one MCP server, with what it last listed.</summary>
internal sealed class McpConnection : IAsyncDisposable
{
    private const int MaxTools = 256;
    private const int MaxPages = 64;
    private static readonly TimeSpan ListedFor = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time;
    private readonly McpProcess? _process;
    private McpClient _client = null!;
    private IReadOnlyDictionary<string, McpTool> _tools = new Dictionary<string, McpTool>();
    private DateTimeOffset _listedAt;
    private volatile bool _listChanged;

    private McpConnection(TimeProvider time, McpProcess? process)
    {
        _time = time;
        _process = process;
    }

    /// <summary>The name that the server gives itself.</summary>
    public string ServerName => _client.ServerInfo?.Name ?? "mcp";

    /// <summary>The server's tools, by their names there.</summary>
    public IReadOnlyDictionary<string, McpTool> Tools => _tools;

    /// <summary>The process of a stdio server.</summary>
    public int? ProcessId => _process?.Id;

    /// <summary>False once the server is known to be gone.</summary>
    public bool IsAlive => _process is not { HasExited: true } && !_client.Completion.IsCompleted;

    /// <summary>Connects and lists.</summary>
    /// <exception cref="IOException">The server can't be started or reached.</exception>
    /// <exception cref="ModelContextProtocol.McpException">The server does not speak the protocol as it should.</exception>
    public static async Task<McpConnection> OpenAsync(McpServerSpec spec, TimeProvider time, CancellationToken cancellationToken)
    {
        var process = spec.Command is null ? null : McpProcess.Start(spec);
        var connection = new McpConnection(time, process);
        try
        {
            IClientTransport transport = process is not null
                ? new StreamClientTransport(process.Input, new BoundedMessageStream(process.Output, byLine: true))
                : new HttpClientTransport(
                    new HttpClientTransportOptions { Endpoint = spec.Endpoint!, TransportMode = HttpTransportMode.StreamableHttp, Name = "hyperspace" },
                    new HttpClient(BoundedMessageStream.Answers(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10) })) { Timeout = Timeout.InfiniteTimeSpan },
                    ownsHttpClient: true);
            connection._client = await McpClient.CreateAsync(
                transport,
                new McpClientOptions
                {
                    ClientInfo = new Implementation { Name = "hyperspace", Version = "0.1.0" },
                    InitializationTimeout = TimeSpan.FromSeconds(30),
                    Handlers = new McpClientHandlers { NotificationHandlers = [new(NotificationMethods.ToolListChangedNotification, connection.OnListChanged)] },
                },
                loggerFactory: null,
                cancellationToken).ConfigureAwait(false);
            await connection.ListAsync(cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (process?.Errors is { Length: > 0 } errors && !cancellationToken.IsCancellationRequested)
            {
                throw new IOException($"{e.Message} The server's last words: {errors}", e);
            }

            throw;
        }
    }

    /// <summary>Lists again when the server said that its list changed, or when the list is old.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        if (_listChanged || _time.GetUtcNow() - _listedAt > ListedFor)
        {
            await ListAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Calls a tool by its name at the server.</summary>
    public ValueTask<CallToolResult> CallAsync(string tool, JsonElement arguments, CancellationToken cancellationToken) => _client.CallToolAsync(
        new CallToolRequestParams { Name = tool, Arguments = arguments.EnumerateObject().ToDictionary(p => p.Name, p => p.Value) },
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync().ConfigureAwait(false);
        }

        if (_process is not null)
        {
            await _process.DisposeAsync().ConfigureAwait(false);
        }
    }

    private ValueTask OnListChanged(JsonRpcNotification notification, CancellationToken cancellationToken)
    {
        _listChanged = true;
        return ValueTask.CompletedTask;
    }

    private async Task ListAsync(CancellationToken cancellationToken)
    {
        _listChanged = false;
        var tools = new Dictionary<string, McpTool>(StringComparer.Ordinal);
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var result = await _client.ListToolsAsync(new ListToolsRequestParams { Cursor = cursor }, cancellationToken).ConfigureAwait(false);
            foreach (var tool in result.Tools)
            {
                if (tools.Count >= MaxTools)
                {
                    throw new IOException($"The server lists more than {MaxTools} tools.");
                }

                tools[tool.Name] = new McpTool(tool.Name, tool.Description ?? tool.Title ?? tool.Name, tool.InputSchema.GetRawText());
            }

            cursor = result.NextCursor;
            if (string.IsNullOrEmpty(cursor))
            {
                _tools = tools;
                _listedAt = _time.GetUtcNow();
                return;
            }
        }

        throw new IOException($"The server's list of tools has no end after {MaxPages} pages.");
    }
}
