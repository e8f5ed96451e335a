namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Mutual credit: what counts against a counterparty's limit is what it owes beyond what this peer owes it, so two peers that
/// pay each other free their credit. Pure; amounts are micro-units of one currency.
/// </summary>
/// <param name="LimitMicro">What the counterparty may owe at most.</param>
/// <param name="PositionMicro">The balance of its account: what it owes (+) or is owed (−).</param>
internal readonly record struct NetCredit(ulong LimitMicro, Int128 PositionMicro)
{
    /// <summary>What it owes beyond what it is owed.</summary>
    public Int128 UsedMicro => Int128.Max(PositionMicro, 0);

    /// <summary>What it may still come to owe; over the limit by as much as it is owed, and zero when the limit was lowered below what it owes.</summary>
    public Int128 LeftMicro => Int128.Max(LimitMicro - PositionMicro, 0);

    /// <summary>Whether it may come to owe as much more.</summary>
    public bool Covers(ulong micro) => (Int128)micro <= LeftMicro;
}
