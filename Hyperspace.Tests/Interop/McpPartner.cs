using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Tests.Interop;

/// <summary>Installs the real MCP servers (folder <c>Interop/js/mcp</c>) once per checkout; without node the tests are skipped.</summary>
public sealed class McpPartner : IAsyncLifetime
{
    private string? _missing;

    public static string Folder => NpmFolder.PathOf("mcp");

    public async Task InitializeAsync() => _missing = await NpmFolder.InstallAsync("mcp");

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>A spec that runs a script of the folder with node.</summary>
    internal McpServerSpec Node(string script, params string[] arguments)
    {
        Skip.If(_missing is not null, _missing);
        return new McpServerSpec("stdio://node", [Path.Combine(Folder, script), .. arguments], new Dictionary<string, string>());
    }

    internal McpServerSpec Everything() => Node("node_modules/@modelcontextprotocol/server-everything/dist/index.js", "stdio");

    internal McpServerSpec Filesystem(string folder) => Node("node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", folder);

    /// <summary>server-everything over streamable HTTP on a free port, started and listening.</summary>
    internal async Task<HttpServer> StartHttpAsync(int? port = null)
    {
        var spec = Node("node_modules/@modelcontextprotocol/server-everything/dist/index.js", "streamableHttp");
        return await HttpServer.StartAsync(spec, port ?? FreePort());
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The server's process; ended by its own id.</summary>
    internal sealed class HttpServer(Process process, int port) : IAsyncDisposable
    {
        public int Port => port;

        public McpServerSpec Spec => new($"http://127.0.0.1:{port}/mcp", [], new Dictionary<string, string>());

        public static async Task<HttpServer> StartAsync(McpServerSpec spec, int port)
        {
            var start = new ProcessStartInfo("node", spec.Args) { RedirectStandardOutput = true, RedirectStandardError = true };
            start.Environment["PORT"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var process = Process.Start(start)!;
            var listening = new TaskCompletionSource();
            process.OutputDataReceived += (_, line) => Look(line.Data);
            process.ErrorDataReceived += (_, line) => Look(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            await listening.Task.WaitAsync(TimeSpan.FromSeconds(20));
            return new HttpServer(process, port);

            void Look(string? line)
            {
                if (line?.Contains("listening", StringComparison.OrdinalIgnoreCase) == true)
                {
                    listening.TrySetResult();
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }
}

/// <summary>The bridge as the registry uses it: registered servers, their tools, and calls of them.</summary>
internal sealed class McpBridge : IAsyncDisposable
{
    private readonly McpRunner _runner;

    public McpBridge() => _runner = new McpRunner(Servers);

    public McpServers Servers { get; } = new(TimeProvider.System);

    public ToolRegistryState State { get; private set; } = ToolRegistryState.Empty;

    public async Task<IReadOnlyList<string>> RegisterAsync(McpServerSpec spec, params string[] wanted)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Servers.Add(spec);
        var (connection, refusal) = await Servers.ReconnectAsync(spec.Key, timeout.Token);
        Assert.Null(refusal);
        var decision = State.Decide(new AttachMcpServer(spec, connection!.ServerName, [.. connection.Tools.Values], wanted.Length > 0 ? wanted : null, Amount.MicroUsdc(0), ["bridge"]));
        Assert.Null(decision.Refusal);
        State = decision.Events.Aggregate(State, (state, happened) => state.Apply(happened));
        return decision.Names;
    }

    public async Task<ToolRun> CallAsync(string name, object? parameters = null, TimeSpan? timeout = null)
    {
        using var deadline = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(20));
        var tool = State.Tools[name];
        return await _runner.RunAsync(tool.Definition, tool.Provider.Configuration, JsonSerializer.Serialize(parameters ?? new { }), deadline.Token);
    }

    public async Task<int?> ProcessOf(McpServerSpec spec) => (await Servers.ConnectAsync(spec.Key, CancellationToken.None)).Connection?.ProcessId;

    public ValueTask DisposeAsync() => Servers.DisposeAsync();
}
