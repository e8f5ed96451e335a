using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>A settlement that was verified.</summary>
/// <param name="Author">Whose.</param>
/// <param name="Time">When it was signed, by the author's clock.</param>
/// <param name="Content">What it says.</param>
internal sealed record HeardSettlement(string Author, HybridTime Time, Settlement Content);

/// <summary>Settlements on the mesh: how they are sealed, judged and read. Pure.</summary>
public static class Settlements
{
    /// <summary>Largest envelope, in bytes.</summary>
    public const int MaxBytes = 96 * 1024;

    /// <summary>Most lines of one part.</summary>
    public const int MaxLines = 512;

    /// <summary>Most parts of one round.</summary>
    public const int MaxParts = 64;

    private const int MaxPeerId = 128;

    // How old a round may be that is told for the first time.
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(7);

    /// <summary>A validator for the prefix <see cref="Topics.Settlements"/>: on the parent topic or the round's own.</summary>
    public static TopicValidator Validator(TimeProvider time) => message =>
        Read(message.Data, time.GetUtcNow(), out _) is { } heard && (message.Topic == Topics.Settlements || message.Topic == Topics.SettlementsOf(RoundState.NameOf((long)heard.Content.RoundMs)))
            ? Validation.Accept
            : Validation.Reject;

    /// <summary>
    /// A round's envelopes. Counterparties that are known by their address only are left out: nobody could compare, and who
    /// pays from which address is nobody's business.
    /// </summary>
    internal static IReadOnlyList<SignedEnvelope> Seal(PeerIdentity identity, LedgerEvents.RoundClosed round, HybridClock clock)
    {
        var parts = round.Lines.Where(line => PeerId.TryParse(line.Counterparty, out _)).Take(MaxLines * MaxParts).Chunk(MaxLines).ToList();
        return
        [
            .. parts.Select((lines, i) => SignedEnvelope.Seal(
                identity.Keys,
                EnvelopeTypes.Settlement,
                new Settlement
                {
                    RoundMs = (ulong)round.StartMs,
                    Part = (uint)i,
                    Parts = (uint)parts.Count,
                    Lines = { lines.Select(l => new SettlementLine { Counterparty = l.Counterparty, Currency = l.Currency, NetMicro = l.NetMicro, PositionMicro = l.PositionMicro }) },
                }.ToByteArray(),
                clock.Next())),
        ];
    }

    /// <summary>The settlement in an envelope that came from anywhere; null and a reason when it does not verify or breaks a limit.</summary>
    internal static HeardSettlement? Read(ReadOnlyMemory<byte> data, DateTimeOffset now, out string reason)
    {
        if (data.Length > MaxBytes)
        {
            reason = $"it is over {MaxBytes} bytes";
            return null;
        }

        if (SignedEnvelope.Open(data, now, out reason) is not { } envelope)
        {
            return null;
        }

        if (envelope.Type != EnvelopeTypes.Settlement)
        {
            reason = "it is no settlement";
            return null;
        }

        Settlement settlement;
        try
        {
            settlement = Settlement.Parser.ParseFrom(envelope.Payload.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            reason = "the payload is no settlement: " + e.Message;
            return null;
        }

        var author = envelope.Author.ToString();
        reason = Objection(author, settlement, now) ?? "";
        return reason.Length == 0 ? new HeardSettlement(author, envelope.Time, settlement) : null;
    }

    private static string? Objection(string author, Settlement settlement, DateTimeOffset now)
    {
        var nowMs = (ulong)now.ToUnixTimeMilliseconds();
        if (settlement.RoundMs % 1000 != 0 || settlement.RoundMs > nowMs + (ulong)SignedEnvelope.MaxClockSkew.TotalMilliseconds || settlement.RoundMs + (ulong)MaxAge.TotalMilliseconds < nowMs)
        {
            return $"its round is not of a whole second within the last {MaxAge.TotalDays} days";
        }

        if (settlement.Parts is 0 or > MaxParts || settlement.Part >= settlement.Parts || settlement.Lines.Count is 0 or > MaxLines)
        {
            return $"a round has 1 to {MaxParts} parts of 1 to {MaxLines} lines";
        }

        var named = new HashSet<(string, string)>(settlement.Lines.Count);
        foreach (var line in settlement.Lines)
        {
            if (line.Counterparty.Length > MaxPeerId || !PeerId.TryParse(line.Counterparty, out var peer) || peer.ToString() != line.Counterparty || line.Counterparty == author
                || !Currency.TryParse(line.Currency, out _) || line.NetMicro == long.MinValue || line.PositionMicro == long.MinValue || !named.Add((line.Counterparty, line.Currency)))
            {
                return "a line names another peer and a currency, once";
            }
        }

        return null;
    }
}
