using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Ledger;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Transport;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Micropayments.Ledger;

/// <summary>The ledger on the real engine and journal, fed by real channels.</summary>
public sealed class LedgerActorTests : IAsyncLifetime
{
    private readonly LoopbackNetwork _network = new();
    private readonly ConcurrentQueue<GossipCommands.Publish> _published = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private volatile bool _meshWorks = true;
    private EngineFixture _engine = null!;

    private IActorRef Ledger => _engine.Get<ActorKeys.Ledger>();

    public async Task InitializeAsync() => _engine = await EngineFixture.StartAsync(
        builder => builder
            .WithMicropayments()
            .WithActors((system, registry) => registry.Register<ActorKeys.Gossip>(system.ActorOf(Props.Create(() => new Mesh(_published, () => _meshWorks)))))
            .WithLedger(),
        services =>
        {
            services.AddSingleton(ChannelPair.Payee);
            services.AddSingleton<TimeProvider>(_time);
            services.AddSingleton(new HybridClock(_time));
            services.AddSingleton<IRpc>(_ => _network.Join(ChannelPair.Payee.PeerId));
        },
        options => options with { MaxCreditMicro = 5_000_000, SettlementPeriod = PeriodAround(DateTimeOffset.UtcNow) });

    public async Task DisposeAsync() => await _engine.DisposeAsync();

    [Fact]
    public async Task It_answers_from_what_was_journalled_a_moment_ago_and_after_a_restart()
    {
        var peer = "peer:" + ChannelPair.Payer.PeerId;
        for (var i = 1; i <= 30; i++)
        {
            await TakeAsync(i);
            Assert.Equal($"{i * 10}", (await StatementAsync(peer, limit: 100)).Lines[^1].Balance.Units);
        }

        await _engine.RestartAsync();
        await TakeAsync(31);
        Assert.Equal("310", (await StatementAsync(peer, limit: 100)).Lines[^1].Balance.Units);
        File.Delete(Path.Combine(_engine.Options.DataDirectory, LedgerFile.FileName));
        await _engine.RestartAsync();
        Assert.Equal(31, (await StatementAsync(peer, limit: 100)).Lines.Count);

        var audit = await AskAsync<LedgerAudit>(new LedgerCommands.Audit(null));
        Assert.True(audit.Ok, string.Join("; ", audit.Differences));
        Assert.Equal((31L, 1), (audit.Entries, audit.Channels));
        var credit = Assert.Single((await AskAsync<LedgerCredit>(new LedgerCommands.GetCredit(ChannelPair.Payer.PeerId.ToString()))).Credits);
        Assert.Equal(("5000000", "310", "4999690"), (credit.Limit.Units, credit.Used.Units, credit.Left.Units));
    }

    [Fact]
    public async Task Snapshots_leave_the_journal_whole()
    {
        for (var i = 1; i <= ChannelLimits.SnapshotEvery + 20; i++)
        {
            await TakeAsync(i);
        }

        await _engine.RestartAsync();
        await TakeAsync(ChannelLimits.SnapshotEvery + 21);
        using var journal = JournalReader.Payments(_engine.Options.DataDirectory);
        var rows = journal.Read(0, 10_000).Where(row => row.PersistenceId == "payee-channel-" + ChannelPair.ChannelId).ToList();
        Assert.Equal(Enumerable.Range(1, ChannelLimits.SnapshotEvery + 22).Select(i => (long)i), rows.Select(row => row.SequenceNr));
        Assert.Equal(rows.Select(row => row.Ordering).Order(), rows.Select(row => row.Ordering));
        Assert.IsType<PayeeChannelEvents.Opened>(LedgerProjection.Read(rows[0]));
        Assert.All(rows.Skip(1), row => Assert.IsType<PayeeChannelEvents.VoucherTaken>(LedgerProjection.Read(row)));
        Assert.All(rows, row => Assert.InRange(row.Time, DateTimeOffset.UtcNow.AddMinutes(-10), DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.Equal(rows[7], journal.Find(rows[7].Ordering)! with { Payload = rows[7].Payload });
    }

    [Fact]
    public async Task Rounds_are_closed_by_hand_once_a_period_and_by_the_clock_and_published_on_both_topics()
    {
        Assert.Equal(ErrorCodes.Conflict, (await AskAsync<Refusal>(new LedgerCommands.CloseRound())).Code);
        await TakeAsync(1);
        var first = await AskAsync<SettlementView>(new LedgerCommands.CloseRound());
        Assert.Equal((ChannelPair.Payer.PeerId.ToString(), "10", "10"), (first.Lines.Single().Counterparty, first.Lines.Single().Net.Units, first.Lines.Single().Position.Units));
        Assert.Equal(ErrorCodes.Conflict, (await AskAsync<Refusal>(new LedgerCommands.CloseRound())).Code);
        await TakeAsync(2);
        Assert.Equal(ErrorCodes.Conflict, (await AskAsync<Refusal>(new LedgerCommands.CloseRound())).Code);
        await UntilAsync(s => s.Own.Count == 1 && s.Own[0].Published);
        Assert.Equal([Topics.SettlementsOf(first.Round), Topics.Settlements], _published.Select(p => p.Topic));

        // Its money came after the first round of the period, so it is in the next one, which the clock closes.
        _time.Advance(_engine.Options.SettlementPeriod * 2);
        var settlements = await UntilAsync(s => s.Own.Count == 2 && s.Own[0].Published);
        Assert.Equal(("10", "20"), (settlements.Own[0].Lines.Single().Net.Units, settlements.Own[0].Lines.Single().Position.Units));
        Assert.True(string.CompareOrdinal(first.Round, settlements.Own[0].Round) < 0);
        Assert.Single((await AskAsync<LedgerSettlements>(new LedgerCommands.GetSettlements(first.Round))).Own);
        Assert.Equal(ErrorCodes.InvalidParams, (await AskAsync<Refusal>(new LedgerCommands.GetSettlements("today"))).Code);

        var audit = await AskAsync<LedgerAudit>(new LedgerCommands.Audit(null));
        Assert.True(audit.Ok, string.Join("; ", audit.Differences));
    }

    [Fact]
    public async Task Of_many_who_close_a_round_at_once_one_does()
    {
        await TakeAsync(1);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Ledger.Ask<object>(new LedgerCommands.CloseRound(), EngineFixture.Timeout)));
        Assert.Single(answers.OfType<SettlementView>());
        Assert.All(answers.OfType<Refusal>(), refusal => Assert.Equal(ErrorCodes.Conflict, refusal.Code));
        await UntilAsync(s => s.Own.Single().Published);
        Assert.Equal(2, _published.Count);
        Assert.True((await AskAsync<LedgerAudit>(new LedgerCommands.Audit(null))).Ok);
    }

