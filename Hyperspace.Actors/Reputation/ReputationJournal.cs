using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation.Journal;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>A snapshot of what this peer knows; <see cref="Restore"/> brings it back.</summary>
internal sealed record ReputationSnapshot(IReadOnlyDictionary<string, PeerRecord> Peers, IReadOnlyList<HeldReceipt> Receipts)
{
    /// <summary>What the state holds.</summary>
    public static ReputationSnapshot Of(ReputationState state) => new(state.Peers, state.Receipts);

    /// <summary>The state, of a peer of that id and with these options.</summary>
    public ReputationState Restore(ReputationState empty) =>
        Receipts.Aggregate(Peers.Aggregate(empty, (state, p) => state.Restored(p.Key, p.Value)), (state, receipt) => state.Holding(receipt));
}

/// <summary>How the records of <see cref="IReputationEvent"/> and their snapshot are journalled.</summary>
internal static class ReputationJournal
{
    /// <summary>Every event, and the snapshot.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<ReplaysTaken, ReplaysTakenV1>(
            "reputation-replays:1",
            e => new ReplaysTakenV1
            {
                Source = e.Source,
                AtTicks = e.At.UtcTicks,
                Replays = { e.Replays.Select(r => new ReplayV1 { PeerId = r.PeerId, Agreed = r.Agreed, Disagreed = r.Disagreed }) },
            },
            m => new ReplaysTaken(m.Source, [.. m.Replays.Select(r => new Replay(r.PeerId, r.Agreed, r.Disagreed))], At(m.AtTicks)))
        .Map<CallNoted, CallNotedV1>(
            "reputation-call:1",
            e => new CallNotedV1
            {
                PeerId = e.PeerId,
                Ok = e.Ok,
                Paid = e.Paid,
                AtTicks = e.At.UtcTicks,
                Receipt = e.Receipt is { } receipt ? ByteString.CopyFrom(receipt.Bytes.Span) : ByteString.Empty,
                SessionId = e.Receipt?.SessionId ?? "",
            },
            m => new CallNoted(m.PeerId, m.Ok, m.Paid, At(m.AtTicks), m.Receipt.IsEmpty ? null : Receipt(m.Receipt, m.SessionId)))
        .Map<RatingTaken, RatingTakenV1>(
            "reputation-rating:1",
            e => new RatingTakenV1 { Ratee = e.Ratee, Rater = e.Rater, Entry = Entry(e.Entry), AtTicks = e.At.UtcTicks },
            m => new RatingTaken(m.Ratee, m.Rater, Entry(m.Entry), At(m.AtTicks)))
        .Map<ReputationSnapshot, ReputationSnapshotV1>("reputation-snapshot:1", Snapshot, Snapshot);

    private static ReputationSnapshotV1 Snapshot(ReputationSnapshot snapshot) => new()
    {
        Peers = { snapshot.Peers.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => Peer(p.Key, p.Value)) },
        Receipts = { snapshot.Receipts.Select(r => new HeldReceiptV1 { Envelope = ByteString.CopyFrom(r.Bytes.Span), SessionId = r.SessionId ?? "" }) },
    };

    private static ReputationSnapshot Snapshot(ReputationSnapshotV1 message) => new(
        message.Peers.ToDictionary(p => p.PeerId, Peer, StringComparer.Ordinal),
        [.. message.Receipts.Select(r => Receipt(r.Envelope, r.SessionId))]);

    private static PeerV1 Peer(string peerId, PeerRecord record) => new()
    {
        PeerId = peerId,
        Replays = { record.Replays.Select(r => new SourceV1 { Source = r.Key, Tally = Count(r.Value) }) },
        Recent = Count(record.Recent),
        CaughtAtTicks = record.CaughtAt?.UtcTicks ?? 0,
        SinceCaught = Count(record.SinceCaught),
        Calls = Count(record.Calls),
        CallsAtTicks = record.CallsAt.UtcTicks,
        PaidCalls = record.PaidCalls,
        Raters = { record.Ratings.Raters.Select(r => new RaterV1 { PeerId = r.Key, Entries = { r.Value.Values.Select(Entry) } }) },
    };

    private static PeerRecord Peer(PeerV1 message) => new()
    {
        Replays = PeerRecord.Empty.Replays.AddRange(message.Replays.Select(r => KeyValuePair.Create(r.Source, Count(r.Tally)))),
        Recent = Count(message.Recent),
        CaughtAt = message.CaughtAtTicks == 0 ? null : At(message.CaughtAtTicks),
        SinceCaught = Count(message.SinceCaught),
        Calls = Count(message.Calls),
        CallsAt = At(message.CallsAtTicks),
        PaidCalls = message.PaidCalls,
        Ratings = RatingBook.Restored(message.Raters.Select(rater => (rater.PeerId, rater.Entries.Select(Entry)))),
    };

    private static RatingEntryV1 Entry(RatingEntry entry) => new()
    {
        ReceiptId = entry.ReceiptId,
        Value = entry.Value,
        Micros = entry.Micros,
        PaidAtTicks = entry.PaidAt.UtcTicks,
        Stamp = entry.Stamp,
    };

    private static RatingEntry Entry(RatingEntryV1 message) => new(message.ReceiptId, message.Value, message.Micros, At(message.PaidAtTicks), message.Stamp);

    private static TallyV1 Count(Tally tally) => new() { For = tally.For, Against = tally.Against };

    private static Tally Count(TallyV1? message) => new(message?.For ?? 0, message?.Against ?? 0);

    private static DateTimeOffset At(long ticks) => new(ticks, TimeSpan.Zero);

    /// <summary>A receipt that was verified before it was journalled.</summary>
    private static HeldReceipt Receipt(ByteString envelope, string sessionId) => Ratings.ReadReceipt(envelope.Memory, out var reason) is { } receipt
        ? receipt with { SessionId = sessionId.Length > 0 ? sessionId : null }
        : throw new InvalidDataException($"The journal holds a receipt that does not verify ({reason}); restore the data directory from a copy.");
}
