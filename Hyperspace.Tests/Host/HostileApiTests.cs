using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Tests.Host;

/// <summary>What <see cref="ApiSurfaceTests"/> does not try on the local API.</summary>
[Collection(HostileTests.Name)]
public sealed class HostileApiTests : IDisposable
{
    private readonly TargetPeer _target;
    private readonly HttpClient _http;

    public HostileApiTests(TargetPeer target)
    {
        _target = target;
        _http = new HttpClient { BaseAddress = target.Peer.ApiUrl };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", target.Peer.Token);
    }

    public void Dispose() => _http.Dispose();

    [Theory]
    [InlineData("params 65 deep", "-32700")]
    [InlineData("100,000 brackets", "-32700")]
    [InlineData("a name twice", "-32700")]
    [InlineData("method twice", "-32700")]
    [InlineData("half a surrogate as id", "-32700")]
    [InlineData("half a surrogate as method", "-32700")]
    [InlineData("half a surrogate as name", "-32700")]
    [InlineData("half a surrogate in free JSON", "-32700")]
    [InlineData("invalid UTF-8", "-32700")]
    [InlineData("NUL bytes", "-32700")]
    [InlineData("a method of 100 kB", "-32601")]
    [InlineData("an object as id", "-32600")]
    [InlineData("an empty batch", "-32600")]
    [InlineData("a batch of 257", "-32600")]
    [InlineData("a huge amount", "INVALID_AMOUNT")]
    [InlineData("a huge limit", "INVALID_PARAMS")]
    [InlineData("a huge reward", "INVALID_PARAMS")]
    [InlineData("a huge time-out", "INVALID_PARAMS")]
    public async Task Odd_json_is_answered_with_a_short_error(string what, string code)
    {
        var body = Encoding.UTF8.GetBytes(what switch
        {
            "params 65 deep" => Call("state.begin", $$"""{"budget":{"max":1},"context":{{new string('[', 65)}}{{new string(']', 65)}}}"""),
            "100,000 brackets" => new string('[', 100_000),
            "a name twice" => Call("state.begin", """{"budget":{"max":1,"max":2}}"""),
            "method twice" => """{"jsonrpc":"2.0","id":1,"method":"node.info","method":"node.peers"}""",
            "half a surrogate as id" => """{"jsonrpc":"2.0","id":"\ud800","method":"node.info"}""",
            "half a surrogate as method" => """{"jsonrpc":"2.0","id":1,"method":"\udc00"}""",
            "half a surrogate as name" => """{"jsonrpc":"2.0","id":1,"method":"node.info","\ud800":1}""",
            "half a surrogate in free JSON" => Call("state.begin", """{"budget":{"max":1},"context":{"a":["\ud800x"]}}"""),
            "a method of 100 kB" => Call(new string('m', 100_000), "{}"),
            "an object as id" => """{"jsonrpc":"2.0","id":{},"method":"node.info"}""",
            "an empty batch" => "[]",
            "a batch of 257" => $"[{string.Join(',', Enumerable.Repeat(Call("node.info", "{}"), 257))}]",
            "a huge amount" => Call("state.begin", """{"budget":{"max":1e30}}"""),
            "a huge limit" => Call("learning.context", """{"taskType":"a","limit":99999999999999999999}"""),
            "a huge reward" => Call("selfImproving.recordTrajectory", """{"taskType":"a","steps":[],"reward":1e400}"""),
            "a huge time-out" => Call("tool.discover", """{"timeoutMs":1e18}"""),
            "NUL bytes" => new string('\0', 1000),
            _ => "",
        });
        if (what == "invalid UTF-8")
        {
            body = [.. "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"node"u8, 0xc3, 0x28, .. "\"}"u8];
        }

        using var response = await _http.PostAsync("rpc", new ByteArrayContent(body));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync();
        Assert.Contains(code, text, StringComparison.Ordinal);
        Assert.True(text.Length < 1000, text);
        await _target.AssertWellAsync();
    }

