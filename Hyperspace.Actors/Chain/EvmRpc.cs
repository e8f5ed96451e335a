using System.Globalization;
using System.Net.Http.Json;
using System.Numerics;
using System.Text.Json;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Actors.Chain;

/// <summary>
/// A node over JSON-RPC 2.0 and HTTP. Its URL is a secret: no exception and no text holds any of it. Answers are bounded in
/// time and size and read strictly. The first question is whether it is the right chain.
/// </summary>
internal sealed class EvmRpc : IEvmNode, IDisposable
{
    private const int MaxAnswerBytes = 1024 * 1024;
    private const int MaxErrorText = 200;
    private const int MaxConcurrent = 16;
    private const int ExecutionReverted = 3;
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(15);

    private readonly HttpClient _http;
    private readonly ChainOptions _chain;
    private readonly IReadOnlyList<string> _secrets;
    private readonly SemaphoreSlim _places = new(MaxConcurrent);
    private long _lastId;
    private volatile bool _isRightChain;

    public EvmRpc(ChainOptions chain, TimeSpan? timeout = null)
    {
        _chain = chain;
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = MaxConcurrent, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = timeout ?? DefaultTimeout,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };
        if (chain.RpcUrl.UserInfo.Length > 0)
        {
            _http.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(chain.RpcUrl.UserInfo))));
        }

        _secrets = [.. chain.RpcUrl.OriginalString.Split(['/', '?', '&', '=', '@', ':', '#'], StringSplitOptions.RemoveEmptyEntries).Where(part => part.Length >= 4).OrderByDescending(part => part.Length)];
    }

    public void Dispose()
    {
        _http.Dispose();
        _places.Dispose();
    }

    /// <inheritdoc/>
    public async Task<byte[]> CallAsync(ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        RpcValue.Read(await AskAsync("eth_call", cancellationToken, new { to = Hex.Of(to.Span), data = Hex.Of(data.Span) }, "latest"));

    /// <inheritdoc/>
    public async Task<ulong> EstimateGasAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        RpcValue.ReadUInt64(await AskAsync(
            "eth_estimateGas", cancellationToken, to.IsEmpty ? new { from = Hex.Of(from.Span), data = Hex.Of(data.Span) } : (object)new { from = Hex.Of(from.Span), to = Hex.Of(to.Span), data = Hex.Of(data.Span) }));

    /// <inheritdoc/>
    public async Task<GasPrice> GasPriceAsync(CancellationToken cancellationToken)
    {
        var priority = RpcValue.ReadQuantity(await AskAsync("eth_maxPriorityFeePerGas", cancellationToken));
        var latest = await AskAsync("eth_getBlockByNumber", cancellationToken, "latest", false);
        return new GasPrice(RpcValue.ReadQuantity(Member(latest, "baseFeePerGas")), priority);
    }

    /// <inheritdoc/>
    public async Task<ulong> TransactionCountAsync(ReadOnlyMemory<byte> address, bool pending, CancellationToken cancellationToken) =>
        RpcValue.ReadUInt64(await AskAsync("eth_getTransactionCount", cancellationToken, Hex.Of(address.Span), pending ? "pending" : "latest"));

    /// <inheritdoc/>
    public async Task SendRawTransactionAsync(ReadOnlyMemory<byte> raw, CancellationToken cancellationToken) =>
        RpcValue.Read(await AskAsync("eth_sendRawTransaction", cancellationToken, Hex.Of(raw.Span)), 32);

    /// <inheritdoc/>
    public async Task<EvmReceipt?> ReceiptAsync(ReadOnlyMemory<byte> transactionHash, CancellationToken cancellationToken)
    {
        var receipt = await AskAsync("eth_getTransactionReceipt", cancellationToken, Hex.Of(transactionHash.Span));
        if (receipt.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var contract = receipt.TryGetProperty("contractAddress", out var created) && created.ValueKind == JsonValueKind.String ? RpcValue.Read(created, 20) : null;
        return new EvmReceipt(
            RpcValue.ReadUInt64(Member(receipt, "blockNumber")),
            RpcValue.Read(Member(receipt, "blockHash"), 32),
            RpcValue.ReadUInt64(Member(receipt, "status")) == 1,
            RpcValue.ReadUInt64(Member(receipt, "gasUsed")),
            RpcValue.ReadQuantity(Member(receipt, "effectiveGasPrice")),
            contract is null ? (ReadOnlyMemory<byte>?)null : contract);
    }

    /// <inheritdoc/>
    public async Task<ulong> BlockNumberAsync(CancellationToken cancellationToken) => RpcValue.ReadUInt64(await AskAsync("eth_blockNumber", cancellationToken));

    /// <inheritdoc/>
    public async Task<byte[]?> BlockHashAsync(ulong number, CancellationToken cancellationToken)
    {
        var block = await AskAsync("eth_getBlockByNumber", cancellationToken, "0x" + number.ToString("x", CultureInfo.InvariantCulture), false);
        return block.ValueKind == JsonValueKind.Null ? null : RpcValue.Read(Member(block, "hash"), 32);
    }

    /// <summary>Asks anything; the answer's <c>result</c>.</summary>
    internal async Task<JsonElement> AskAsync(string method, CancellationToken cancellationToken, params object[] arguments)
    {
        if (!_isRightChain)
        {
            var id = RpcValue.ReadUInt64(await SendAsync("eth_chainId", [], cancellationToken));
            _isRightChain = id == _chain.ChainId
                ? true
                : throw new IOException($"The node configured for chain {_chain.ChainId} ({_chain.Name}) serves chain {id}; correct its RPC URL.");
        }

        return await SendAsync(method, arguments, cancellationToken);
    }

    private async Task<JsonElement> SendAsync(string method, object[] arguments, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _lastId);
        await _places.WaitAsync(cancellationToken);
        try
        {
            using var response = await _http.PostAsJsonAsync(_chain.RpcUrl, new { jsonrpc = "2.0", id, method, @params = arguments }, cancellationToken);
            // Nodes answer errors with any status; only a body that is no JSON-RPC makes the status the news.
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            JsonElement answer;
            try
            {
                answer = JsonSerializer.Deserialize<JsonElement>(body);
            }
            catch (JsonException)
            {
                throw Failed($"answered HTTP {(int)response.StatusCode} without JSON-RPC");
            }

            return Result(answer, id);
        }
        catch (HttpRequestException e)
        {
            throw Failed($"cannot be reached ({e.HttpRequestError})");
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"gave no answer within {_http.Timeout.TotalSeconds} s");
        }
        finally
        {
            _places.Release();
        }
    }

    private JsonElement Result(JsonElement answer, long id)
    {
        if (answer.ValueKind != JsonValueKind.Object)
        {
            throw Failed("answered no JSON-RPC");
        }

        if (answer.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object)
        {
            throw Error(error);
        }

        return answer.TryGetProperty("id", out var echoed) && echoed.ValueKind == JsonValueKind.Number && echoed.TryGetInt64(out var number) && number == id
            && answer.TryGetProperty("result", out var result)
            ? result
            : throw Failed("answered no JSON-RPC");
    }

    private EvmRpcException Error(JsonElement error)
    {
        var code = error.TryGetProperty("code", out var c) && c.ValueKind == JsonValueKind.Number && c.TryGetInt32(out var number) ? number : 0;
        var said = error.TryGetProperty("message", out var m) && m.ValueKind == JsonValueKind.String ? m.GetString()! : "error without a message";
        var revert = error.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.String && Hex.TryParse(data.GetString(), out var answered) ? answered : null;
        if (revert is null && (code == ExecutionReverted || said.Contains("execution reverted", StringComparison.OrdinalIgnoreCase)))
        {
            revert = [];
        }

        return new EvmRpcException(code, revert is null ? Said(said) : RevertReason.Of(revert), revert);
    }

    // A node may repeat what it was asked with, its key included.
    private string Said(string message)
    {
        foreach (var secret in _secrets)
        {
            message = message.Replace(secret, "…", StringComparison.OrdinalIgnoreCase);
        }

        message = new string([.. message.Take(MaxErrorText).Select(c => char.IsControl(c) ? ' ' : c)]);
        return $"The node of chain {_chain.ChainId} answered: {message}";
    }

    private static JsonElement Member(JsonElement of, string name) =>
        of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var member) ? member : throw new IOException($"The node left out '{name}'; it may be no node of an EIP-1559 chain.");

    private IOException Failed(string how) => new($"The node of chain {_chain.ChainId} ({_chain.Name}) {how}.");
}
