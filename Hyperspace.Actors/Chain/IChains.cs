using System.Numerics;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Chain;

/// <summary>The chains that this peer is set up for; empty by default: then all balances live in the local ledger.</summary>
internal interface IChains
{
    /// <summary>All of them, the preferred one first.</summary>
    IReadOnlyList<ChainOptions> All { get; }

    /// <summary>Reads a chain; null when this peer is not set up for it.</summary>
    IChainReader? Find(ulong chainId);
}

/// <summary>What is read from a chain, at its latest block. A chain that cannot be asked is an <see cref="IOException"/>.</summary>
internal interface IChainReader
{
    /// <summary>Which chain it is.</summary>
    ChainOptions Options { get; }

    /// <summary>Token units that an address holds.</summary>
    Task<BigInteger> TokenBalanceAsync(ReadOnlyMemory<byte> owner, CancellationToken cancellationToken);

    /// <summary>Whether an EIP-3009 authorization was used or cancelled.</summary>
    Task<bool> IsAuthorizationUsedAsync(ReadOnlyMemory<byte> authorizer, ReadOnlyMemory<byte> nonce, CancellationToken cancellationToken);

    /// <summary>A channel of an escrow contract; null when it was never opened.</summary>
    Task<EscrowChannel?> ChannelAsync(ReadOnlyMemory<byte> escrow, ReadOnlyMemory<byte> channelId, CancellationToken cancellationToken);
}

/// <summary>A channel as the escrow contract has it. Addresses are 20 bytes, amounts token units.</summary>
/// <param name="Payer">Who funded it and gets the remainder.</param>
/// <param name="Payee">Who may claim.</param>
/// <param name="Token">What it holds.</param>
/// <param name="AuthorizedSigner">Who signs vouchers; zero: the payer.</param>
/// <param name="Deposit">What was put in, top-ups included.</param>
/// <param name="Settled">What of it was paid out to the payee.</param>
/// <param name="CloseRequestedAt">Unix seconds when the payer asked to close; 0: it did not.</param>
/// <param name="Finalized">Nothing is left in it; the record stays for ever, so its id is never used again.</param>
internal sealed record EscrowChannel(
    ReadOnlyMemory<byte> Payer, ReadOnlyMemory<byte> Payee, ReadOnlyMemory<byte> Token, ReadOnlyMemory<byte> AuthorizedSigner, UInt128 Deposit, UInt128 Settled, ulong CloseRequestedAt, bool Finalized);
