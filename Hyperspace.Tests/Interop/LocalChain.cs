using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;

namespace Hyperspace.Tests.Interop;

/// <summary>
/// A chain of its own on anvil, with the test token and both escrows of <c>contracts/</c> on it, deployed through our own
/// client. The contracts have the same addresses whatever the chain id. Ends with its process id.
/// </summary>
internal sealed class LocalChain : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ReceiptTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ReceiptInterval = TimeSpan.FromMilliseconds(10);

    private readonly Process _anvil;
    private readonly EvmRpc _rpc;

    private LocalChain(Process anvil, ChainOptions options, EvmRpc rpc)
    {
        _anvil = anvil;
        Options = options;
        _rpc = rpc;
    }

    /// <summary>How a peer is told of this chain.</summary>
    public ChainOptions Options { get; private set; }

    /// <summary>Our client, talking to it.</summary>
    public IEvmNode Node => _rpc;

    /// <summary>Reads it.</summary>
    public IChainReader Reader => new EvmChainReader(Options, _rpc);

    /// <summary>The EIP-712 domain of its token.</summary>
    public TokenDomain TokenDomain => new(Options.Token.Name, Options.Token.Version, Options.ChainId, Options.Token.Address.Span);

    /// <summary>The same as the file <c>chains.json</c> of a peer's data directory, without escrows.</summary>
    public string ChainsFile => new JsonObject
    {
        ["chains"] = new JsonArray(new JsonObject
        {
            ["chain"] = Options.Name,
            ["chainId"] = Options.ChainId,
            ["rpcUrl"] = Options.RpcUrl.ToString(),
            ["confirmations"] = Options.Confirmations,
            ["legacyEscrow"] = Hex.Of(Options.LegacyEscrow!.Value.Span),
            ["token"] = new JsonObject { ["address"] = Hex.Of(Options.Token.Address.Span), ["name"] = Options.Token.Name, ["version"] = Options.Token.Version, ["currency"] = Options.Token.Currency },
        }),
    }.ToJsonString();

    /// <summary>Why there can be no such chain here; null: there can.</summary>
    public static Task<string?> WhyMissingAsync() => NpmFolder.InstallAsync("anvil");

    /// <summary>Starts one, or skips the test where anvil cannot be had.</summary>
    /// <param name="chainId">EIP-155 id.</param>
    /// <param name="confirmations">Of <see cref="Options"/>.</param>
    public static async Task<LocalChain> StartAsync(ulong chainId, int confirmations = 0)
    {
        var missing = await WhyMissingAsync();
        Skip.If(missing is not null, missing);
        var anvil = Process.Start(new ProcessStartInfo(
            AnvilPath(), ["--host", "127.0.0.1", "--port", "0", "--chain-id", chainId.ToString(CultureInfo.InvariantCulture), "--accounts", "1"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var options = new ChainOptions
            {
                Name = "local",
                ChainId = chainId,
                RpcUrl = new Uri("http://" + await ListeningAsync(anvil)),
                Token = new ChainToken(new byte[20], "Test USD", "2", "USDC"),
                Confirmations = confirmations,
            };
            var chain = new LocalChain(anvil, options, new EvmRpc(options));
            await chain.DeployAsync();
            return chain;
        }
        catch
        {
            anvil.Kill();
            anvil.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _rpc.Dispose();
        _anvil.Kill();
        await _anvil.WaitForExitAsync();
        _anvil.Dispose();
    }

    /// <summary>A wallet out of a label, the same each time, with ether for gas.</summary>
    public async Task<Secp256k1Wallet> WalletAsync(string label, ulong tokens = 0)
    {
        var wallet = Secp256k1Wallet.FromPrivateKey(Keccak256.Hash(Encoding.UTF8.GetBytes(label)));
        await GiveAsync(wallet.Address, tokens);
        return wallet;
    }

    /// <summary>Gives an account ether for gas, and tokens.</summary>
    public async Task GiveAsync(ReadOnlyMemory<byte> address, ulong tokens)
    {
        await AskAsync("anvil_setBalance", Hex.Of(address.Span), "0x56bc75e2d63100000");
        if (tokens > 0)
        {
            var minter = Secp256k1Wallet.FromPrivateKey(Keccak256.Hash("minter"u8));
            await AskAsync("anvil_setBalance", Hex.Of(minter.Address.Span), "0x56bc75e2d63100000");
            Assert.True((await SendAsync(minter, Options.Token.Address, Abi.Call("mint", AbiValue.Address(address.Span), AbiValue.UInt256(tokens)))).Succeeded);
        }
    }

    /// <summary>Token units of an account.</summary>
    public Task<BigInteger> TokensOfAsync(ReadOnlyMemory<byte> address) => Reader.TokenBalanceAsync(address, default);

    /// <summary>
    /// Signs and sends a transaction and waits until it was executed; nothing may be in flight from the same wallet. What
    /// the contract refuses is an <see cref="EvmRpcException"/> with its reason, from the estimate.
    /// </summary>
    public async Task<EvmReceipt> SendAsync(IWallet from, ReadOnlyMemory<byte> to, byte[] data)
    {
        var gas = await _rpc.EstimateGasAsync(from.Address, to, data, default);
        var price = await _rpc.GasPriceAsync(default);
        var transaction = new Eip1559Transaction(
            Options.ChainId, await _rpc.TransactionCountAsync(from.Address, pending: true, default), price.PriorityFee, (2 * price.BaseFee) + price.PriorityFee, gas * 2, to, data).Sign(from);
        await _rpc.SendRawTransactionAsync(transaction.Raw, default);
        for (var waiting = Stopwatch.StartNew(); waiting.Elapsed < ReceiptTimeout; await Task.Delay(ReceiptInterval))
        {
            if (await _rpc.ReceiptAsync(transaction.Hash, default) is { } receipt)
            {
                return receipt;
            }
        }

        throw new TimeoutException("The transaction was not executed.");
    }

    /// <summary>Moves the chain's clock on and mines a block.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        await AskAsync("evm_increaseTime", (long)by.TotalSeconds);
        await MineAsync();
    }

    /// <summary>Mines blocks.</summary>
    public Task MineAsync(int blocks = 1) => AskAsync("anvil_mine", "0x" + blocks.ToString("x", CultureInfo.InvariantCulture));

    /// <summary>The chain's clock, in Unix seconds.</summary>
    public async Task<ulong> NowAsync() => RpcValue.ReadUInt64((await AskAsync("eth_getBlockByNumber", "latest", false)).GetProperty("timestamp"));

    /// <summary>Asks anvil anything.</summary>
    public Task<JsonElement> AskAsync(string method, params object[] arguments) => _rpc.AskAsync(method, default, arguments);

    private async Task DeployAsync()
    {
        var deployer = await WalletAsync("deployer");
        var token = await DeployAsync(deployer, "TestToken", AbiValue.Text(Options.Token.Name), AbiValue.Text(Options.Token.Version), AbiValue.Text("tUSD"));
        Options = Options with
        {
            Token = Options.Token with { Address = token },
            Escrow = await DeployAsync(deployer, "PaymentEscrow", AbiValue.Text(VoucherDomain.Native)),
            LegacyEscrow = await DeployAsync(deployer, "PaymentEscrow", AbiValue.Text(VoucherDomain.TempoStream)),
        };
    }

    private async Task<ReadOnlyMemory<byte>> DeployAsync(IWallet deployer, string contract, params AbiValue[] arguments)
    {
        var receipt = await SendAsync(deployer, ReadOnlyMemory<byte>.Empty, [.. Contracts.BytecodeOf(contract), .. Abi.Encode(arguments)]);
        Assert.True(receipt.Succeeded);
        return receipt.Contract!.Value;
    }

    private static async Task<string> ListeningAsync(Process anvil)
    {
        using var timeout = new CancellationTokenSource(StartTimeout);
        _ = anvil.StandardError.BaseStream.CopyToAsync(Stream.Null);
        while (await anvil.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith("Listening on ", StringComparison.Ordinal))
            {
                _ = anvil.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return line["Listening on ".Length..].Trim();
            }
        }

        throw new InvalidOperationException("anvil ended before it listened.");
    }

    // npm has a package for each platform; a lock file that holds one of them can be installed on that platform only.
    private static string AnvilPath() => Path.Combine(NpmFolder.PathOf("anvil"), "node_modules", "@foundry-rs", "anvil-linux-amd64", "bin", "anvil");
}

/// <summary>Local chains that a class's tests share, one per chain id; accounts keep the tests apart.</summary>
public sealed class AnvilPartner : IAsyncLifetime
{
    private readonly ConcurrentDictionary<ulong, Lazy<Task<LocalChain>>> _chains = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var started in _chains.Values.Where(c => c.IsValueCreated && c.Value.IsCompletedSuccessfully))
        {
            await (await started.Value).DisposeAsync();
        }
    }

    /// <summary>The chain with this id; skips the test where anvil cannot be had.</summary>
    internal Task<LocalChain> ChainAsync(ulong chainId) => _chains.GetOrAdd(chainId, id => new(() => LocalChain.StartAsync(id))).Value;
}
