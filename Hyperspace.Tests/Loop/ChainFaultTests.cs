using System.Text.Json.Nodes;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Identity;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Tests.Loop;

/// <summary>
/// The payer dies at each step of its transactions and of a transfer as by kill -9, once; started again, the channel is on
/// the other chain, and both wallets on both chains have what they should, to the unit.
/// </summary>
public sealed class ChainFaultTests : IAsyncLifetime
{
    private const ulong From = 808080;
    private const ulong To = 8453;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-chains-");
    private LocalChain? _first;
    private LocalChain? _second;
    private ChildPeer? _payee;
    private ChildPeer? _payer;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var started in (IAsyncDisposable?[])[_payer, _payee, _first, _second])
        {
            await (started?.DisposeAsync() ?? ValueTask.CompletedTask);
        }

        _directory.Delete(recursive: true);
    }

    [SkippableTheory]
    [InlineData("chain.submitted")]
    [InlineData("chain.decided")]
    [InlineData("chain.sent")]
    [InlineData("bridge.begun")]
    [InlineData("bridge.closed")]
    [InlineData("bridge.ended")]
    public async Task A_channel_moves_although_its_payer_dies_at(string point)
    {
        _first = await LocalChain.StartAsync(From);
        _second = await LocalChain.StartAsync(To);
        var (payer, payee) = (WalletOf("payer"), WalletOf("payee"));
        foreach (var chain in (LocalChain[])[_first, _second])
        {
            await chain.GiveAsync(payer, 10_000);
            await chain.GiveAsync(payee, 0);
        }

        _payee = await StartAsync("payee", null, null);
        _payer = await StartAsync("payer", _payee.Listen, point);
        using var patience = new CancellationTokenSource(Patience);
        var died = _payer.ExitedAsync(patience.Token);
        var moving = MoveAsync(patience.Token);

        // 128 + SIGKILL: it died there, and of nothing else.
        Assert.Equal(137, await died);
        await _payer.DisposeAsync();
        _payer = await StartAsync("payer", _payee.Listen, null);
        await moving;

        Assert.Equal((9_600, 400), ((int)await _first.TokensOfAsync(payer), (int)await _first.TokensOfAsync(payee)));
        Assert.Equal((9_400, 0), ((int)await _second.TokensOfAsync(payer), (int)await _second.TokensOfAsync(payee)));
    }

    /// <summary>Opens, pays and moves, each until it is done: what was done already is not done again.</summary>
    private async Task MoveAsync(CancellationToken patience)
    {
        JsonNode? channel = null;
        await UntilAsync(async () =>
        {
            channel = await PayingAsync();
            if (channel is null)
            {
                await CallAsync("micropayments.channel.open", new JsonObject { ["payee"] = _payee!.PeerId, ["budget"] = 0.001m, ["chain"] = From });
            }

            return channel is not null && !channel["opening"]!.GetValue<bool>();
        });
        var id = channel!["channelId"]!.GetValue<string>();
        await UntilAsync(async () => (await CallAsync(
            "micropayments.channel.pay", new JsonObject { ["channelId"] = id, ["amount"] = 0.0004m, ["requestId"] = "once" }))!["outcome"]!.GetValue<string>() == "accepted");
        await UntilAsync(async () => (await CallAsync("micropayments.channel.transfer", new JsonObject { ["channelId"] = id, ["toChain"] = To }))!["step"]!.GetValue<string>() == "done");

        async Task UntilAsync(Func<Task<bool>> isDone)
        {
            var last = "nothing failed";
            while (!patience.IsCancellationRequested)
            {
                try
                {
                    if (await isDone())
                    {
                        return;
                    }
                }
                catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException or ObjectDisposedException)
                {
                    last = e.Message;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(200), CancellationToken.None);
            }

            throw new TimeoutException($"It was not done; last: {last}");
        }
    }

    private async Task<JsonNode?> PayingAsync() => (await CallAsync("micropayments.channel.list", null))!.AsArray().FirstOrDefault(c => c!["side"]!.GetValue<string>() == "payer" && c["channelId"] is not null);

    private Task<JsonNode?> CallAsync(string method, JsonObject? arguments) => _payer!.Api.CallAsync(method, arguments);

    private ReadOnlyMemory<byte> WalletOf(string name) => IdentityStore.LoadOrCreate(Path.Combine(_directory.FullName, name), TimeProvider.System).Wallet.Address;

    private async Task<ChildPeer> StartAsync(string name, string? bootstrap, string? fault)
    {
        var data = Path.Combine(_directory.FullName, name);
        await File.WriteAllTextAsync(Path.Combine(data, ChainsFile.Name), new JsonObject { ["chains"] = new JsonArray(Described(_first!), Described(_second!)) }.ToJsonString());
        return await ChildPeer.StartAsync(new ChildPeerOptions(name, data, bootstrap, Fault: fault), CancellationToken.None);
    }

    private static JsonObject Described(LocalChain chain) => new()
    {
        ["chain"] = $"local-{chain.Options.ChainId}",
        ["chainId"] = chain.Options.ChainId,
        ["rpcUrl"] = chain.Options.RpcUrl.ToString(),
        ["confirmations"] = 0,
        ["escrow"] = EvmAddress.Checksummed(chain.Options.Escrow!.Value.Span),
        ["token"] = new JsonObject
        {
            ["address"] = EvmAddress.Checksummed(chain.Options.Token.Address.Span),
            ["name"] = chain.Options.Token.Name,
            ["version"] = chain.Options.Token.Version,
            ["currency"] = chain.Options.Token.Currency,
        },
    };
}
