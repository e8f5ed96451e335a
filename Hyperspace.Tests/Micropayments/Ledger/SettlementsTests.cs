using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Ledger;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Micropayments.Ledger;

public class SettlementsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);
    private static readonly long Round = RoundState.Parse("20260102T030000Z")!.Value;
    private static readonly FakeTimeProvider Time = new(Now);
    private static readonly string A = ChannelPair.Payer.PeerId.ToString();
    private static readonly string B = ChannelPair.Payee.PeerId.ToString();

    [Fact]
    public void A_round_goes_out_in_parts_without_those_who_are_known_by_address_only()
    {
        var lines = Enumerable.Range(0, Settlements.MaxLines + 3).Select(i => new RoundLine(B, $"C{i}", i, -i))
            .Append(new RoundLine("eip155:1:0x00", "USDC", 5, 5)).ToList();
        var parts = Settlements.Seal(ChannelPair.Payer, new LedgerEvents.RoundClosed(Round, 9, lines), new HybridClock(Time))
            .Select(part => Settlements.Read(part.Bytes, Now, out var reason) ?? throw new InvalidOperationException(reason)).ToList();
        Assert.Equal([(0U, 2U, 512), (1U, 2U, 3)], parts.Select(p => (p.Content.Part, p.Content.Parts, p.Content.Lines.Count)));
        Assert.All(parts, part => Assert.Equal((A, (ulong)Round), (part.Author, part.Content.RoundMs)));
        Assert.Equal(lines.Take(515).Select(l => (l.NetMicro, l.PositionMicro)), parts.SelectMany(p => p.Content.Lines).Select(l => (l.NetMicro, l.PositionMicro)));
        Assert.Empty(Settlements.Seal(ChannelPair.Payer, new LedgerEvents.RoundClosed(Round, 9, [new RoundLine("eip155:1:0x00", "USDC", 5, 5)]), new HybridClock(Time)));
    }

    [Fact]
    public void The_largest_part_fits() =>
        Assert.All(
            Settlements.Seal(ChannelPair.Payer, new LedgerEvents.RoundClosed(Round, 9, [.. Enumerable.Range(0, 512).Select(i => new RoundLine(B, $"CURRENCY{i:0000}", long.MinValue + 1, long.MaxValue))]), new HybridClock(Time)),
            part => Assert.NotNull(Settlements.Read(part.Bytes, Now, out _)));

    [Theory]
    [InlineData("hyperspace/settlements", Validation.Accept)]
    [InlineData("hyperspace/settlements/20260102T030000Z", Validation.Accept)]
    [InlineData("hyperspace/settlements/20260102T031000Z", Validation.Reject)]
    [InlineData("hyperspace/settlementsX", Validation.Reject)]
    public void It_is_let_through_on_its_own_topic_and_the_parent(string topic, Validation expected) => Assert.Equal(expected, Judge(topic, Sealed(_ => { })));

    [Fact]
    public void What_breaks_a_limit_is_rejected()
    {
        void Rejected(Action<Settlement> change) => Assert.Equal(Validation.Reject, Judge(Topics.Settlements, Sealed(change)));
        Assert.Equal(Validation.Accept, Judge(Topics.Settlements, Sealed(_ => { })));
        Rejected(s => s.RoundMs += 1);
        Rejected(s => s.RoundMs += 600_000);
        Rejected(s => s.RoundMs -= 8UL * 24 * 3600 * 1000);
        Rejected(s => s.Parts = 0);
        Rejected(s => s.Part = 1);
        Rejected(s => s.Parts = 65);
        Rejected(s => s.Lines.Clear());
        Rejected(s => s.Lines.Add(s.Lines[0].Clone()));
        Rejected(s => s.Lines.Add(Enumerable.Range(0, 512).Select(i => new SettlementLine { Counterparty = B, Currency = $"C{i}" })));
        Rejected(s => s.Lines[0].Counterparty = A);
        Rejected(s => s.Lines[0].Counterparty = "nobody");
        Rejected(s => s.Lines[0].Currency = "usdc");
        Rejected(s => s.Lines[0].NetMicro = long.MinValue);
        Assert.Equal(Validation.Reject, Judge(Topics.Settlements, Sealed(_ => { }, EnvelopeTypes.Trajectory)));
        Assert.Equal(Validation.Reject, Judge(Topics.Settlements, new byte[Settlements.MaxBytes + 1]));
        var forged = Sealed(_ => { });
        forged[^1] ^= 1;
        Assert.Equal(Validation.Reject, Judge(Topics.Settlements, forged));
    }

    [Fact]
    public void What_is_heard_is_bounded_and_strangers_push_nobody_out()
    {
        using var journal = new JournalFile();
        journal.Add(LedgerProjectionTests.Payments(1));
        using var ledger = OpenLedger.Open(journal.Directory, B, out _);
        LedgerProjectionTests.CatchUp(ledger.Projection);
        var balances = ledger.Queries.Balances("", "", 10);
        ledger.Settlements.Keep(Heard(A, Round, 1));
        for (var i = 0; i < 300; i++)
        {
            ledger.Settlements.Keep(Heard($"stranger{i}", Round, 2));
        }

        for (var i = 0; i < 70; i++)
        {
            ledger.Settlements.Keep(Heard(A, Round - ((i + 1) * 1000), 3));
        }

        ledger.Settlements.Keep(Heard(A, Round, 4, wallMs: 0));
        using var file = LedgerFile.OpenToRead(Path.Combine(journal.Directory, LedgerFile.FileName));
        Assert.Equal(SettlementTable.MaxOfKnown, file.Number("SELECT count(*) FROM heard WHERE known = 1"));
        Assert.Equal(SettlementTable.MaxOfStrangers, file.Number("SELECT count(*) FROM heard WHERE known = 0"));
        var heard = ledger.Settlements.Read(Round).Heard;
        Assert.Equal(SettlementTable.MaxHeard, heard.Count);
        Assert.Equal((A, "1"), (heard[0].PeerId, heard[0].Lines[0].Net.Units));
        Assert.Equal(balances.Balances, ledger.Queries.Balances("", "", 10).Balances);
    }

    [Fact]
    public void Pairs_agree_when_one_is_the_negative_of_the_other()
    {
        SettlementView Says(string who, string about, long net, long position) =>
            new(who, "r", [new SettlementLineView(about, new LedgerAmount($"{net}", "USDC"), new LedgerAmount($"{position}", "USDC"))], true);
        Assert.Equal(
            [new SettlementPair("r", "a", "b", new("5", "USDC"), new("-5", "USDC"), true, true)],
            SettlementTable.Compare([Says("a", "b", 5, 9), Says("b", "a", -5, -9)]));
        Assert.Equal(
            [new SettlementPair("r", "a", "b", new("5", "USDC"), new("-4", "USDC"), false, true)],
            SettlementTable.Compare([Says("a", "b", 5, 9), Says("b", "a", -4, -9)]));
        Assert.Equal(
            [new SettlementPair("r", "a", "b", new("5", "USDC"), null, false, false)],
            SettlementTable.Compare([Says("a", "b", 5, 9), Says("b", "c", 1, 1)]));
        Assert.Empty(SettlementTable.Compare([Says("a", "b", 5, 9)]));
    }

    [Property]
    public void A_period_has_one_round_and_a_round_is_never_before_its_money(uint[] seconds)
    {
        var state = new RoundState();
        foreach (var second in seconds.Order())
        {
            var time = DateTimeOffset.FromUnixTimeSeconds(second);
            var start = state.StartOf(time, Period);
            Assert.True(start > state.LastStartMs && start + (long)Period.TotalMilliseconds > time.ToUnixTimeMilliseconds());
            Assert.Equal(0, start % (long)Period.TotalMilliseconds);
            Assert.True(!RoundState.IsDue(start, time, Period, early: false));
            Assert.Equal(start, RoundState.Parse(RoundState.NameOf(start)));
            if (RoundState.IsDue(start, time, Period, early: true))
            {
                state = state.Apply(new LedgerEvents.RoundClosed(start, 1, []));
            }
        }

        Assert.Equal(state.Unpublished.Count, state.Unpublished.Select(u => u.StartMs).Distinct().Count());
    }

    [Fact]
    public void Its_journal_is_frozen()
    {
        var closed = new LedgerEvents.RoundClosed(600_000, 9, [new RoundLine("p", "USDC", -3, 300)]);
        foreach (var (record, manifest, hex) in new (object, string, string)[]
        {
            (closed, "round-closed:1", "08c0cf2410091a0e0a017012045553444318052 0d804".Replace(" ", "", StringComparison.Ordinal)),
            (new LedgerEvents.RoundPublished(600_000), "round-published:1", "08c0cf24"),
            (new RoundSnapshot(new RoundState { LastStartMs = 600_000, Through = 9, Unpublished = [closed] }), "rounds-snapshot:1", "08c0cf2410091a1608c0cf2410091a0e0a0170120455534443180520d804"),
        })
        {
            Assert.Equal(manifest, LedgerJournal.Format.ManifestOf(record));
            Assert.Equal(hex, Convert.ToHexStringLower(LedgerJournal.Format.ToBytes(record)));
            Assert.Equal(hex, Convert.ToHexStringLower(LedgerJournal.Format.ToBytes(LedgerJournal.Format.FromBytes(manifest, Convert.FromHexString(hex)))));
        }

        Assert.Equal(3, LedgerJournal.Format.Manifests.Count);
    }

    private static Validation Judge(string topic, byte[] data) => Settlements.Validator(Time)(new PubSubMessage(topic, ChannelPair.Payer.PeerId, ChannelPair.Payer.PeerId, 1, data, new byte[4]));

    private static byte[] Sealed(Action<Settlement> change, string type = EnvelopeTypes.Settlement)
    {
        var settlement = Content(Round, 7);
        change(settlement);
        return SignedEnvelope.Seal(ChannelPair.Payer.Keys, type, settlement.ToByteArray(), new HybridClock(Time).Next()).Bytes.ToArray();
    }

    private static Settlement Content(long round, long net) =>
        new() { RoundMs = (ulong)round, Parts = 1, Lines = { new SettlementLine { Counterparty = B, Currency = "USDC", NetMicro = net, PositionMicro = net } } };

    private static HeardSettlement Heard(string author, long round, long net, ulong wallMs = 5) => new(author, new HybridTime(wallMs, 0), Content(round, net));
}
