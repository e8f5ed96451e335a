using System.Net;
using System.Text;
using System.Text.Json;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Tests.Chain;

/// <summary>Our JSON-RPC client against a node that misbehaves: nothing is read that was not said, and no secret gets out.</summary>
public sealed class EvmRpcTests
{
    private const string Secret = "s3cr3t-key-of-mine";

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":"0x10"}""", null)]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":"0x010"}""", "quantity")]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":"0x"}""", "quantity")]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":16}""", "quantity")]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":"0x10000000000000000"}""", "too large")]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"result":"-0x1"}""", "quantity")]
    [InlineData("""{"jsonrpc":"2.0","id":99999,"result":"0x10"}""", "no JSON-RPC")]
    [InlineData("""{"jsonrpc":"2.0","id":ID}""", "no JSON-RPC")]
    [InlineData("""[]""", "no JSON-RPC")]
    [InlineData("""<html>""", "without JSON-RPC")]
    [InlineData("""{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"bad key s3cr3t-key-of-mine at /v2/S3CR3T-KEY-OF-MINE"}}""", "bad key …")]
    public async Task An_answer_is_read_strictly(string body, string? error)
    {
        await using var node = new OddNode(id => body.Replace("ID", id, StringComparison.Ordinal));
        using var rpc = new EvmRpc(node.Options);
        if (error is null)
        {
            Assert.Equal(16UL, await rpc.BlockNumberAsync(default));
            return;
        }

        var failed = await Assert.ThrowsAnyAsync<IOException>(() => rpc.BlockNumberAsync(default));
        Assert.Contains(error, failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, failed.ToString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_node_of_another_chain_is_asked_nothing()
    {
        await using var node = new OddNode(id => $$"""{"jsonrpc":"2.0","id":{{id}},"result":"0x1"}""", chainId: 5);
        using var rpc = new EvmRpc(node.Options);
        Assert.Contains("serves chain 5", (await Assert.ThrowsAsync<IOException>(() => rpc.BlockNumberAsync(default))).Message, StringComparison.Ordinal);
        Assert.Equal(1, node.Asked);
    }

    [Fact]
    public async Task A_node_that_is_away_silent_or_endless_is_an_error_without_its_address()
    {
        var node = new OddNode(id => new string(' ', 2 * 1024 * 1024) + id);
        using var endless = new EvmRpc(node.Options);
        Assert.DoesNotContain(Secret, (await Assert.ThrowsAsync<IOException>(() => endless.BlockNumberAsync(default))).ToString(), StringComparison.Ordinal);
        await node.DisposeAsync();
        using var away = new EvmRpc(node.Options);
        var gone = await Assert.ThrowsAsync<IOException>(() => away.BlockNumberAsync(default));
        Assert.Contains("cannot be reached", gone.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("127.0.0.1", gone.Message, StringComparison.Ordinal);
        await using var silent = new OddNode(_ => null);
        using var waiting = new EvmRpc(silent.Options, TimeSpan.FromMilliseconds(100));
        Assert.Contains("no answer within", (await Assert.ThrowsAsync<IOException>(() => waiting.BlockNumberAsync(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_revert_says_why_whatever_the_bytes()
    {
        Assert.Equal("NotPayee", RevertReason.Of(Abi.Selector("NotPayee()")));
        Assert.Equal("too late", RevertReason.Of([.. Convert.FromHexString("08c379a0"), .. Abi.Encode(AbiValue.Text("too late"))]));
        Assert.Equal("panic 17", RevertReason.Of([.. Convert.FromHexString("4e487b71"), .. new byte[31], 17]));
        Assert.Equal("error 0x01020304", RevertReason.Of([1, 2, 3, 4]));
        Assert.Equal("error 0x08c379a0", RevertReason.Of([.. Convert.FromHexString("08c379a0"), .. new byte[31], 32, .. Enumerable.Repeat((byte)255, 32)]));
        Assert.Equal("reverted without a reason", RevertReason.Of([]));
    }

    /// <summary>Answers the chain id, then what it is told to; nothing at all for null.</summary>
    private sealed class OddNode : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Task _serving;
        private readonly CancellationTokenSource _stopped = new();
        private int _asked;

        public OddNode(Func<string, string?> answer, ulong chainId = 808080)
        {
            using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            var port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
            _listener.Start();
            Options = new ChainOptions { Name = "odd", ChainId = 808080, RpcUrl = new Uri($"http://127.0.0.1:{port}/v2/{Secret}"), Token = new ChainToken(new byte[20], "T", "1", "USDC") };
            _serving = ServeAsync(answer, chainId);
        }

        public ChainOptions Options { get; }

        public int Asked => _asked;

        public async ValueTask DisposeAsync()
        {
            await _stopped.CancelAsync();
            _listener.Close();
            await _serving;
            _stopped.Dispose();
        }

        private async Task ServeAsync(Func<string, string?> answer, ulong chainId)
        {
            while (!_stopped.IsCancellationRequested)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }

                Interlocked.Increment(ref _asked);
                var question = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.InputStream);
                var id = question.GetProperty("id").GetRawText();
                var body = question.GetProperty("method").GetString() == "eth_chainId" ? $$"""{"jsonrpc":"2.0","id":{{id}},"result":"0x{{chainId:x}}"}""" : answer(id);
                if (body is null)
                {
                    continue;
                }

                try
                {
                    await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body));
                    context.Response.Close();
                }
                catch (HttpListenerException)
                {
                    // The client hung up on an answer that was too long.
                }
            }
        }
    }
}
