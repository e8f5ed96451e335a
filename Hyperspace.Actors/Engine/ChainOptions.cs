namespace Hyperspace.Actors.Engine;

/// <summary>An EVM chain that this peer settles on.</summary>
public sealed record ChainOptions
{
    /// <summary>What people call it: <c>base</c>, <c>arbitrum</c>, <c>a1</c> or a name of one's own.</summary>
    public required string Name { get; init; }

    /// <summary>EIP-155 chain id.</summary>
    public required ulong ChainId { get; init; }

    /// <summary>Where its JSON-RPC is served. May hold a key, so it never reaches a log or an answer.</summary>
    public required Uri RpcUrl { get; init; }

    /// <summary>The token that payments are made in.</summary>
    public required ChainToken Token { get; init; }

    /// <summary>The escrow contract of native channels (EIP-712 domain <c>EVM Payment Channel</c>), 20 bytes; null: no channels on this chain.</summary>
    public ReadOnlyMemory<byte>? Escrow { get; init; }

    /// <summary>The escrow contract of mppx's <c>sessionLegacy</c> channels (domain <c>Tempo Stream Channel</c>), 20 bytes; null: none on this chain.</summary>
    public ReadOnlyMemory<byte>? LegacyEscrow { get; init; }

    /// <summary>Blocks on top of a transaction's own before it counts as final.</summary>
    public int Confirmations { get; init; } = 2;

    /// <summary>Wei per gas that a transaction of this peer costs at most, whatever the node says; it waits for lower fees.</summary>
    public ulong MaxFeePerGasWei { get; init; } = 500_000_000_000;
}

/// <summary>An ERC-20 token with EIP-3009 authorizations and 6 decimals, so that its units are micro-units.</summary>
/// <param name="Address">20 bytes.</param>
/// <param name="Name">Its EIP-712 domain name.</param>
/// <param name="Version">Its EIP-712 domain version.</param>
/// <param name="Currency">Currency code of this peer's ledger, as <c>USDC</c>.</param>
public sealed record ChainToken(ReadOnlyMemory<byte> Address, string Name, string Version, string Currency);
