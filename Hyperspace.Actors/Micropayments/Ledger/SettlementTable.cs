using System.Globalization;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// Own rounds, and settlements that were heard. Those are bounded: of each author that this peer has dealings with the newest
/// <see cref="MaxOfKnown"/> parts, of all strangers together the <see cref="MaxOfStrangers"/> that came last. None of them changes a balance.
/// </summary>
internal sealed class SettlementTable(LedgerFile file, string self)
{
    /// <summary>Parts kept of an author that has an account here.</summary>
    public const int MaxOfKnown = 64;

    /// <summary>Parts kept of all other authors.</summary>
    public const int MaxOfStrangers = 256;

    /// <summary>Own rounds of one answer.</summary>
    public const int MaxRounds = 16;

    /// <summary>Heard parts of one answer.</summary>
    public const int MaxHeard = 64;

    /// <summary>Keeps a settlement; of two for the same place the one that was signed last.</summary>
    public void Keep(HeardSettlement heard)
    {
        using var transaction = file.Connection.BeginTransaction();
        var known = file.Number("SELECT count(*) FROM balances WHERE account = $account", ("$account", Account.Peer(heard.Author).Name)) > 0;
        file.Execute(
            """
            INSERT INTO heard VALUES ($author, $start, $part, $wall, (SELECT coalesce(max(arrival), 0) + 1 FROM heard), $known, $settlement)
            ON CONFLICT (author, start_ms, part) DO UPDATE SET wall_ms = $wall, known = $known, settlement = $settlement WHERE $wall > wall_ms
            """,
            ("$author", heard.Author), ("$start", (long)heard.Content.RoundMs), ("$part", (long)heard.Content.Part), ("$wall", (long)heard.Time.WallMs), ("$known", known ? 1 : 0),
            ("$settlement", Google.Protobuf.MessageExtensions.ToByteArray(heard.Content)));
        if (known)
        {
            file.Execute(
                "DELETE FROM heard WHERE author = $author AND (start_ms, part) NOT IN (SELECT start_ms, part FROM heard WHERE author = $author ORDER BY start_ms DESC, part LIMIT $max)",
                ("$author", heard.Author), ("$max", MaxOfKnown));
        }
        else
        {
            file.Execute("DELETE FROM heard WHERE known = 0 AND arrival NOT IN (SELECT arrival FROM heard WHERE known = 0 ORDER BY arrival DESC LIMIT $max)", ("$max", MaxOfStrangers));
        }

        transaction.Commit();
    }

    /// <summary>Own and heard ones, of one round or the newest, and what pairs of them say.</summary>
    public LedgerSettlements Read(long? startMs)
    {
        var own = Own(startMs);
        var heard = Heard(startMs);
        return new LedgerSettlements(own, heard, Compare([.. own, .. heard]));
    }

    /// <summary>How the lines of settlements that name each other's authors fit; each two once, an earlier settlement's author first. Pure.</summary>
    public static IReadOnlyList<SettlementPair> Compare(IReadOnlyList<SettlementView> settlements)
    {
        var lines = new Dictionary<(string Round, string Author, string Counterparty, string Currency), SettlementLineView>();
        var rounds = new HashSet<(string Round, string Author)>();
        var order = new List<(string Round, string Author, string Counterparty, string Currency)>();
        foreach (var settlement in settlements)
        {
            rounds.Add((settlement.Round, settlement.PeerId));
            foreach (var line in settlement.Lines)
            {
                var key = (settlement.Round, settlement.PeerId, line.Counterparty, line.Net.Currency);
                if (lines.TryAdd(key, line))
                {
                    order.Add(key);
                }
            }
        }

        var pairs = new List<SettlementPair>();
        var told = new HashSet<(string, string, string, string)>();
        foreach (var key in order)
        {
            var mirror = (key.Round, key.Counterparty, key.Author, key.Currency);
            if (told.Contains(mirror) || !rounds.Contains((key.Round, key.Counterparty)))
            {
                continue;
            }

            told.Add(key);
            var line = lines[key];
            var other = lines.GetValueOrDefault(mirror);
            pairs.Add(new SettlementPair(
                key.Round, key.Author, key.Counterparty, line.Net, other?.Net, IsMirror(line.Net, other?.Net), IsMirror(line.Position, other?.Position)));
        }

        return pairs;
    }

    /// <summary>A round of this peer's own, as callers see it.</summary>
    public static SettlementView View(string self, LedgerEvents.RoundClosed round, bool published) =>
        new(self, RoundState.NameOf(round.StartMs), [.. round.Lines.Take(Settlements.MaxLines).Select(l => Line(l.Counterparty, l.Currency, l.NetMicro, l.PositionMicro))], published);

    private static bool IsMirror(LedgerAmount amount, LedgerAmount? other) => LedgerPage.Parse(amount.Units) + LedgerPage.Parse(other?.Units ?? "0") == 0;

    private List<SettlementView> Own(long? startMs)
    {
        using var command = file.Command(
            "SELECT event, published FROM rounds WHERE $start < 0 OR start_ms = $start ORDER BY start_ms DESC LIMIT $limit", ("$start", startMs ?? -1), ("$limit", MaxRounds));
        using var reader = command.ExecuteReader();
        var own = new List<SettlementView>();
        while (reader.Read())
        {
            own.Add(View(self, LedgerJournal.Closed(reader.GetFieldValue<byte[]>(0)), reader.GetInt64(1) > 0));
        }

        return own;
    }

    private List<SettlementView> Heard(long? startMs)
    {
        using var command = file.Command(
            "SELECT author, start_ms, settlement FROM heard WHERE $start < 0 OR start_ms = $start ORDER BY known DESC, start_ms DESC, author, part LIMIT $limit",
            ("$start", startMs ?? -1), ("$limit", MaxHeard));
        using var reader = command.ExecuteReader();
        var heard = new List<SettlementView>();
        while (reader.Read())
        {
            var settlement = Settlement.Parser.ParseFrom(reader.GetFieldValue<byte[]>(2));
            heard.Add(new SettlementView(
                reader.GetString(0), RoundState.NameOf(reader.GetInt64(1)), [.. settlement.Lines.Select(l => Line(l.Counterparty, l.Currency, l.NetMicro, l.PositionMicro))], Published: true));
        }

        return heard;
    }

    private static SettlementLineView Line(string counterparty, string currency, long netMicro, long positionMicro) =>
        new(counterparty, new LedgerAmount(netMicro.ToString(CultureInfo.InvariantCulture), currency), new LedgerAmount(positionMicro.ToString(CultureInfo.InvariantCulture), currency));
}
