using FsCheck.Xunit;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Ledger;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Ledger;

public class LedgerProjectionTests
{
    private const string Self = "self";

    [Property(MaxTest = 25, EndSize = 80)]
    public void However_it_is_cut_into_pages_and_wherever_it_is_cut_off_the_same_tables_come_out(Move[] moves, byte[] pages)
    {
        using var journal = new JournalFile();
        var peer = TwoPeers.After([.. moves, Move.Pay, Move.Arrive, Move.AnswerReaches]).A;
        journal.Add(peer.Journal);
        journal.Add("ledger", new LedgerEvents.RoundClosed(5_000, 3, [new RoundLine("q", "USDC", 1, 2)]));
        var whole = Path.Combine(journal.Directory, "whole.db");
        using (var ledger = LedgerFile.Open(whole, out _))
        using (var reader = JournalReader.Payments(journal.Directory))
        {
            CatchUp(new LedgerProjection(reader, ledger), LedgerProjection.PageSize);
        }

        var cut = Path.Combine(journal.Directory, "cut.db");
        foreach (var size in pages.Append((byte)250))
        {
            using var ledger = LedgerFile.Open(cut, out _);
            using var reader = JournalReader.Payments(journal.Directory);
            using (ledger.Connection.BeginTransaction())
            {
                // A crash in the middle of a page: nothing of it is committed.
                var page = new LedgerPage(ledger);
                page.Skip("lost");
                page.Flush();
            }

            new LedgerProjection(reader, ledger).Step((size % 7) + 1);
        }

        using (var ledger = LedgerFile.Open(cut, out var replaced))
        using (var reader = JournalReader.Payments(journal.Directory))
        {
            Assert.Null(replaced);
            CatchUp(new LedgerProjection(reader, ledger), 3);
        }

        Assert.Equal(JournalFile.Dump(whole), JournalFile.Dump(cut));
    }

    [Fact]
    public void Statements_page_with_a_running_balance_and_balances_by_prefix()
    {
        using var journal = new JournalFile();
        journal.Add(Payments(5));
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        CatchUp(ledger.Projection);
        var account = Account.Peer(ChannelPair.Payer.PeerId.ToString()).Name;
        var first = ledger.Queries.Statement(account, null, 0, 2);
        var rest = ledger.Queries.Statement(account, "USDC", first.Next, 10);
        Assert.Equal(["10", "20"], first.Lines.Select(l => l.Balance.Units));
        Assert.Equal(["30", "40", "50"], rest.Lines.Select(l => l.Balance.Units));
        Assert.Equal(0, rest.Next);
        Assert.All(rest.Lines, line => Assert.Equal(("10", "USDC", "earned"), (line.Amount.Units, line.Amount.Currency, line.Kind)));
        Assert.Equal("payee-channel-" + ChannelPair.ChannelId + "#2", first.Lines[0].EntryId);
        Assert.Equal(journal.Now, first.Lines[0].Time);
        Assert.Equal("r0", first.Lines[0].Memo);
        Assert.Empty(ledger.Queries.Statement(account, "EUR", 0, 10).Lines);

        var all = ledger.Queries.Balances("", "", 10);
        Assert.Equal(["channel:" + ChannelPair.ChannelId, "income", account], all.Balances.Select(b => b.Account));
        Assert.Equal(new LedgerBalance("income", new("-50", "USDC"), new("0", "USDC"), new("50", "USDC")), all.Balances[1]);
        Assert.Null(all.Next);
        var page = ledger.Queries.Balances("", "", 2);
        Assert.Equal("income", page.Next);
        Assert.Equal([account], ledger.Queries.Balances("", page.Next!, 2).Balances.Select(b => b.Account));
        Assert.Equal([account], ledger.Queries.Balances("peer:", "", 2).Balances.Select(b => b.Account));
    }

