using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.Loop;

/// <summary>A payer and a payee as processes of their own, with data directories that outlive them, and a priced tool at the payee.</summary>
internal sealed class PaidPair : IAsyncDisposable
{
    public const decimal Price = 0.001m;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-pair-");
    private readonly int _payeePort = FreePort();

    private PaidPair(CountingTool tool) => Tool = tool;

    public CountingTool Tool { get; }

    public ChildPeer Payer { get; private set; } = null!;

    public ChildPeer Payee { get; private set; } = null!;

    public string ToolId { get; private set; } = "";

    public static async Task<PaidPair> StartAsync()
    {
        var pair = new PaidPair(await CountingTool.StartAsync());
        await pair.StartPayeeAsync();
        await pair.StartPayerAsync();
        var registered = await pair.Payee.Api.CallAsync("tool.register", new JsonObject
        {
            ["name"] = "count",
            ["description"] = "Counts how often it served.",
            ["capabilities"] = new JsonArray("count"),
            ["inputSchema"] = new JsonObject { ["type"] = "object" },
            ["price"] = Price,
            ["provider"] = new JsonObject { ["type"] = "http", ["url"] = pair.Tool.Url.ToString() },
        });
        pair.ToolId = registered!["toolId"]!.GetValue<string>();
        await pair.UntilAsync("the payer finds the tool", async () =>
            (await pair.Payer.Api.CallAsync("tool.discover", new JsonObject { ["capabilities"] = new JsonArray("count") }))!.AsArray().Count > 0);
        return pair;
    }

    public async Task StartPayeeAsync(string? fault = null) => Payee = await ChildPeer.StartAsync(
        new ChildPeerOptions("payee", Path.Combine(_directory.FullName, "payee"), Listen: $"/ip4/127.0.0.1/tcp/{_payeePort}", Fault: fault), CancellationToken.None);

    public async Task StartPayerAsync(string? fault = null) => Payer = await ChildPeer.StartAsync(
        new ChildPeerOptions("payer", Path.Combine(_directory.FullName, "payer"), Bootstrap: Payee.Listen, Fault: fault), CancellationToken.None);

    public async Task<string> BeginAsync(decimal budget) =>
        (await Payer.Api.CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = budget } }))!["id"]!.GetValue<string>();

    public Task<JsonNode?> InvokeAsync(string sessionId, int number, int timeoutMs = 60_000) => Payer.Api.CallAsync("tool.invoke", new JsonObject
    {
        ["toolId"] = ToolId,
        ["params"] = new JsonObject { ["number"] = number },
        ["sessionId"] = sessionId,
        ["timeoutMs"] = timeoutMs,
    });

    public async Task<JsonNode> SessionAsync(string sessionId) => (await Payer.Api.CallAsync("state.get", new JsonObject { ["sessionId"] = sessionId }))!;

    /// <summary>Sums over all channels of a side: highest accepted, spent on requests, vouchers in flight.</summary>
    public static async Task<(decimal Accepted, decimal Spent, bool InFlight)> ChannelAsync(ChildPeer peer, string side)
    {
        var channels = (await peer.Api.CallAsync("micropayments.channel.list"))!.AsArray().Where(c => c!["side"]!.GetValue<string>() == side).ToList();
        return (
            channels.Sum(c => c!["accepted"]!.GetValue<decimal>()),
            channels.Sum(c => c!["spent"]?.GetValue<decimal>() ?? 0),
            channels.Any(c => c!["inFlight"]?.GetValue<bool>() ?? false));
    }

    public Task UntilAsync(string what, Func<Task<bool>> holds) => Eventually.TrueOfAsync(what, holds, (nameof(Payer), Payer), (nameof(Payee), Payee));

    public async ValueTask DisposeAsync()
    {
        await Payer.DisposeAsync();
        await Payee.DisposeAsync();
        await Tool.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    /// <summary>One of loopback that was free just now, for a listener that is to be found again after a restart.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
