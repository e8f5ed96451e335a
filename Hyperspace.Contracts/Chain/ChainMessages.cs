namespace Hyperspace.Contracts.Chain;

/// <summary>Commands of the actor that gets this peer's transactions onto the configured chains.</summary>
public static class ChainCommands
{
    /// <summary>
    /// Journals the wish for a transaction, then sends it and keeps at it (fees raised, sent again after a restart or a
    /// reorganisation) until it is final. The same intent id is the same wish: it is never sent as two transactions that
    /// could both count. Answered with <see cref="ChainIntentView"/> once journalled, or a <see cref="Refusal"/>.
    /// </summary>
    /// <param name="IntentId">Names the wish, as <c>close-0x…</c>; 1 to 160 characters.</param>
    /// <param name="ChainId">EIP-155 id of a configured chain.</param>
    /// <param name="To">The contract: <c>0x</c> and 40 hex digits.</param>
    /// <param name="Data">Call data: <c>0x</c> and hex digits.</param>
    public sealed record Submit(string IntentId, ulong ChainId, string To, string Data);

    /// <summary>Answered with <see cref="ChainIntentView"/>, or a <see cref="Refusal"/> NOT_FOUND.</summary>
    public sealed record Get(string IntentId);

    /// <summary>As <see cref="Get"/>, but answered when the intent is final, or with the view of the moment when the time is up.</summary>
    public sealed record Await(string IntentId, TimeSpan Timeout);
}

/// <summary>How far a transaction has come.</summary>
public enum ChainIntentStatus
{
    /// <summary>Journalled; sent or about to be. Not a failure, however long it takes.</summary>
    Pending,

    /// <summary>Executed, with as many confirmations as the chain asks for.</summary>
    Confirmed,

    /// <summary>Executed and reverted, with as many confirmations: it has changed nothing and is not tried again.</summary>
    Reverted,

    /// <summary>
    /// Refused before it was sent (its simulation reverts), or crowded out (another program used the wallet's nonce): it has
    /// changed nothing and is not tried again.
    /// </summary>
    Rejected,
}

/// <summary>A transaction that this peer wants.</summary>
/// <param name="IntentId">Names the wish.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Status">How far it is.</param>
/// <param name="TransactionHash"><c>0x…</c> of the one last sent or the final one; null before the first.</param>
/// <param name="BlockNumber">Where it was executed, once final.</param>
/// <param name="GasUsed">Gas that it took, once final.</param>
/// <param name="FeeWei">What the gas cost, in wei as decimal digits, once final.</param>
/// <param name="Error">Why it was reverted or rejected; while it is pending, what keeps it.</param>
public sealed record ChainIntentView(string IntentId, ulong ChainId, ChainIntentStatus Status, string? TransactionHash, ulong? BlockNumber, ulong? GasUsed, string? FeeWei, string? Error);
