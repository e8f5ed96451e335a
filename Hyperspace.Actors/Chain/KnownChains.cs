using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Chain;

/// <summary>A chain that this project knows by name.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Token">Its USDC (Circle's native one); null: the operator says which token.</param>
/// <param name="Confirmations">Blocks after which a transaction counts as final, unless the operator says otherwise.</param>
public sealed record KnownChain(string Name, ulong ChainId, ChainToken? Token, int Confirmations);

/// <summary>The table of chains. No escrow is in it: this project has deployed none; see docs/payments.md.</summary>
public static class KnownChains
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<KnownChain> All { get; } =
    [
        new("base", 8453, Usdc("0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"), 5),
        new("arbitrum", 42161, Usdc("0xaf88d065e77c8cC2239327C5EDb3A432268e5831"), 20),
        new("a1", 808080, null, 2),
    ];

    /// <summary>The chain with this name, in any case; null: none.</summary>
    public static KnownChain? Find(string name) => All.FirstOrDefault(chain => chain.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static ChainToken Usdc(string address) => new(EvmAddress.TryParse(address)!, "USD Coin", "2", "USDC");
}
