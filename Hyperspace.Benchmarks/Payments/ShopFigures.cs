using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Host;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>A peer that sells a tool over HTTP, and an mppx server that sells a constant, to the same unmodified mppx client; on a local chain.</summary>
internal sealed class ShopFigures : IAsyncDisposable
{
    private const ulong ChainId = 808080;
    private const string Body = """{"query":"answer"}""";
    private readonly DirectoryInfo _directory;
    private readonly LocalChain _chain;
    private readonly ChildPeer _peer;
    private readonly TokenSource _source;
    private readonly Uri _shop;

    private ShopFigures(DirectoryInfo directory, LocalChain chain, ChildPeer peer, TokenSource source, Uri shop) => (_directory, _chain, _peer, _source, _shop) = (directory, chain, peer, source, shop);

    private string Token => Hex.Of(_chain.Options.Token.Address.Span);

    public static async Task<ShopFigures> StartAsync(CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-bench-");
        var chain = await LocalChain.StartAsync(ChainId);
        var data = Directory.CreateDirectory(Path.Combine(directory.FullName, "peer"));
        await File.WriteAllTextAsync(Path.Combine(data.FullName, "chains.json"), chain.ChainsFile, cancellationToken);

        // Nothing is settled while it is measured, as at the mppx server: thresholds beyond what the benchmark spends.
        var shop = new IPEndPoint(IPAddress.Loopback, FreePort());
        var peer = await ChildPeer.StartAsync(
            new ChildPeerOptions("shop", data.FullName, Arguments: ["--pay-listen", shop.ToString(), "--pay-max-unsettled", "100000", "--pay-settle-at", "90000", "--pay-rate", "100000"]), cancellationToken);
        var documents = Directory.CreateDirectory(Path.Combine(directory.FullName, "documents"));
        await File.WriteAllTextAsync(Path.Combine(documents.FullName, "page.md"), "# Page\n\nThe answer is 42.\n", cancellationToken);
        var source = await TokenSource.StartAsync();
        await RegisterAsync("paid", 0.001m, 0, new JsonObject { ["type"] = "builtin", ["tool"] = "docs-search", ["folder"] = documents.FullName });
        await RegisterAsync("stream", 0.000001m, 1, new JsonObject { ["type"] = "http", ["url"] = source.Url });
        return new ShopFigures(directory, chain, peer, source, new Uri($"http://{shop}/pay/"));

        Task RegisterAsync(string name, decimal price, int perTokens, JsonObject provider) => peer.Api.CallAsync(
            "tool.register",
            new JsonObject
            {
                ["name"] = name,
                ["description"] = "For the benchmark.",
                ["capabilities"] = new JsonArray(name),
                ["inputSchema"] = new JsonObject { ["type"] = "object" },
                ["price"] = price,
                ["perTokens"] = perTokens,
                ["provider"] = provider,
            },
            cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _peer.DisposeAsync();
        await _source.DisposeAsync();
        await _chain.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    /// <summary>What one mppx client gets out of each server, with so many calls at once; the better of the rates for each.</summary>
    public async Task<(JsonNode Ours, JsonNode Theirs)> MppxClientAsync(int concurrency, TimeSpan duration, CancellationToken cancellationToken)
    {
        var key = RandomNumberGenerator.GetHexString(64, lowercase: true);
        await _chain.GiveAsync(Secp256k1Wallet.FromPrivateKey(Convert.FromHexString(key)).Address, 1_000_000_000_000);
        await using var server = await NodeScripts.StartServerAsync("charge-server.mjs", [Token, Hex.Of(new byte[19].Append((byte)1).ToArray()), ChainId], cancellationToken);
        object[] Arguments(string url, string method) => [url, duration.TotalSeconds, concurrency, "0x" + key, Token, ChainId, _chain.Options.Token.Name, _chain.Options.Token.Version, method, Body];
        var theirs = await NodeScripts.RunAsync("charge-client.mjs", Arguments($"http://127.0.0.1:{server.FirstLine}/paid", "GET"), cancellationToken);
        var ours = await NodeScripts.RunAsync("charge-client.mjs", Arguments(new Uri(_shop, "paid").ToString(), "POST"), cancellationToken);
        return (ours, theirs);
    }

    /// <summary>Tokens a second of a stream that an unmodified mppx session client pays for, a voucher each, at this peer: the client asks and waits for each.</summary>
    public async Task<double> MppxTokensAsync(int tokens, CancellationToken cancellationToken)
    {
        var key = RandomNumberGenerator.GetHexString(64, lowercase: true);
        await _chain.GiveAsync(Secp256k1Wallet.FromPrivateKey(Convert.FromHexString(key)).Address, 10_000_000);
        var wallet = (await _peer.Api.CallAsync("node.info", null, cancellationToken))!["walletAddress"]!.GetValue<string>();
        var answer = await NodeScripts.RunAsync(
            "session-client.mjs",
            [new Uri(_shop, "stream"), new JsonObject { ["tokens"] = tokens }.ToJsonString(), _chain.Options.RpcUrl, "0x" + key, ChainId, Token, Hex.Of(_chain.Options.LegacyEscrow!.Value.Span), wallet],
            cancellationToken);
        return answer["tokens"]!.GetValue<int>() == tokens ? answer["perSecond"]!.GetValue<double>() : throw new InvalidOperationException("A stream of the benchmark was cut off.");
    }

    /// <summary>
    /// Median latencies, in milliseconds, of an unpaid call over HTTP, which is answered 402 and runs no tool, and of a paid one,
    /// one at a time: our own client, which signs an x402 authorization ahead, so that a paid call is one round trip. Every
    /// authorization is verified and journalled (SQLite, WAL, synchronous=FULL) before service.
    /// </summary>
    public async Task<(double Unpaid, double Paid)> LatencyAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var wallet = Secp256k1Wallet.Generate();
        await _chain.GiveAsync(wallet.Address, 1_000_000_000_000);
        using var client = new HttpClient();
        using var challenge = await PostAsync(client, null, cancellationToken);
        var offered = JsonNode.Parse(Convert.FromBase64String(challenge.Headers.GetValues("PAYMENT-REQUIRED").Single()))!;
        var (unpaid, paid) = (new List<double>(), new List<double>());
        for (var end = Stopwatch.GetTimestamp() + (long)(2 * duration.TotalSeconds * Stopwatch.Frequency); Stopwatch.GetTimestamp() < end;)
        {
            foreach (var (expected, times) in ((HttpStatusCode, List<double>)[])[(HttpStatusCode.PaymentRequired, unpaid), (HttpStatusCode.OK, paid)])
            {
                var started = Stopwatch.GetTimestamp();
                using var answer = await PostAsync(client, expected == HttpStatusCode.OK ? Sign(offered, wallet) : null, cancellationToken);
                await answer.Content.ReadAsByteArrayAsync(cancellationToken);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                if (answer.StatusCode != expected)
                {
                    throw new InvalidOperationException($"A call of the benchmark was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
                }
            }
        }

        return (Median(unpaid), Median(paid));
    }

    private static double Median(List<double> times)
    {
        // The first calls warm both sides up.
        var sorted = times.Skip(times.Count / 5).Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private Task<HttpResponseMessage> PostAsync(HttpClient client, string? payment, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_shop, "paid")) { Content = new StringContent(Body, new MediaTypeHeaderValue("application/json")) };
        if (payment is not null)
        {
            request.Headers.Add("PAYMENT-SIGNATURE", payment);
        }

        return client.SendAsync(request, cancellationToken);
    }

    private string Sign(JsonNode offered, Secp256k1Wallet wallet)
    {
        var accepted = offered["accepts"]![0]!;
        var (value, nonce, validBefore) = (accepted["amount"]!.GetValue<string>(), RandomNumberGenerator.GetBytes(32), DateTimeOffset.UtcNow.ToUnixTimeSeconds() + accepted["maxTimeoutSeconds"]!.GetValue<int>());
        var payTo = Convert.FromHexString(accepted["payTo"]!.GetValue<string>().AsSpan(2));
        var authorization = new TransferAuthorization(wallet.Address, payTo, UInt128.Parse(value, CultureInfo.InvariantCulture), 0, (ulong)validBefore, nonce);
        return Convert.ToBase64String(Encoding.UTF8.GetBytes(new JsonObject
        {
            ["x402Version"] = 2,
            ["resource"] = offered["resource"]!.DeepClone(),
            ["accepted"] = accepted.DeepClone(),
            ["payload"] = new JsonObject
            {
                ["signature"] = Hex.Of(wallet.SignDigest(authorization.Digest(_chain.TokenDomain))),
                ["authorization"] = new JsonObject
                {
                    ["from"] = Hex.Of(wallet.Address.Span),
                    ["to"] = Hex.Of(payTo),
                    ["value"] = value,
                    ["validAfter"] = "0",
                    ["validBefore"] = validBefore.ToString(CultureInfo.InvariantCulture),
                    ["nonce"] = Hex.Of(nonce),
                },
            },
        }.ToJsonString()));
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