    [Fact]
    public async Task A_round_that_the_mesh_did_not_take_is_published_after_a_restart()
    {
        _meshWorks = false;
        await TakeAsync(1);
        var round = await AskAsync<SettlementView>(new LedgerCommands.CloseRound());
        Assert.False((await AskAsync<LedgerSettlements>(new LedgerCommands.GetSettlements(null))).Own.Single().Published);
        await _engine.RestartAsync();
        _meshWorks = true;
        await UntilAsync(s => s.Own.Single().Published);
        Assert.All(_published, p => Assert.Equal(round.Round, RoundState.NameOf((long)Settlements.Read(p.Data, _time.GetUtcNow(), out _)!.Content.RoundMs)));
        Assert.Equal(2, _published.Count);
    }

    [Fact]
    public async Task Wrong_questions_are_refused()
    {
        foreach (var wrong in new object[]
        {
            new LedgerCommands.GetBalances(null, null, 0),
            new LedgerCommands.GetBalances(new string('x', 300), null, 10),
            new LedgerCommands.GetStatement("income", null, 0, 1001),
            new LedgerCommands.GetStatement("income", "usdc", 0, 10),
            new LedgerCommands.GetCredit(""),
        })
        {
            Assert.Equal(ErrorCodes.InvalidParams, (await AskAsync<Refusal>(wrong)).Code);
        }
    }

    /// <summary>About an hour, in the middle of which it is now: the journal has a clock of its own, and no boundary may come between the two.</summary>
    private static TimeSpan PeriodAround(DateTimeOffset now) =>
        TimeSpan.FromSeconds(Enumerable.Range(3600, 3600).First(seconds => now.ToUnixTimeSeconds() % seconds is var at && at > seconds / 4 && at < seconds / 2));

    private async Task TakeAsync(int number)
    {
        var payee = _engine.Get<ActorKeys.PayeeChannels>();
        if (number == 1)
        {
            Assert.IsType<PayeeChannelView>(await payee.Ask<object>(ChannelPair.Open(terms => terms.DepositMicro = 1_000_000), EngineFixture.Timeout));
        }

        var terms = ChannelPair.Terms.Clone();
        var cumulative = (ulong)number * 10;
        var accept = new PayeeChannelCommands.Accept(
            ChannelPair.ChannelId, ChannelPair.Payer.PeerId.ToString(), $"r{number}", new VoucherSigner(ChannelPair.Payer.Wallet).Sign(terms, cumulative), Amount.MicroUsdc(10));
        Assert.IsType<VoucherAccepted>(await payee.Ask<object>(accept, EngineFixture.Timeout));
    }

    private Task<LedgerStatement> StatementAsync(string account, int limit) => AskAsync<LedgerStatement>(new LedgerCommands.GetStatement(account, null, 0, limit));

    private async Task<T> AskAsync<T>(object question) => Assert.IsType<T>(await Ledger.Ask<object>(question, EngineFixture.Timeout));

    private Task<LedgerSettlements> UntilAsync(Func<LedgerSettlements, bool> holds) => Eventually.SeenAsync(
        () =>
        {
            // Its clock stands still unless it is moved, and its ticks with it.
            _time.Advance(TimeSpan.FromMilliseconds(50));
            return AskAsync<LedgerSettlements>(new LedgerCommands.GetSettlements(null));
        },
        holds);

    private sealed class Mesh : ReceiveActor
    {
        public Mesh(ConcurrentQueue<GossipCommands.Publish> published, Func<bool> works)
        {
            Receive<GossipCommands.Subscribe>(m => Sender.Tell(new GossipSubscribed(m.Topic)));
            Receive<GossipCommands.Publish>(m =>
            {
                if (works())
                {
                    published.Enqueue(m);
                    Sender.Tell(new GossipPublished(m.Topic, [1]));
                }
                else
                {
                    Sender.Tell(new Refusal(ErrorCodes.Internal, "No mesh."));
                }
            });
        }
    }
}
