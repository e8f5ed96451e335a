using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What one counterparty and this peer came to owe each other in a round.</summary>
/// <param name="Counterparty">Its peer id or address.</param>
/// <param name="Currency">The currency's code.</param>
/// <param name="NetMicro">What the counterparty came to owe (+) or to be owed (−).</param>
/// <param name="PositionMicro">The same over all rounds up to this one.</param>
internal sealed record RoundLine(string Counterparty, string Currency, long NetMicro, long PositionMicro);

/// <summary>What happened to the ledger itself; everything else in it follows from the events of others.</summary>
internal static class LedgerEvents
{
    /// <summary>A round of settlements was closed; it may be published from now on.</summary>
    /// <param name="StartMs">Beginning of its period, unix milliseconds.</param>
    /// <param name="Through">The journal's ordering up to which it reaches, from where the round before ended.</param>
    /// <param name="Lines">By counterparty and currency, in that order.</param>
    public sealed record RoundClosed(long StartMs, long Through, IReadOnlyList<RoundLine> Lines);

    /// <summary>The mesh has the round.</summary>
    public sealed record RoundPublished(long StartMs);
}

/// <summary>How the ledger's own events are written into the payments journal (<c>ledger.proto</c>).</summary>
internal static class LedgerJournal
{
    /// <summary>Events and the snapshot.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<LedgerEvents.RoundClosed, Journal.RoundClosed>("round-closed:1", ToMessage, ToRecord)
        .Map<LedgerEvents.RoundPublished, Journal.RoundPublished>("round-published:1", e => new() { StartMs = e.StartMs }, m => new(m.StartMs))
        .Map<RoundSnapshot, Journal.RoundSnapshot>(
            "rounds-snapshot:1",
            s => new() { LastStartMs = s.State.LastStartMs, Through = s.State.Through, Unpublished = { s.State.Unpublished.Select(ToMessage) } },
            m => new(new RoundState { LastStartMs = m.LastStartMs, Through = m.Through, Unpublished = [.. m.Unpublished.Select(ToRecord)] }));

    /// <summary>A closed round as the ledger's file keeps it.</summary>
    public static LedgerEvents.RoundClosed Closed(byte[] bytes) => ToRecord(Journal.RoundClosed.Parser.ParseFrom(bytes));

    private static Journal.RoundClosed ToMessage(LedgerEvents.RoundClosed e) => new()
    {
        StartMs = e.StartMs,
        Through = e.Through,
        Lines = { e.Lines.Select(l => new Journal.RoundLine { Counterparty = l.Counterparty, Currency = l.Currency, NetMicro = l.NetMicro, PositionMicro = l.PositionMicro }) },
    };

    private static LedgerEvents.RoundClosed ToRecord(Journal.RoundClosed m) =>
        new(m.StartMs, m.Through, [.. m.Lines.Select(l => new RoundLine(l.Counterparty, l.Currency, l.NetMicro, l.PositionMicro))]);
}
