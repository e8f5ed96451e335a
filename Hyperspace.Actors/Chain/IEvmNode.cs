using System.Numerics;

namespace Hyperspace.Actors.Chain;

/// <summary>
/// What this peer asks of a chain's node. A node that cannot be asked, or gives an answer that is none, is an
/// <see cref="IOException"/> whose message holds no part of the node's address; an error that the node answered is an
/// <see cref="EvmRpcException"/>.
/// </summary>
internal interface IEvmNode
{
    /// <summary>Calls a contract at the latest block; what it answers.</summary>
    Task<byte[]> CallAsync(ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>Gas that a transaction would take.</summary>
    Task<ulong> EstimateGasAsync(ReadOnlyMemory<byte> from, ReadOnlyMemory<byte> to, ReadOnlyMemory<byte> data, CancellationToken cancellationToken);

    /// <summary>What gas costs now.</summary>
    Task<GasPrice> GasPriceAsync(CancellationToken cancellationToken);

    /// <summary>Transactions that an account has in the latest block's state, or with those that wait too.</summary>
    Task<ulong> TransactionCountAsync(ReadOnlyMemory<byte> address, bool pending, CancellationToken cancellationToken);

    /// <summary>Hands a signed transaction over.</summary>
    Task SendRawTransactionAsync(ReadOnlyMemory<byte> raw, CancellationToken cancellationToken);

    /// <summary>Where a transaction was executed; null when it was not, as far as the node knows.</summary>
    Task<EvmReceipt?> ReceiptAsync(ReadOnlyMemory<byte> transactionHash, CancellationToken cancellationToken);

    /// <summary>The number of the latest block.</summary>
    Task<ulong> BlockNumberAsync(CancellationToken cancellationToken);

    /// <summary>The hash of the block at this height; null when there is none.</summary>
    Task<byte[]?> BlockHashAsync(ulong number, CancellationToken cancellationToken);
}

/// <summary>Price of gas.</summary>
/// <param name="BaseFee">Wei per gas that the next block burns.</param>
/// <param name="PriorityFee">Wei per gas that gets a transaction in.</param>
internal readonly record struct GasPrice(BigInteger BaseFee, BigInteger PriorityFee);

/// <summary>Where and how a transaction was executed.</summary>
/// <param name="BlockNumber">Height of the block.</param>
/// <param name="BlockHash">Hash of the block, 32 bytes.</param>
/// <param name="Succeeded">False: it reverted.</param>
/// <param name="GasUsed">Gas that it took.</param>
/// <param name="EffectiveGasPrice">Wei per gas.</param>
/// <param name="Contract">The contract that it created, 20 bytes; null: none.</param>
internal sealed record EvmReceipt(ulong BlockNumber, ReadOnlyMemory<byte> BlockHash, bool Succeeded, ulong GasUsed, BigInteger EffectiveGasPrice, ReadOnlyMemory<byte>? Contract);

/// <summary>An error that a node answered.</summary>
/// <param name="code">JSON-RPC error code.</param>
/// <param name="message">What the node says, without secrets.</param>
/// <param name="revert">What the contract answered when it reverted; null: it is no revert.</param>
internal sealed class EvmRpcException(int code, string message, byte[]? revert) : IOException(message)
{
    public int Code => code;

    public byte[]? Revert => revert;

    /// <summary>True when the call was executed and the contract refused it.</summary>
    public bool IsRevert => revert is not null;
}