    [Fact]
    public async Task An_id_of_any_number_comes_back_as_it_went()
    {
        using var response = await _http.PostAsync("rpc", new StringContent("""{"jsonrpc":"2.0","id":1e400,"method":"no.such"}"""));
        Assert.EndsWith("\"id\":1e400}", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GARBAGE\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("POST /rpc HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400")]
    [InlineData("POST /rpc HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 999999999999\r\n\r\n", "HTTP/1.1 4")]
    [InlineData("GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "HTTP/1.1 4")]
    public async Task Malformed_http_is_refused(string request, string expected)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        await socket.ConnectAsync(IPAddress.Loopback, _target.Peer.ApiUrl.Port, patience.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), patience.Token);
        var buffer = new byte[1024];
        var read = await socket.ReceiveAsync(buffer, patience.Token);
        Assert.StartsWith(expected, Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_of_256_slow_calls_is_answered_and_keeps_nobody_waiting()
    {
        var slow = Call("tool.discover", """{"capabilities":["nobody-has-it"],"timeoutMs":1000}""");
        var clock = Stopwatch.StartNew();
        var batch = _http.PostAsync("rpc", new StringContent($"[{string.Join(',', Enumerable.Repeat(slow, 256))}]"));
        await _target.AssertWellAsync();
        using var response = await batch.WaitAsync(TimeSpan.FromSeconds(20));
        var answers = JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsArray();
        Assert.Equal(256, answers.Count(a => a!["result"] is JsonArray { Count: 0 } || a["error"] is not null));
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20));
        await _target.AssertWellAsync();
    }

    [Fact]
    public async Task Fragments_and_binary_frames_are_calls_like_any_other()
    {
        using var socket = await ConnectAsync();
        var call = Encoding.UTF8.GetBytes(Call("node.info", "{}"));
        await socket.SendAsync(call.AsMemory(0, 1), WebSocketMessageType.Text, endOfMessage: false, default);
        await socket.SendAsync(default(ReadOnlyMemory<byte>), WebSocketMessageType.Text, endOfMessage: false, default);
        await socket.SendAsync(call.AsMemory(1), WebSocketMessageType.Text, endOfMessage: true, default);
        Assert.Contains("\"peerId\"", await ReceiveAsync(socket), StringComparison.Ordinal);
        await socket.SendAsync(call, WebSocketMessageType.Binary, endOfMessage: true, default);
        Assert.Contains("\"peerId\"", await ReceiveAsync(socket), StringComparison.Ordinal);
        await socket.SendAsync("\0\u0001\u0002"u8.ToArray(), WebSocketMessageType.Binary, endOfMessage: true, default);
        Assert.Contains("-32700", await ReceiveAsync(socket), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_grows_over_the_limit_by_fragments_closes_the_socket()
    {
        using var socket = await ConnectAsync();
        var fragment = new byte[ApiServer.MaxRequestBytes / 8];
        for (var i = 0; i < 8; i++)
        {
            await socket.SendAsync(fragment, WebSocketMessageType.Binary, endOfMessage: false, default);
        }

        await socket.SendAsync(new byte[1], WebSocketMessageType.Binary, endOfMessage: false, default);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, await CloseStatusAsync(socket));
        await _target.AssertWellAsync();
    }

    [Fact]
    public async Task Text_that_is_no_utf8_closes_the_socket()
    {
        using var socket = await ConnectAsync();
        await socket.SendAsync(new byte[] { 0xc3, 0x28 }, WebSocketMessageType.Text, endOfMessage: true, default);
        Assert.Equal(WebSocketCloseStatus.InvalidPayloadData, await CloseStatusAsync(socket));
        await _target.AssertWellAsync();
    }

    [Fact]
    public async Task Two_hundred_sockets_are_served_side_by_side()
    {
        var sockets = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => ConnectAsync()));
        var call = Encoding.UTF8.GetBytes(Call("node.info", "{}"));
        await Task.WhenAll(sockets.Select(s => s.SendAsync(call, WebSocketMessageType.Text, endOfMessage: true, default)));
        Assert.All(await Task.WhenAll(sockets.Select(ReceiveAsync)), text => Assert.Contains("\"peerId\"", text, StringComparison.Ordinal));
        await _target.AssertWellAsync();
        foreach (var socket in sockets)
        {
            socket.Abort();
            socket.Dispose();
        }
    }

    private static string Call(string method, string parameters) => $$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{{parameters}}}""";

    private static async Task<string> ReceiveAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        var buffer = new byte[64 * 1024];
        var part = await socket.ReceiveAsync(buffer, patience.Token);
        Assert.True(part.EndOfMessage);
        return Encoding.UTF8.GetString(buffer, 0, part.Count);
    }

    private static async Task<WebSocketCloseStatus?> CloseStatusAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        Assert.Equal(WebSocketMessageType.Close, (await socket.ReceiveAsync(new byte[1024], patience.Token)).MessageType);
        return socket.CloseStatus;
    }

    private async Task<ClientWebSocket> ConnectAsync()
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer " + _target.Peer.Token);
        await socket.ConnectAsync(new UriBuilder(_target.Peer.ApiUrl) { Scheme = "ws", Path = "/ws" }.Uri, CancellationToken.None);
        return socket;
    }
}
