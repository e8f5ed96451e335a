using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Host;

namespace Hyperspace.Benchmarks.Loop;

/// <summary>Two real peer processes on loopback, driven through their local APIs as an agent would.</summary>
internal static class LoopScenario
{
    private const int Warmup = 200;
    private const int Calls = 1000;
    private const int GossipMessages = 400;
    private static readonly TimeSpan GossipPause = TimeSpan.FromMilliseconds(50);

    public static async Task<LoopReport> RunAsync(TimeSpan duration, Action<string> tell, CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-bench-");
        try
        {
            var figures = new List<Figure>();
            await using var provider = await ChildPeer.StartAsync(new ChildPeerOptions("provider", Path.Combine(directory.FullName, "provider")), cancellationToken);
            await using var caller = await ChildPeer.StartAsync(new ChildPeerOptions("caller", Path.Combine(directory.FullName, "caller"), provider.Listen), cancellationToken);
            figures.Add(new Figure("start to ready, new data directory", (provider.StartUp + caller.StartUp).TotalMilliseconds / 2, "ms"));
            await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
            figures.Add(new Figure("working set of an idle peer", WorkingSetMiB(caller), "MiB"));

            tell("sessions");
            figures.Add(new Figure("session begin + end, one at a time", await SessionsPerSecondAsync(caller, 1, duration, cancellationToken), "/s"));
            figures.Add(new Figure("session begin + end, 16 at once", await SessionsPerSecondAsync(caller, 16, duration, cancellationToken), "/s"));

            tell("calls");
            var documents = Directory.CreateDirectory(Path.Combine(directory.FullName, "documents"));
            await File.WriteAllTextAsync(Path.Combine(documents.FullName, "page.md"), "# Page\n\nA quick brown fox jumps over the lazy dog.\n", cancellationToken);
            var local = await RegisterAsync(caller, "local-search", documents.FullName, 0, cancellationToken);
            figures.AddRange(await InvokeAsync(caller, "tool.invoke, local, free", local, cancellationToken));
            var free = await RegisterAsync(provider, "free-search", documents.FullName, 0, cancellationToken);
            await DiscoverAsync(caller, free, cancellationToken);
            figures.AddRange(await InvokeAsync(caller, "tool.invoke, remote, free", free, cancellationToken));
            var priced = await RegisterAsync(provider, "priced-search", documents.FullName, 0.0001m, cancellationToken);
            await DiscoverAsync(caller, priced, cancellationToken);
            figures.AddRange(await InvokeAsync(caller, "tool.invoke, remote, paid by voucher", priced, cancellationToken));

            tell("gossip");
            var (p50, p99) = await GossipAsync(provider, caller, cancellationToken);
            var js = await JsGossip.MeasureAsync(GossipMessages, GossipPause, cancellationToken);
            figures.Add(new Figure("gossip between two processes, publish → receive, 256 B at 20/s, p50", p50, "ms", js?.P50, "js-libp2p 3"));
            figures.Add(new Figure("gossip between two processes, the same, p99", p99, "ms", js?.P99, "js-libp2p 3"));
            figures.Add(new Figure("working set of the caller after all that", WorkingSetMiB(caller), "MiB"));

            tell("signatures");
            figures.Add(SignatureFigures.Envelope(duration));
            return new LoopReport(figures);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static double WorkingSetMiB(ChildPeer peer)
    {
        using var process = Process.GetProcessById(peer.ProcessId);
        return process.WorkingSet64 / (1024.0 * 1024.0);
    }

    private static async Task<double> SessionsPerSecondAsync(ChildPeer peer, int workers, TimeSpan duration, CancellationToken cancellationToken)
    {
        async Task OneAsync()
        {
            var session = await peer.Api.CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = 1 } }, cancellationToken);
            await peer.Api.CallAsync("state.end", new JsonObject { ["sessionId"] = session!["id"]!.DeepClone() }, cancellationToken);
        }