    [Fact]
    public void Events_that_were_written_as_a_group_are_entries_of_their_own()
    {
        using var journal = new JournalFile();
        var events = Payments(3).Select(e => e.Event).ToList();
        journal.Add("payee-channel-" + ChannelPair.ChannelId, events[0]);
        journal.Add("payee-channel-" + ChannelPair.ChannelId, new ChannelBatch(events[1..]));
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        CatchUp(ledger.Projection);
        Assert.Equal(
            ["#2", "#2.1", "#2.2"],
            ledger.Queries.Statement("income", null, 0, 10).Lines.Select(l => l.EntryId[("payee-channel-" + ChannelPair.ChannelId).Length..]));
        Assert.Equal((2L, 3L), (ledger.Position.Events, ledger.Position.Entries));
        Assert.True(Audit(journal, ledger).Ok);
    }

    [Fact]
    public void What_this_version_does_not_know_is_counted_and_a_missing_event_noted()
    {
        using var journal = new JournalFile();
        journal.Add(Payments(2));
        journal.Add("payee-channel-" + ChannelPair.ChannelId, SerializerIds.Micropayments, "voucher-taken:9", [1, 2]);
        journal.Add("payee-channel-" + ChannelPair.ChannelId, SerializerIds.Micropayments, "voucher-taken:1", [0xff]);
        journal.Add("somebody-else", 4711, "", [1]);
        journal.Run("DELETE FROM journal WHERE ordering = 3");
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        CatchUp(ledger.Projection);
        Assert.Equal([new("serializer 4711", 1), new("voucher-taken:1", 1), new("voucher-taken:9", 1)], ledger.Queries.Skipped());
        Assert.Equal(6, ledger.Position.Events);
        Assert.Equal(1, ledger.Position.Entries);

        var audit = new LedgerAuditor(journal.Directory).Run(null, Statements(ledger), default);
        Assert.False(audit.Ok);
        Assert.Contains(audit.Differences, d => d.Contains("lacks event 3", StringComparison.Ordinal));
        Assert.Equal(3, audit.Skipped.Count);
    }

