using System.Numerics;

namespace Hyperspace.Actors.Chain;

/// <summary>What the journal keeps of a transaction that this peer wants.</summary>
internal interface IChainEvent
{
    /// <summary>The wish.</summary>
    string IntentId { get; }
}

/// <summary>Events of <see cref="ChainState"/>.</summary>
internal static class ChainEvents
{
    /// <summary>A wish, before anything is done about it.</summary>
    internal sealed record Submitted(string IntentId, ulong ChainId, ReadOnlyMemory<byte> To, ReadOnlyMemory<byte> Data, DateTimeOffset At) : IChainEvent;

    /// <summary>
    /// A transaction was signed for it, and may be sent from now on; sent again, it is these bytes. A further one of the same
    /// wish has the same sender and nonce and higher fees, so at most one of them is ever executed.
    /// </summary>
    internal sealed record Signed(
        string IntentId, ReadOnlyMemory<byte> From, ulong Nonce, BigInteger MaxFee, BigInteger PriorityFee, ulong GasLimit, ReadOnlyMemory<byte> Raw, ReadOnlyMemory<byte> Hash, DateTimeOffset At)
        : IChainEvent;

    /// <summary>One of its transactions was executed, with as many confirmations as the chain asks for.</summary>
    internal sealed record Executed(
        string IntentId, ReadOnlyMemory<byte> Hash, bool Succeeded, ulong BlockNumber, ReadOnlyMemory<byte> BlockHash, ulong GasUsed, BigInteger FeeWei, DateTimeOffset At) : IChainEvent;

    /// <summary>It will not be executed: the contract refuses it, or another program has used its nonce.</summary>
    internal sealed record Rejected(string IntentId, string Reason, DateTimeOffset At) : IChainEvent;
}
