using System.Net;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Host;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Tests.Host;

/// <summary>The HTTP and WebSocket surface of a real peer.</summary>
public class ApiSurfaceTests(PeerProcessFixture peer) : IClassFixture<PeerProcessFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Health_needs_no_token_and_everything_else_does()
    {
        using var stranger = new HttpClient { BaseAddress = peer.Api };
        Assert.Equal(HttpStatusCode.OK, (await stranger.GetAsync("healthz")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.PostAsync("rpc", new StringContent("{}"))).StatusCode);
        stranger.DefaultRequestHeaders.Authorization = new("Bearer", new string('0', 64));
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.PostAsync("rpc", new StringContent("{}"))).StatusCode);
    }

    [Theory]
    [InlineData("Origin", "https://evil.example")]
    [InlineData("Origin", "null")]
    [InlineData("Host", "evil.example")]
    public async Task Foreign_origins_and_hosts_are_forbidden(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "rpc") { Content = new StringContent("{}") };
        request.Headers.TryAddWithoutValidation(header, value);
        Assert.Equal(HttpStatusCode.Forbidden, (await peer.Http.SendAsync(request)).StatusCode);
    }

    [Theory]
    [InlineData(ApiServer.MaxRequestBytes + 1, false)]
    [InlineData(ApiServer.MaxRequestBytes + 1, true)]
    [InlineData(RequestBody.MaxDiscarded, false)]
    [InlineData(RequestBody.MaxDiscarded / 2, true)]
    public async Task A_sender_in_full_flow_reads_that_its_body_is_too_large(int bytes, bool inChunks)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "rpc") { Content = new ByteArrayContent(new byte[bytes]) };
        request.Headers.TransferEncodingChunked = inChunks;
        using var answer = await peer.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Contains($"at most {ApiServer.MaxRequestBytes} bytes", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.NotNull((await peer.CallAsync("node.info"))["result"]);
    }

    [Fact]
    public async Task A_sender_that_asks_first_is_spared_the_sending_of_what_is_far_too_large()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "rpc") { Content = new ByteArrayContent(new byte[RequestBody.MaxDiscarded + 1]) };
        request.Headers.ExpectContinue = true;
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await peer.Http.SendAsync(request)).StatusCode);
        Assert.NotNull((await peer.CallAsync("node.info"))["result"]);
    }

    [Fact]
    public async Task Node_info_tells_who_the_peer_is()
    {
        var info = (await peer.CallAsync("node.info"))["result"]!;
        Assert.Equal(peer.PeerId, info["peerId"]!.GetValue<string>());
        Assert.Matches("^0x[0-9a-f]{40}$", info["walletAddress"]!.GetValue<string>());
        Assert.True(info["secp256k1"]!.GetValue<string>() is "libsecp256k1" or "BouncyCastle");
        Assert.EndsWith("/p2p/" + peer.PeerId, info["listen"]![0]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("state.begin", """{"budget":{"max":-1}}""", "INVALID_AMOUNT")]
    [InlineData("state.begin", """{"budget":{"max":"1e3"}}""", "INVALID_AMOUNT")]
    [InlineData("state.begin", """{"budget":{"max":0.0000001}}""", "INVALID_AMOUNT")]
    [InlineData("state.begin", """{"budget":{"max":1,"currency":"usd!"}}""", "INVALID_PARAMS")]
    [InlineData("state.begin", """{}""", "INVALID_PARAMS")]
    [InlineData("state.get", """{"sessionId":"ses_nobody"}""", "SESSION_NOT_FOUND")]
    [InlineData("state.end", """{"sessionId":"../../etc"}""", "SESSION_NOT_FOUND")]
    [InlineData("tool.invoke", """{"toolId":"x","params":{},"sessionId":"ses_nobody"}""", "TOOL_NOT_FOUND")]
    [InlineData("tool.invoke", """{"toolId":"x","params":[],"sessionId":"s"}""", "INVALID_PARAMS")]
    [InlineData("tool.invoke", """{"toolId":"x","params":{},"sessionId":"s","timeoutMs":0}""", "INVALID_PARAMS")]
    [InlineData("tool.register", """{"name":"no spaces","description":"d","capabilities":[],"inputSchema":{},"provider":{"type":"builtin","tool":"fetch-page"}}""", "INVALID_PARAMS")]
    [InlineData("tool.register", """{"name":"x","description":"d","capabilities":[],"inputSchema":{},"provider":{"type":"magic"}}""", "INVALID_PARAMS")]
    [InlineData("tool.register", """{"name":"x","description":"d","capabilities":[],"inputSchema":{"type":5},"provider":{"type":"builtin","tool":"fetch-page"}}""", "INVALID_PARAMS")]
    [InlineData("tool.register", """{"name":"x","description":"d","capabilities":[],"inputSchema":{"type":"objekt"},"provider":{"type":"builtin","tool":"fetch-page"}}""", "INVALID_PARAMS")]
    [InlineData("bridge.registerMCPServer", """{"url":"ftp://x"}""", "INVALID_PARAMS")]
    [InlineData("bridge.registerMCPServer", """{"url":"stdio:///no/such/command"}""", "BRIDGE_FAILED")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a/b","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1}""", "INVALID_PARAMS")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"..","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1}""", "INVALID_PARAMS")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1.5}""", "INVALID_PARAMS")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1e999}""", "INVALID_PARAMS")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a","steps":[],"reward":1}""", "INVALID_PARAMS")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1,"sessionId":"ses_nobody"}""", "SESSION_NOT_FOUND")]
    [InlineData("selfImproving.recordTrajectory", """{"taskType":"a","steps":[5],"reward":1}""", "INVALID_PARAMS")]
    [InlineData("learning.reflect", """{"execution":"x","outcome":"maybe","insights":[]}""", "INVALID_PARAMS")]
    [InlineData("gossip.publish", """{"topic":"t","data":"not base64!"}""", "INVALID_PARAMS")]
    [InlineData("gossip.publish", """{"topic":"","data":""}""", "INVALID_PARAMS")]
    [InlineData("gossip.publish", """{"topic":"hyperspace/trajectories/docs","data":"bm8gZW52ZWxvcGU="}""", "BAD_ENVELOPE")]
    [InlineData("gossip.publish", """{"topic":"hyperspace/capabilities","data":"bm8gZW52ZWxvcGU="}""", "BAD_ENVELOPE")]
    [InlineData("gossip.subscribe", """{"topic":"t"}""", "INVALID_PARAMS")]
    [InlineData("node.connect", """{"multiaddr":"nonsense"}""", "INVALID_PARAMS")]
    [InlineData("node.connect", """{"multiaddr":"/ip4/127.0.0.1/tcp/1"}""", "PEER_UNREACHABLE")]
    public async Task Bad_input_is_answered_with_a_code_and_a_sentence(string method, string parameters, string code)
    {
        var error = (await peer.CallAsync(method, JsonNode.Parse(parameters)!.AsObject()))["error"];
        Assert.NotNull(error);
        Assert.Equal(code, error["data"]?["code"]?.GetValue<string>());
        Assert.True(error["message"]!.GetValue<string>().Length > 10);
    }

    [Fact]
    public async Task A_run_of_a_session_of_this_peer_is_recorded()
    {
        var session = (await peer.CallAsync("state.begin", JsonNode.Parse("""{"agentId":"a","budget":{"max":1},"context":{}}""")!.AsObject()))["result"]!;
        var run = JsonNode.Parse("""{"taskType":"of-a-session","steps":[{"kind":"tool","name":"t","durationMs":1,"ok":true}],"reward":1}""")!.AsObject();
        run["sessionId"] = session["id"]!.DeepClone();
        Assert.Equal(64, (await peer.CallAsync("selfImproving.recordTrajectory", run))["result"]!["trajectoryId"]!.GetValue<string>().Length);
    }

    [Fact]
    public async Task A_session_lives_from_begin_to_end()
    {
        var begun = (await peer.CallAsync("state.begin", JsonNode.Parse("""{"agentId":"a","budget":{"max":5.0},"context":{"task":"t"}}""")!.AsObject()))["result"]!;
        Assert.Equal("active", begun["status"]!.GetValue<string>());
        Assert.Equal("""{"max":5,"spent":0,"reserved":0,"remaining":5,"currency":"USDC"}""", begun["budget"]!.ToJsonString());
        var id = new JsonObject { ["sessionId"] = begun["id"]!.DeepClone() };

        var check = (await peer.CallAsync("guard.check", new JsonObject { ["sessionId"] = begun["id"]!.DeepClone(), ["operation"] = "inference.request", ["estimatedCost"] = 0.003 }))["result"]!;
        Assert.True(check["allowed"]!.GetValue<bool>());
        Assert.False((await peer.CallAsync("guard.check", new JsonObject { ["sessionId"] = begun["id"]!.DeepClone(), ["operation"] = "inference.request", ["estimatedCost"] = 5.000001 }))["result"]!["allowed"]!.GetValue<bool>());

        Assert.Equal("t", (await peer.CallAsync("state.get", (JsonObject)id.DeepClone()))["result"]!["context"]!["task"]!.GetValue<string>());
        Assert.Equal("ended", (await peer.CallAsync("state.end", (JsonObject)id.DeepClone()))["result"]!["status"]!.GetValue<string>());
        Assert.Equal("ended", (await peer.CallAsync("state.end", (JsonObject)id.DeepClone()))["result"]!["status"]!.GetValue<string>());
        Assert.False((await peer.CallAsync("guard.check", new JsonObject { ["sessionId"] = begun["id"]!.DeepClone(), ["operation"] = "x", ["estimatedCost"] = 0 }))["result"]!["allowed"]!.GetValue<bool>());
    }

    [Fact]
    public async Task The_web_socket_answers_calls_and_brings_gossip()
    {
        using var socket = await ConnectAsync();
        await SendAsync(socket, """{"jsonrpc":"2.0","id":7,"method":"gossip.subscribe","params":{"topic":"tests/ws"}}""");
        Assert.Equal("""{"jsonrpc":"2.0","result":{"topic":"tests/ws"},"id":7}""", await ReceiveAsync(socket));
        await SendAsync(socket, "not json");
        Assert.Contains("-32700", await ReceiveAsync(socket), StringComparison.Ordinal);
        await SendAsync(socket, """[{"jsonrpc":"2.0","id":1,"method":"node.info"},{"jsonrpc":"2.0","id":2,"method":"node.peers"}]""");
        Assert.Equal(2, JsonNode.Parse(await ReceiveAsync(socket))!.AsArray().Count);
    }

    [Fact]
    public async Task Subscribing_twice_is_as_once_and_unsubscribing_ends_it()
    {
        using var socket = await ConnectAsync();
        await CallAsync(socket, "gossip.subscribe", "tests/twice");
        await CallAsync(socket, "gossip.subscribe", "tests/twice");
        Assert.True((await CallAsync(socket, "gossip.unsubscribe", "tests/twice"))["result"]!["unsubscribed"]!.GetValue<bool>());
        Assert.False((await CallAsync(socket, "gossip.unsubscribe", "tests/twice"))["result"]!["unsubscribed"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_client_has_a_limited_number_of_subscriptions()
    {
        var subscriptions = new Subscriptions();
        var made = 0;
        Task<IDisposable> Make()
        {
            made++;
            return Task.FromResult<IDisposable>(new MemoryStream());
        }

        for (var i = 0; i < Subscriptions.Max; i++)
        {
            await subscriptions.AddAsync($"topic {i}", Make);
        }

        await subscriptions.AddAsync("topic 0", Make);
        Assert.Equal(Subscriptions.Max, made);
        Assert.Equal("RATE_LIMITED", (await Assert.ThrowsAsync<JsonRpcException>(() => subscriptions.AddAsync("one more", Make))).StableCode);
        Assert.True(await subscriptions.RemoveAsync("topic 0"));
        await subscriptions.AddAsync("one more", Make);
    }

    [Fact]
    public async Task A_web_socket_without_token_is_refused()
    {
        using var socket = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => socket.ConnectAsync(new UriBuilder(peer.Api) { Scheme = "ws", Path = "/ws" }.Uri, CancellationToken.None));
    }

    [Fact]
    public async Task Rpc_discover_lists_every_method_and_the_page_in_docs_is_up_to_date()
    {
        var listed = (await peer.CallAsync("rpc.discover"))["result"]!["methods"]!.AsArray().Select(m => m!["name"]!.GetValue<string>());
        Assert.Equal(peer.Methods.Select(m => m.Name).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "api.md")), OpenRpc.ToMarkdown(peer.Methods));
    }

    private static string Root([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));

    private static Task SendAsync(ClientWebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var message = new MemoryStream();
        var buffer = new byte[4096];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return Encoding.UTF8.GetString(message.ToArray());
    }

    private static async Task<JsonNode> CallAsync(ClientWebSocket socket, string method, string topic)
    {
        await SendAsync(socket, new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonObject { ["topic"] = topic } }.ToJsonString());
        return JsonNode.Parse(await ReceiveAsync(socket))!;
    }

    private async Task<ClientWebSocket> ConnectAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + peer.Token);
        await socket.ConnectAsync(new UriBuilder(peer.Api) { Scheme = "ws", Path = "/ws" }.Uri, CancellationToken.None);
        return socket;
    }
}