        for (var i = 0; i < Warmup / 2; i++)
        {
            await OneAsync();
        }

        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, workers).Select(async _ =>
        {
            var count = 0;
            while (clock.Elapsed < duration)
            {
                await OneAsync();
                count++;
            }

            return count;
        }));
        return counts.Sum() / clock.Elapsed.TotalSeconds;
    }

    private static async Task<string> RegisterAsync(ChildPeer peer, string name, string folder, decimal price, CancellationToken cancellationToken)
    {
        var registered = await peer.Api.CallAsync("tool.register", new JsonObject
        {
            ["name"] = name,
            ["description"] = "Full-text search.",
            ["capabilities"] = new JsonArray(name),
            ["inputSchema"] = JsonNode.Parse("""{"type":"object","required":["query"],"properties":{"query":{"type":"string"}}}"""),
            ["price"] = price,
            ["provider"] = new JsonObject { ["type"] = "builtin", ["tool"] = "docs-search", ["folder"] = folder },
        }, cancellationToken);
        return registered!["toolId"]!.GetValue<string>();
    }

    private static async Task DiscoverAsync(ChildPeer peer, string toolId, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(20))
        {
            var found = await peer.Api.CallAsync("tool.discover", new JsonObject { ["query"] = toolId[(toolId.IndexOf('/', StringComparison.Ordinal) + 1)..] }, cancellationToken);
            if (found!.AsArray().Any(t => t!["id"]!.GetValue<string>() == toolId))
            {
                return;
            }
        }

        throw new TimeoutException($"{toolId} was not found within 20 s.");
    }

    private static async Task<IReadOnlyList<Figure>> InvokeAsync(ChildPeer peer, string name, string toolId, CancellationToken cancellationToken)
    {
        var session = (await peer.Api.CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = 100 } }, cancellationToken))!["id"]!;
        var latencies = new Latencies();
        for (var i = 0; i < Warmup + Calls; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var result = await peer.Api.CallAsync("tool.invoke", new JsonObject
            {
                ["toolId"] = toolId,
                ["params"] = new JsonObject { ["query"] = "fox " + i },
                ["sessionId"] = session.DeepClone(),
            }, cancellationToken);
            if (!result!["ok"]!.GetValue<bool>())
            {
                throw new InvalidOperationException($"{name} failed: {result.ToJsonString()}");
            }

            if (i >= Warmup)
            {
                latencies.Add(Stopwatch.GetElapsedTime(start));
            }
        }

        await peer.Api.CallAsync("state.end", new JsonObject { ["sessionId"] = session.DeepClone() }, cancellationToken);
        return [new Figure(name + ", p50", latencies.Percentile(0.5), "ms"), new Figure(name + ", p99", latencies.Percentile(0.99), "ms")];
    }

    private static async Task<(double P50, double P99)> GossipAsync(ChildPeer publisher, ChildPeer subscriber, CancellationToken cancellationToken)
    {
        const string Topic = "bench/gossip";
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + subscriber.Token);
        await socket.ConnectAsync(new UriBuilder(subscriber.ApiUrl) { Scheme = "ws", Path = "/ws" }.Uri, cancellationToken);
        await socket.SendAsync(Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":1,"method":"gossip.subscribe","params":{"topic":"{{{Topic}}}"}}"""), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        await ReceiveAsync(socket, cancellationToken);

        // The mesh needs a heartbeat to form.
        await Task.Delay(TimeSpan.FromSeconds(3), cancellationToken);
        var latencies = new Latencies();
        for (var i = 0; i < GossipMessages; i++)
        {
            var data = new byte[256];
            BitConverter.TryWriteBytes(data, i);
            var start = Stopwatch.GetTimestamp();
            await publisher.Api.CallAsync("gossip.publish", new JsonObject { ["topic"] = Topic, ["data"] = Convert.ToBase64String(data) }, cancellationToken);
            var received = JsonNode.Parse(await ReceiveAsync(socket, cancellationToken))!;
            if (received["params"]!["data"]!.GetValue<string>() != Convert.ToBase64String(data))
            {
                throw new InvalidOperationException("A gossip message was lost.");
            }

            latencies.Add(Stopwatch.GetElapsedTime(start));
            await Task.Delay(GossipPause, cancellationToken);
        }

        return (latencies.Percentile(0.5), latencies.Percentile(0.99));
    }

    private static async Task<string> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(TimeSpan.FromSeconds(10));
        using var message = new MemoryStream();
        var buffer = new byte[8192];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return Encoding.UTF8.GetString(message.ToArray());
    }
}
