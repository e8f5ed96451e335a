using Hyperspace.Contracts.Money;

namespace Hyperspace.Contracts.Micropayments;

/// <summary>Commands of the operation that moves what is left of a channel to another chain: settle here, open there.</summary>
public static class TransferCommands
{
    /// <summary>
    /// Closes a channel that this peer pays over, and opens one to the same payee on another chain with what came back. Journalled, and carried
    /// on after a restart. The escrow refunds this peer's wallet on the first chain, and the new deposit comes out of its
    /// wallet on the second: no token crosses by itself. Answered with <see cref="ChannelTransferView"/> once journalled, or a
    /// <see cref="Refusal"/>; the same channel and chain is the same operation.
    /// </summary>
    public sealed record Begin(string ChannelId, ulong ToChainId);

    /// <summary>Answered with <see cref="ChannelTransferView"/>, or a <see cref="Refusal"/> NOT_FOUND.</summary>
    public sealed record Get(string ChannelId);
}

/// <summary>How far a transfer is.</summary>
public enum TransferStep
{
    /// <summary>The channel is being closed on the first chain.</summary>
    Closing,

    /// <summary>It is closed, and the new one is being opened.</summary>
    Opening,

    /// <summary>The new channel is open at the payee.</summary>
    Done,

    /// <summary>It ended where it was: see the error. What came back is in this peer's wallet.</summary>
    Failed,
}

/// <summary>A transfer of a channel's remainder.</summary>
/// <param name="ChannelId">The channel that is closed.</param>
/// <param name="FromChainId">Its chain.</param>
/// <param name="ToChainId">The other chain.</param>
/// <param name="Step">How far it is.</param>
/// <param name="Moved">What came back, and is the new deposit; zero until it is closed.</param>
/// <param name="NewChannelId">The new channel, once open.</param>
/// <param name="Error">Why it failed; or what keeps it.</param>
public sealed record ChannelTransferView(string ChannelId, ulong FromChainId, ulong ToChainId, TransferStep Step, Amount Moved, string? NewChannelId, string? Error);
