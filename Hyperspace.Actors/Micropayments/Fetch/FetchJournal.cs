using Google.Protobuf;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>How paid fetches are written into the payments journal (<c>fetch.proto</c>).</summary>
internal static class FetchJournal
{
    /// <summary>Events and the snapshot.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<FetchEvents.Authorized, Journal.Authorized>("fetch-authorized:1", ToMessage, ToRecord)
        .Map<FetchEvents.Refused, Journal.Refused>("fetch-refused:1", e => new() { Key = e.Key, Number = (uint)e.Number }, m => new(m.Key, (int)m.Number))
        .Map<FetchEvents.Paid, Journal.Paid>(
            "fetch-paid:1", e => new() { Key = e.Key, Number = (uint)e.Number, Reference = e.Reference ?? "" }, m => new(m.Key, (int)m.Number, OrNull(m.Reference)))
        .Map<FetchEvents.Unused, Journal.Unused>("fetch-unused:1", e => new() { Key = e.Key, Number = (uint)e.Number }, m => new(m.Key, (int)m.Number))
        .Map<FetchSnapshot, Journal.Snapshot>(
            "fetch-snapshot:1",
            s => new() { Standings = { s.Standings.Select(a => new Journal.Standing { Authorized = ToMessage(a.Signed), Outcome = (uint)a.Outcome, Reference = a.Reference ?? "" }) } },
            m => new([.. m.Standings.Select(a => new Authorization(ToRecord(a.Authorized), (FetchOutcome)a.Outcome, OrNull(a.Reference)))]));

    private static string? OrNull(string text) => text.Length > 0 ? text : null;

    private static Journal.Authorized ToMessage(FetchEvents.Authorized e) => new()
    {
        Key = e.Key,
        Number = (uint)e.Number,
        Fingerprint = e.Fingerprint,
        SessionId = e.SessionId,
        ReservationId = e.ReservationId,
        Resource = e.Resource,
        Wire = e.Wire,
        ChainId = e.ChainId,
        Token = ByteString.CopyFrom(e.Token),
        Payer = ByteString.CopyFrom(e.Payer),
        Payee = ByteString.CopyFrom(e.Payee),
        Micro = e.Micro,
        Currency = e.Currency,
        Nonce = ByteString.CopyFrom(e.Nonce),
        ValidBefore = e.ValidBefore,
        Header = e.Header,
        Credential = e.Credential,
        AtMs = e.AtMs,
    };

    private static FetchEvents.Authorized ToRecord(Journal.Authorized m) => new(
        m.Key, (int)m.Number, m.Fingerprint, m.SessionId, m.ReservationId, m.Resource, m.Wire, m.ChainId, m.Token.ToByteArray(), m.Payer.ToByteArray(), m.Payee.ToByteArray(), m.Micro, m.Currency,
        m.Nonce.ToByteArray(), m.ValidBefore, m.Header, m.Credential, m.AtMs);
}