    [Fact]
    public void A_ledger_that_is_damaged_outdated_or_of_another_journal_is_made_anew()
    {
        using var journal = new JournalFile();
        var path = Path.Combine(journal.Directory, LedgerFile.FileName);
        journal.Add(Payments(3));
        void Reopen(string? because)
        {
            using var ledger = OpenLedger.Open(journal.Directory, Self, out var replaced);
            CatchUp(ledger.Projection);
            Assert.Equal(because, replaced);
            Assert.Equal("-30", ledger.Queries.Of("income")[0].Balance.Units);
        }

        Reopen(null);
        Reopen(null);
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)7, 9000)]);
        Reopen("it is damaged");
        using (var file = LedgerFile.Open(path, out _))
        {
            file.Execute("PRAGMA user_version = 99");
        }

        Reopen("it is of another version");
        journal.Run("UPDATE journal SET ordering = ordering + 100");
        Reopen("it has read another journal");
    }

    [Fact]
    public void The_file_is_for_its_owner_only()
    {
        using var journal = new JournalFile();
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        foreach (var path in Directory.GetFiles(journal.Directory, LedgerFile.FileName + "*"))
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            }
        }
    }

    [Fact]
    public void An_audit_finds_what_was_changed_behind_the_ledgers_back()
    {
        using var journal = new JournalFile();
        journal.Add(Payments(4));
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        CatchUp(ledger.Projection);
        var audit = Audit(journal, ledger);
        Assert.True(audit.Ok, string.Join("; ", audit.Differences));
        Assert.Equal((6L, 4L, 1, 0), (audit.Events, audit.Entries, audit.Channels, audit.Busy));
        Assert.False(File.Exists(Path.Combine(journal.Directory, LedgerAuditor.FileName)));

        using var file = LedgerFile.Open(Path.Combine(journal.Directory, LedgerFile.FileName), out _);
        foreach (var (tamper, undo, told) in new[]
        {
            ("UPDATE lines SET amount = '11' WHERE account = 'income' AND id < 3 * 1048576", "UPDATE lines SET amount = '-10' WHERE account = 'income' AND id < 3 * 1048576", "sum to"),
            ("UPDATE balances SET credits = '41' WHERE account = 'income'", "UPDATE balances SET credits = '40' WHERE account = 'income'", "balances: the ledger has (income, USDC, 0, 41)"),
            ("INSERT INTO skipped VALUES ('x', 1)", "DELETE FROM skipped", "skipped: the ledger has (x, 1), which does not follow"),
            ("UPDATE entries SET memo = 'm' WHERE number = 3 * 65536", "UPDATE entries SET memo = 'r1' WHERE number = 3 * 65536", "entries: the ledger has (196608"),
            ("INSERT INTO positions VALUES ('q', 'USDC', 3)", "DELETE FROM positions", "positions"),
        })
        {
            file.Execute(tamper);
            var found = Audit(journal, ledger);
            Assert.False(found.Ok);
            Assert.Contains(found.Differences, d => d.Contains(told, StringComparison.Ordinal));
            file.Execute(undo);
            Assert.True(Audit(journal, ledger).Ok);
        }

        var other = new ChannelStatements(ledger.Queries.Channels(), new ChannelTotals([], []));
        Assert.Contains("and the channel itself nothing", Assert.Single(new LedgerAuditor(journal.Directory).Run(null, other, default).Differences), StringComparison.Ordinal);
        Assert.True(new LedgerAuditor(journal.Directory).Run("income", other, default).Ok);
    }

    [Property(MaxTest = 15, EndSize = 80)]
    public void An_audit_of_whatever_has_happened_finds_nothing(Move[] moves)
    {
        var peer = TwoPeers.After(moves).A;
        using var journal = new JournalFile();
        journal.Add(peer.Journal);
        using var ledger = OpenLedger.Open(journal.Directory, Self, out _);
        CatchUp(ledger.Projection);
        var totals = new ChannelTotals([.. peer.Paying.Values.SelectMany(p => p.History().Channels)], [.. peer.Receiving.Values.Select(r => r.View())]);
        var audit = new LedgerAuditor(journal.Directory).Run(null, new ChannelStatements(ledger.Queries.Channels(), totals), default);
        Assert.True(audit.Ok, string.Join("; ", audit.Differences));
        Assert.Equal(totals.Paying.Count + totals.Receiving.Count, audit.Channels);
    }

    internal static void CatchUp(LedgerProjection projection, int pageSize = LedgerProjection.PageSize)
    {
        while (projection.Step(pageSize) > 0)
        {
        }
    }

    /// <summary>A channel that was opened to this peer, and so many payments of 10 over it.</summary>
    internal static IEnumerable<(string PersistenceId, object Event)> Payments(int count)
    {
        var id = "payee-channel-" + ChannelPair.ChannelId;
        yield return (id, new PayeeChannelEvents.Opened(ChannelPair.Payer.PeerId.ToString(), ChannelPair.Terms));
        for (var i = 0; i < count; i++)
        {
            yield return (id, new PayeeChannelEvents.VoucherTaken($"r{i}", 10, (ulong)(i + 1) * 10, Google.Protobuf.ByteString.Empty));
        }

        yield return (id, new PayeeChannelEvents.Delivered("r0"));
    }

    private static LedgerAudit Audit(JournalFile journal, OpenLedger ledger) => new LedgerAuditor(journal.Directory).Run(null, Statements(ledger), default);

    private static ChannelStatements Statements(OpenLedger ledger) => new(
        ledger.Queries.Channels(),
        new ChannelTotals([], [.. ledger.Queries.Channels().Values.OfType<PayeeBook>().Select(b => new PayeeChannelView(
            b.ChannelId, b.Payer, true, default, Hyperspace.Contracts.Money.Amount.MicroUsdc(b.AcceptedMicro), Hyperspace.Contracts.Money.Amount.MicroUsdc(b.SpentMicro), b.Vouchers, false, default))]));
}
