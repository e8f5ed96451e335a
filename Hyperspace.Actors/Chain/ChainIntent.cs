using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using Hyperspace.Actors.Evm;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Actors.Chain;

/// <summary>A transaction that this peer wants, and how far it has come.</summary>
/// <param name="Wish">What was asked for; its data is dropped once it is final.</param>
internal sealed record ChainIntent(ChainEvents.Submitted Wish)
{
    /// <summary>Hash of what was asked for: the same id must not be used for something else, also long after.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>What was signed for it, the newest last; all of one sender and nonce.</summary>
    public ImmutableList<ChainEvents.Signed> Signed { get; init; } = [];

    /// <summary>How it ended.</summary>
    public ChainEvents.Executed? Executed { get; init; }

    /// <summary>Why it will not be executed.</summary>
    public string? RejectedBecause { get; init; }

    /// <summary>When the newest was last sent by this process; null: not yet. Not journalled.</summary>
    public DateTimeOffset? SentAt { get; init; }

    /// <summary>The head of the chain when its nonce was first seen used by none of its transactions. Not journalled.</summary>
    public ulong? CrowdedOutSince { get; init; }

    /// <summary>What went wrong last while it was on its way. Not journalled.</summary>
    public string? Trouble { get; init; }

    public string Id => Wish.IntentId;

    public bool IsFinal => Executed is not null || RejectedBecause is not null;

    /// <summary>Signed, so perhaps sent, and not final.</summary>
    public bool IsInFlight => !IsFinal && !Signed.IsEmpty;

    /// <summary>Not signed yet.</summary>
    public bool IsWaiting => !IsFinal && Signed.IsEmpty;

    /// <summary>As callers see it.</summary>
    public ChainIntentView View()
    {
        var status = Executed is { } executed ? executed.Succeeded ? ChainIntentStatus.Confirmed : ChainIntentStatus.Reverted
            : RejectedBecause is not null ? ChainIntentStatus.Rejected
            : ChainIntentStatus.Pending;
        var hash = Executed?.Hash ?? (Signed.IsEmpty ? (ReadOnlyMemory<byte>?)null : Signed[^1].Hash);
        return new ChainIntentView(
            Id, Wish.ChainId, status, hash is { } bytes ? Hex.Of(bytes.Span) : null, Executed?.BlockNumber, Executed?.GasUsed, Executed?.FeeWei.ToString(CultureInfo.InvariantCulture),
            status == ChainIntentStatus.Reverted ? "The contract reverted it." : RejectedBecause ?? (status == ChainIntentStatus.Pending ? Trouble : null));
    }
}

/// <summary>What is asked of a chain's node before the next decision.</summary>
/// <param name="ChainId">The chain.</param>
/// <param name="InFlight">Intents whose transactions may have been executed.</param>
/// <param name="Next">The intent to sign next; null: none, or too many are in flight.</param>
internal sealed record ChainQuestions(ulong ChainId, IReadOnlyList<ChainIntent> InFlight, ChainIntent? Next);

/// <summary>What the node answered to <see cref="ChainQuestions"/>; whatever it did not answer is null or absent.</summary>
/// <param name="Head">Number of the latest block.</param>
/// <param name="LatestCount">The wallet's nonce in the latest block's state.</param>
/// <param name="PendingCount">With those that wait.</param>
/// <param name="Price">What gas costs.</param>
/// <param name="Sightings">Where a transaction of an intent was seen, by intent.</param>
/// <param name="Estimate">What the next intent would take.</param>
internal sealed record ChainAnswers(ulong Head, ulong LatestCount, ulong PendingCount, GasPrice Price, IReadOnlyDictionary<string, Sighting> Sightings, GasEstimate? Estimate);

/// <summary>A transaction that was executed.</summary>
/// <param name="Hash">Which one.</param>
/// <param name="Receipt">Where and how.</param>
/// <param name="IsCanonical">The block at that height is still the same.</param>
internal sealed record Sighting(ReadOnlyMemory<byte> Hash, EvmReceipt Receipt, bool IsCanonical);

/// <summary>What an intent would take.</summary>
/// <param name="IntentId">The intent.</param>
/// <param name="Gas">Gas; null: the node did not say.</param>
/// <param name="Revert">Why the contract refuses it.</param>
/// <param name="Trouble">Why the node did not say.</param>
internal sealed record GasEstimate(string IntentId, ulong? Gas, string? Revert = null, string? Trouble = null);

/// <summary>What is to be done after <see cref="ChainAnswers"/>.</summary>
/// <param name="Events">To be journalled first, all at once.</param>
/// <param name="Send">Then the intents whose newest transaction is to be sent.</param>
/// <param name="State">The state with what was noticed and is not journalled; the events come on top.</param>
internal sealed record ChainDecision(IReadOnlyList<IChainEvent> Events, IReadOnlyList<string> Send, ChainState State);

/// <summary>How patient the chain actor is.</summary>
internal sealed record ChainTimes
{
    /// <summary>Between two looks at a chain on which something is in flight.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A transaction that was not executed is sent again, in case it was lost.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The first in the queue that was not executed is replaced by one with higher fees.</summary>
    public TimeSpan BumpAfter { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>Blocks in which a nonce must have been used by none of our transactions before that is believed.</summary>
    public ulong CrowdedOutBlocks { get; init; } = 64;
}
