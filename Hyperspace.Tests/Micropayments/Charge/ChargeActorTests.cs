using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Engine;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>Charges in the real engine, on a journal of their own, beside a chain that says what the test wants.</summary>
public sealed class ChargeActorTests : IAsyncLifetime
{
    private readonly FakeChain _chain = new(Payer.Chain);
    private static readonly DateTimeOffset Start = DateTimeOffset.UtcNow;
    private readonly Payer _payer = new();
    private EngineFixture _engine = null!;
    private PeerOptions _options = null!;

    public async Task InitializeAsync() => _engine = await EngineFixture.StartAsync(
        builder => builder
            .WithActors((system, registry) => registry.Register<ActorKeys.Chain>(system.ActorOf(_chain.Props)))
            .WithCharges(_options, new ChargeTimes { Look = TimeSpan.FromMilliseconds(100), Await = TimeSpan.FromMilliseconds(100) }),
        options: own => _options = own with { Chains = [Payer.Chain], Pay = new PayOptions { Listen = new(System.Net.IPAddress.Loopback, 0) } });

    public async Task DisposeAsync() => await _engine.DisposeAsync();

    [Fact]
    public async Task One_authorization_offered_many_times_at_once_counts_once_also_after_a_restart()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => AskAsync(Accept(1, "a"))));
        Assert.Single(answers.OfType<ChargeAccepted>());
        Assert.Equal(15, answers.OfType<Refusal>().Count(r => r.Code == ErrorCodes.Conflict));

        await _engine.RestartAsync();
        answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => AskAsync(Accept(1, "a"))));
        Assert.Equal(new ChargeAccepted(_payer.Key, Id(1), Repeated: true, WasServed: false), Assert.Single(answers.OfType<ChargeAccepted>()));
        await AskAsync(new ChargeCommands.Served(_payer.Key, Id(1), 200, "h"));

        await _engine.RestartAsync();
        Assert.Equal(ErrorCodes.Conflict, Assert.IsType<Refusal>(await AskAsync(Accept(1, "a"))).Code);
    }

    [Fact]
    public async Task Many_authorizations_at_once_are_all_taken_once()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(n => AskAsync(Accept(n, $"{n}", micro: 100))));
        Assert.All(answers, answer => Assert.IsType<ChargeAccepted>(answer));
        var view = await ViewAsync();
        Assert.Equal((500, 50_000UL), (view.Payments, view.Unsettled.MicroUnits));
        await _engine.RestartAsync();
        Assert.Equal(view, await ViewAsync());
    }

    [Fact]
    public async Task When_the_journal_takes_nothing_all_who_wait_are_told_and_nothing_is_charged()
    {
        await AskAsync(Accept(1, "a", micro: 100));
        _engine.SetFull("payments.db", true);
        var answers = await Task.WhenAll(AskAsync(Accept(2, "b", micro: 100)), AskAsync(Accept(3, "c", micro: 100)));
        Assert.All(answers, answer => Assert.Equal(ErrorCodes.JournalFailed, Assert.IsType<Refusal>(answer).Code));
        _engine.SetFull("payments.db", false);
        Assert.Equal(1, (await ViewAsync()).Payments);
        Assert.IsType<ChargeAccepted>(await AskAsync(Accept(2, "b", micro: 100)));
    }

    [Fact]
    public async Task The_threshold_settles_all_of_it_and_each_authorization_is_one_wish()
    {
        await AskAsync(Accept(1, "a", micro: 200_000));
        Assert.Empty(_chain.Submitted);
        await AskAsync(Accept(2, "b", micro: 50_000));
        await Eventually.SeenAsync(ViewAsync, view => view.Settled.MicroUnits == 250_000);
        Assert.Equal(2, _chain.Submitted.Count);
        Assert.All(_chain.Submitted.Values, submit => Assert.Equal((808080UL, 2 + (2 * (4 + (9 * 32)))), (submit.ChainId, submit.Data.Length)));
        Assert.Equal(Amount.MicroUsdc(0), (await ViewAsync()).Unsettled);
    }

    [Fact]
    public async Task Pending_is_not_a_failure_and_nothing_is_released()
    {
        _chain.Outcome = ChainIntentStatus.Pending;
        await AskAsync(Accept(1, "a", micro: 300_000));
        await Eventually.TrueAsync(() => !_chain.Submitted.IsEmpty);
        Assert.Equal((300_000UL, 0UL), ((await ViewAsync()).Unsettled.MicroUnits, (await ViewAsync()).Owed.MicroUnits));
        _chain.Outcome = ChainIntentStatus.Confirmed;
        await Eventually.SeenAsync(ViewAsync, view => view.Settled.MicroUnits == 300_000);
    }

    [Fact]
    public async Task Who_cannot_be_settled_is_barred_until_it_can()
    {
        _chain.Outcome = ChainIntentStatus.Rejected;
        await AskAsync(Accept(1, "a", micro: 300_000));
        await Eventually.SeenAsync(ViewAsync, view => view.Owed.MicroUnits == 300_000);
        _chain.Outcome = ChainIntentStatus.Confirmed;
        Assert.Equal(ErrorCodes.PayerOwes, Assert.IsType<Refusal>(await AskAsync(Accept(2, "b"))).Code);
        await Eventually.SeenAsync(ViewAsync, view => view.Settled.MicroUnits == 300_000);
        Assert.IsType<ChargeAccepted>(await AskAsync(Accept(2, "b")));
    }

    [Fact]
    public async Task What_was_open_at_the_end_is_settled_after_the_start_though_nobody_asks()
    {
        _chain.Outcome = ChainIntentStatus.Pending;
        await AskAsync(Accept(1, "a", micro: 300_000));
        await Eventually.TrueAsync(() => !_chain.Submitted.IsEmpty);
        _chain.Submitted.Clear();
        await _engine.RestartAsync();
        await Eventually.TrueAsync(() => !_chain.Submitted.IsEmpty);
    }

    [Fact]
    public async Task Settle_settles_whatever_it_is_worth()
    {
        await AskAsync(Accept(1, "a", micro: 1));
        await AskAsync(new ChargeCommands.Settle(_payer.Key));
        await Eventually.SeenAsync(ViewAsync, view => view.Settled.MicroUnits == 1);
    }

    private async Task<ChargeView> ViewAsync() => Assert.IsType<ChargeView>(await AskAsync(new ChargeCommands.Get(_payer.Key)));

    private Task<object> AskAsync(IChargeMessage message) => _engine.Get<ActorKeys.Charges>().Ask<object>(message, EngineFixture.Timeout);

    private ChargeCommands.Accept Accept(int nonce, string request, ulong micro = 1000) =>
        new(_payer.Key, _payer.Authorization(nonce, micro, Start), request, null, Amount.MicroUsdc(1_000_000_000));

    private string Id(int nonce) => _payer.Authorization(nonce, 1, DateTimeOffset.UtcNow).PaymentId;
}
