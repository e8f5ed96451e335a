using System.Collections.Concurrent;
using System.Numerics;
using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>A chain that says what a test tells it to say; what really settles is tested on anvil.</summary>
internal sealed class FakeChain(ChainOptions options) : IChains, IChainReader
{
    /// <summary>Intents that were submitted, each once.</summary>
    public ConcurrentDictionary<string, ChainCommands.Submit> Submitted { get; } = new();

    /// <summary>What becomes of them.</summary>
    public ChainIntentStatus Outcome { get; set; } = ChainIntentStatus.Confirmed;

    /// <summary>What every address holds.</summary>
    public BigInteger Balance { get; set; } = 1_000_000_000;

    public bool IsDown { get; set; }

    public IReadOnlyList<ChainOptions> All => [options];

    public ChainOptions Options => options;

    public IChainReader? Find(ulong chainId) => chainId == options.ChainId ? this : null;

    public Task<BigInteger> TokenBalanceAsync(ReadOnlyMemory<byte> owner, CancellationToken cancellationToken) => IsDown ? throw new IOException("down") : Task.FromResult(Balance);

    public Task<bool> IsAuthorizationUsedAsync(ReadOnlyMemory<byte> authorizer, ReadOnlyMemory<byte> nonce, CancellationToken cancellationToken) => Task.FromResult(false);

    public Task<EscrowChannel?> ChannelAsync(ReadOnlyMemory<byte> escrow, ReadOnlyMemory<byte> channelId, CancellationToken cancellationToken) => Task.FromResult<EscrowChannel?>(null);

    /// <summary>The actor that is asked to settle.</summary>
    public Props Props => Akka.Actor.Props.Create(() => new Settler(this));

    private sealed class Settler : ReceiveActor
    {
        public Settler(FakeChain chain)
        {
            Receive<ChainCommands.Submit>(submit =>
            {
                Assert.Equal(submit, chain.Submitted.GetOrAdd(submit.IntentId, submit));
                Sender.Tell(View(submit.IntentId));
            });
            Receive<ChainCommands.Await>(wait => Sender.Tell(View(wait.IntentId)));

            ChainIntentView View(string id) => new(id, chain.Options.ChainId, chain.Outcome, "0x1", 1, 72_000, "1", chain.Outcome is ChainIntentStatus.Rejected ? "no funds" : null);
        }
    }
}
