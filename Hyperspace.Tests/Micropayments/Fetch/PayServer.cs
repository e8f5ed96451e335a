using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hyperspace.Tests.Micropayments.Fetch;

/// <summary>A request as it came.</summary>
internal sealed record Received(string Line, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>The MPP credential that it carries; null: none.</summary>
    public string? Mpp => Headers.GetValueOrDefault("authorization") is { } value && value.StartsWith("Payment ", StringComparison.Ordinal) ? value["Payment ".Length..] : null;

    /// <summary>The x402 payment that it carries; null: none.</summary>
    public string? X402 => Headers.GetValueOrDefault("payment-signature");

    /// <summary>Whether it pays.</summary>
    public bool Pays => Mpp is not null || X402 is not null;

    /// <summary>The credential's JSON.</summary>
    public JsonNode Credential => JsonNode.Parse(Mpp is { } mpp ? Base64Url.DecodeFromChars(mpp) : Convert.FromBase64String(X402!))!;
}

/// <summary>A raw HTTP server on loopback that a test scripts to the byte, also to cut the connection.</summary>
internal sealed class PayServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public PayServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Answers a request; null cuts the connection.</summary>
    public Func<Received, string?> Answer { get; set; } = _ => Ok("free");

    /// <summary>Everything that came.</summary>
    public ConcurrentQueue<Received> Requests { get; } = new();

    /// <summary>The credentials that came, in order.</summary>
    public IReadOnlyList<string> Credentials => [.. Requests.Where(r => r.Pays).Select(r => r.Mpp ?? r.X402!)];

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/thing";

    public static string Ok(string body, params string[] headers) => Response("200 OK", body, headers);

    public static string Response(string status, string body, params string[] headers) =>
        $"HTTP/1.1 {status}\r\n{string.Concat(headers.Select(h => h + "\r\n"))}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";

    /// <summary>402 with an MPP challenge.</summary>
    public static string Challenge(
        string id, string currency, DateTimeOffset expires, string amount = "1000", ulong chainId = 808080, string recipient = "0x1111111111111111111111111111111111111111", string extra = "") =>
        Response("402 Payment Required", "{}", MppHeader(id, currency, expires, amount, chainId, recipient, extra));

    public static string MppHeader(string id, string currency, DateTimeOffset expires, string amount, ulong chainId, string recipient, string extra = "")
    {
        var request = Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new
        {
            amount,
            currency,
            recipient,
            methodDetails = new { chainId, credentialTypes = (string[])["authorization"], decimals = 6 },
        }));
        return $"WWW-Authenticate: Payment id=\"{id}\", realm=\"test\", method=\"evm\", intent=\"charge\", request=\"{request}\", expires=\"{expires.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}\"{extra}";
    }

    public static string X402Header(string asset, string amount = "1000", ulong chainId = 808080, int maxTimeoutSeconds = 60, string name = "Test USD") => "PAYMENT-REQUIRED: " + Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(new
    {
        x402Version = 2,
        error = "Payment required",
        resource = new { url = "http://127.0.0.1/thing" },
        accepts = new object[]
        {
            new { scheme = "upto", network = "eip155:1" },
            new { scheme = "exact", network = $"eip155:{chainId}", amount, asset, payTo = "0x1111111111111111111111111111111111111111", maxTimeoutSeconds, extra = new { name, version = "2" } },
        },
    }));

    public static string Receipt(string reference = "0xabc") => "Payment-Receipt: " + Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(new
    {
        method = "evm",
        reference,
        status = "success",
        timestamp = "2026-01-01T00:00:00Z",
    }));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                while (await ReadAsync(stream) is { } request)
                {
                    Requests.Enqueue(request);
                    if (Answer(request) is not { } answer)
                    {
                        return;
                    }

                    await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _stop.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went, or the test is over.
            }
        }
    }

    private async Task<Received?> ReadAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        var lines = Encoding.UTF8.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(l => l.Split(':', 2)).ToDictionary(h => h[0].ToLowerInvariant(), h => h[1].Trim());
        var body = new byte[int.Parse(headers.GetValueOrDefault("content-length", "0"), System.Globalization.CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new Received(lines[0], headers, Encoding.UTF8.GetString(body));
    }
}
