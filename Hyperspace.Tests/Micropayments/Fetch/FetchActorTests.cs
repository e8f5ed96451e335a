using System.Collections.Concurrent;
using System.Globalization;
using System.Numerics;
using Akka.Actor;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Actors.State;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.Micropayments.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Micropayments.Fetch;

/// <summary>The real engine and sessions against a scripted server: what is paid, what is not, and what nobody can know.</summary>
public sealed class FetchActorTests : IAsyncLifetime
{
    private const string Session = "ses_fetch";
    private static readonly byte[] Token = [.. Enumerable.Repeat((byte)0x22, 20)];
    private static readonly string TokenText = Hex.Of(Token);
    private static readonly TokenDomain Domain = new("Test USD", "2", 808080, Token);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2026-03-01T12:00:00Z", CultureInfo.InvariantCulture));
    private readonly FakeChain _chain = new();
    private readonly PayServer _server = new();
    private EngineFixture _engine = null!;
    private int _challenges;

    public async Task InitializeAsync()
    {
        _engine = await EngineFixture.StartAsync(
            builder => builder.WithSessions().WithFetch(new FetchTimes { SweepEvery = TimeSpan.FromHours(1) }),
            services => services.AddSingleton(ChannelPair.Payer).AddSingleton<TimeProvider>(_time).AddSingleton<IChains>(_chain),
            options => options with { Chains = [_chain.Options] });
        await Sessions.Ask<SessionView>(new SessionCommands.Begin(Session, null, Amount.MicroUsdc(10_000), null), EngineFixture.Timeout);
        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : Challenge();
    }

    public async Task DisposeAsync()
    {
        await _engine.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_is_free_costs_nothing_and_is_traced()
    {
        _server.Answer = _ => PayServer.Ok("hello", "X-Thing: 7");
        var response = await FetchedAsync("a");
        Assert.Equal((200, "hello", "7", FetchPayment.None, null), (response.Status, response.Body, response.Headers["x-thing"], response.Payment, response.Receipt));
        await BudgetIsAsync(spent: 0, reserved: 0);
        var step = Assert.Single((await SessionAsync()).Trace);
        Assert.Equal(("fetch", true, $"fetch:127.0.0.1:{new Uri(_server.Url).Port}"), (step.Kind, step.Ok, step.Name));
    }

    [Fact]
    public async Task An_mpp_charge_is_paid_by_the_authorization_that_it_asks_for()
    {
        var response = await FetchedAsync("a");
        Assert.Equal((200, "paid", FetchPayment.Paid, "mpp", "0xabc"), (response.Status, response.Body, response.Payment, response.Receipt!.Wire, response.Receipt.Reference));
        await BudgetIsAsync(spent: 1000, reserved: 0);

        var request = Assert.Single(_server.Requests, r => r.Pays);
        Assert.Equal("a", request.Headers["idempotency-key"]);
        var (challenge, payload) = (request.Credential["challenge"]!, request.Credential["payload"]!);
        Assert.Equal(("c1", "test", "charge"), (challenge["id"]!.GetValue<string>(), challenge["realm"]!.GetValue<string>(), challenge["intent"]!.GetValue<string>()));
        Assert.Equal(Hex.Of(Keccak256.Hash("c1test"u8)), payload["nonce"]!.GetValue<string>());
        Assert.True(Read(payload).IsSigned(Domain, Hex.Parse(payload["signature"]!.GetValue<string>())));
        Assert.Equal((ulong)_time.GetUtcNow().AddMinutes(5).ToUnixTimeSeconds(), Read(payload).ValidBefore);
    }

    [Fact]
    public async Task An_x402_offer_is_paid_when_there_is_no_other()
    {
        _server.Answer = request => request.Pays ? PayServer.Ok("paid") : PayServer.Response("402 Payment Required", "{}", PayServer.X402Header(TokenText));
        var response = await FetchedAsync("a");
        Assert.Equal((200, FetchPayment.Paid, "x402"), (response.Status, response.Payment, response.Receipt!.Wire));
        await BudgetIsAsync(spent: 1000, reserved: 0);
        var payment = Assert.Single(_server.Requests, r => r.Pays).Credential;
        var authorization = payment["payload"]!["authorization"]!;
        Assert.Equal("exact", payment["accepted"]!["scheme"]!.GetValue<string>());
        Assert.True(Read(authorization).IsSigned(Domain, Hex.Parse(payment["payload"]!["signature"]!.GetValue<string>())));
    }

    [Fact]
    public async Task Mpp_is_preferred_where_both_are_offered()
    {
        _server.Answer = request => request.Pays
            ? PayServer.Ok("paid", PayServer.Receipt())
            : PayServer.Response("402 Payment Required", "{}", PayServer.X402Header(TokenText), PayServer.MppHeader("c", TokenText, Soon, "1000", 808080, "0x1111111111111111111111111111111111111111"));
        Assert.Equal("mpp", (await FetchedAsync("a")).Receipt!.Wire);
    }

    [Fact]
    public async Task After_a_cut_connection_the_same_payment_is_sent_again_and_no_other_is_signed()
    {
        _server.Answer = request => request.Pays ? null : Challenge();
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        await BudgetIsAsync(spent: 0, reserved: 1000);

        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : Challenge();
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("a")).Payment);
        Assert.Equal(3, _server.Credentials.Count);
        Assert.Single(_server.Credentials.Distinct());
        Assert.Equal(1, _challenges);
        await BudgetIsAsync(spent: 1000, reserved: 0);
    }

    [Fact]
    public async Task A_server_error_is_no_answer_about_money_and_neither_is_a_no_to_what_was_sent_before()
    {
        _server.Answer = request => request.Pays ? PayServer.Response("500 Oops", "") : Challenge();
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        _server.Answer = _ => Challenge();
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        await BudgetIsAsync(spent: 0, reserved: 1000);
        Assert.Single(_server.Credentials.Distinct());

        // The server had handed it in after all.
        _chain.Used.TryAdd(Hex.Of(NonceOf(_server.Requests.Last(r => r.Pays))), true);
        await LookAsync();
        await BudgetIsAsync(spent: 1000, reserved: 0);
        Assert.Equal(ErrorCodes.AlreadyServed, (await RefusedAsync("a")).Code);
    }

    [Fact]
    public async Task A_refused_payment_stays_set_aside_until_it_can_no_longer_be_handed_in()
    {
        _server.Answer = _ => Challenge();
        var refused = await FetchedAsync("a");
        Assert.Equal((402, FetchPayment.Refused), (refused.Status, refused.Payment));
        await BudgetIsAsync(spent: 0, reserved: 1000);

        // The no was clear, so the call may be paid by another authorization.
        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : Challenge();
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("a")).Payment);
        Assert.Equal(2, _server.Credentials.Distinct().Count());
        await BudgetIsAsync(spent: 1000, reserved: 1000);

        _time.Advance(TimeSpan.FromMinutes(5));
        await LookAsync();
        await BudgetIsAsync(spent: 1000, reserved: 1000);
        _time.Advance(TimeSpan.FromMinutes(3));
        await LookAsync();
        await BudgetIsAsync(spent: 1000, reserved: 0);
    }

    [Fact]
    public async Task An_unclear_payment_is_free_again_only_when_it_has_ended_and_the_chain_says_unused()
    {
        _server.Answer = request => request.Pays ? null : Challenge();
        await RefusedAsync("a");
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        _chain.IsDown = true;
        await LookAsync();
        await BudgetIsAsync(spent: 0, reserved: 1000);
        Assert.Single(_server.Credentials);

        _chain.IsDown = false;
        await LookAsync();
        await BudgetIsAsync(spent: 0, reserved: 0);
        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : Challenge();
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("a")).Payment);
        await BudgetIsAsync(spent: 1000, reserved: 0);
    }

    [Fact]
    public async Task A_restart_between_journal_and_answer_sends_the_same_payment_again()
    {
        _server.Answer = request => request.Pays ? null : Challenge();
        await RefusedAsync("a");
        await _engine.RestartAsync();
        await BudgetIsAsync(spent: 0, reserved: 1000);

        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : Challenge();
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("a")).Payment);
        Assert.Single(_server.Credentials.Distinct());
        await BudgetIsAsync(spent: 1000, reserved: 0);

        // It was paid and answered: neither is done again, not even by another process.
        await _engine.RestartAsync();
        _server.Answer = _ => Challenge();
        Assert.Equal(ErrorCodes.AlreadyServed, (await RefusedAsync("a")).Code);
        Assert.Single(_server.Credentials.Distinct());
    }

    [Fact]
    public async Task What_a_crash_left_set_aside_without_a_journalled_payment_is_released()
    {
        await Sessions.Ask<Reserved>(new SessionCommands.Reserve(Session, "fetch-lost", Amount.MicroUsdc(700), "fetch:x", FetchCommands.ChannelPrefix + "lost"), EngineFixture.Timeout);
        await BudgetIsAsync(spent: 0, reserved: 700);
        await _engine.RestartAsync();
        await EventuallyAsync(spent: 0, reserved: 0);
    }

    [Fact]
    public async Task What_was_paid_when_a_crash_came_is_committed_after_the_restart()
    {
        await Sessions.Ask<Reserved>(new SessionCommands.Reserve(Session, "fetch-paid", Amount.MicroUsdc(700), "fetch:x", FetchCommands.ChannelPrefix + "k"), EngineFixture.Timeout);
        var signed = new FetchEvents.Authorized(
            "k", 1, "f", Session, "fetch-paid", "http://127.0.0.1/", "mpp", 808080, Token, new byte[20], new byte[20], 700, "USDC", new byte[32], (ulong)Soon.ToUnixTimeSeconds(), "Authorization", "Payment x", 1);
        Assert.IsType<Authorization>(await Fetches.Ask<object>(new FetchRecord(signed), EngineFixture.Timeout));
        Assert.IsType<Authorization>(await Fetches.Ask<object>(new FetchRecord(new FetchEvents.Paid("k", 1, "0x1")), EngineFixture.Timeout));
        await _engine.RestartAsync();
        await EventuallyAsync(spent: 700, reserved: 0);
    }

    [Fact]
    public async Task Callers_of_one_key_share_one_payment()
    {
        var calls = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => FetchedAsync("a")));
        Assert.All(calls, c => Assert.Equal("paid", c.Body));
        Assert.Single(_server.Credentials.Distinct());
        await BudgetIsAsync(spent: 1000, reserved: 0);
        Assert.Equal(ErrorCodes.Conflict, ((Refusal)await FetchAsync("a", method: "POST", body: "x")).Code);
    }

    [Fact]
    public async Task A_challenge_that_another_call_answered_is_not_answered_again()
    {
        var asked = 0;
        _server.Answer = request => request.Pays ? PayServer.Ok("paid", PayServer.Receipt()) : PayServer.Challenge(Interlocked.Increment(ref asked) == 3 ? "other" : "same", TokenText, Soon);
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("a")).Payment);
        Assert.Equal(FetchPayment.Paid, (await FetchedAsync("b")).Payment);
        Assert.Equal(3, asked);
        Assert.Equal(2, _server.Requests.Where(r => r.Pays).Select(r => Hex.Of(NonceOf(r))).Distinct().Count());
        await BudgetIsAsync(spent: 2000, reserved: 0);
    }

    [Fact]
    public async Task A_redirect_is_told_and_not_followed()
    {
        await using var elsewhere = new PayServer();
        _server.Answer = request => request.Pays ? PayServer.Response("307 Temporary Redirect", "", "Location: " + elsewhere.Url) : Challenge();
        Assert.Equal(ErrorCodes.PaymentPending, (await RefusedAsync("a")).Code);
        Assert.Empty(elsewhere.Requests);
        _server.Answer = _ => PayServer.Response("302 Found", "", "Location: " + elsewhere.Url);
        Assert.Equal((302, elsewhere.Url), (await FetchedAsync("b")) is var told ? (told.Status, told.Headers["location"]) : default);
    }

    [Fact]
    public async Task What_the_budget_or_the_guard_does_not_allow_is_not_signed()
    {
        _server.Answer = request => request.Pays ? PayServer.Ok("paid") : Challenge("20000");
        Assert.Equal(ErrorCodes.BudgetExceeded, ((Refusal)await FetchAsync("a", maxPrice: 20_000)).Code);
        Assert.Equal(ErrorCodes.PaymentRequired, ((Refusal)await FetchAsync("a", maxPrice: 19_999)).Code);
        Assert.Equal(ErrorCodes.SessionNotFound, ((Refusal)await FetchAsync("a", session: "none")).Code);
        Assert.Empty(_server.Credentials);
        await BudgetIsAsync(spent: 0, reserved: 0);
    }

    [Fact]
    public async Task A_served_answer_whose_settlement_failed_stays_set_aside()
    {
        var failed = "PAYMENT-RESPONSE: " + Convert.ToBase64String("""{"success":false,"errorReason":"x"}"""u8);
        _server.Answer = request => request.Pays ? PayServer.Ok("served", failed) : Challenge();
        Assert.Equal(("served", FetchPayment.Pending), (await FetchedAsync("a")) is var told ? (told.Body, told.Payment) : default);
        await BudgetIsAsync(spent: 0, reserved: 1000);
    }

    [Fact]
    public async Task Addresses_that_are_neither_public_nor_this_machines_by_name_are_not_called()
    {
        Assert.Equal(ErrorCodes.PeerUnreachable, ((Refusal)await FetchAsync("a", url: "http://10.0.0.1/")).Code);
        Assert.Equal(ErrorCodes.InvalidParams, ((Refusal)await FetchAsync("a", url: "ftp://127.0.0.1/")).Code);
        Assert.Equal(ErrorCodes.InvalidParams, ((Refusal)await FetchAsync("a", url: "http://user:secret@127.0.0.1/")).Code);
    }

    [Fact]
    public async Task A_body_is_sent_with_the_payment_too()
    {
        var response = (FetchResponse)await FetchAsync("a", method: "POST", body: "{\"q\":1}");
        Assert.Equal(FetchPayment.Paid, response.Payment);
        Assert.All(_server.Requests, r => Assert.Equal(("POST /thing HTTP/1.1", "{\"q\":1}", "application/json"), (r.Line, r.Body, r.Headers["content-type"])));
    }

    private IActorRef Sessions => _engine.Get<ActorKeys.Sessions>();

    private IActorRef Fetches => _engine.Get<ActorKeys.Fetches>();

    private DateTimeOffset Soon => _time.GetUtcNow().AddMinutes(5);

    private string Challenge(string amount = "1000") => PayServer.Challenge($"c{Interlocked.Increment(ref _challenges)}", TokenText, Soon, amount);

    private Task<object> FetchAsync(string key, string method = "GET", string? body = null, ulong maxPrice = 5000, string session = Session, string? url = null) => Fetches.Ask<object>(
        new FetchCommands.Fetch(session, url ?? _server.Url, method, new Dictionary<string, string>(), body, Amount.MicroUsdc(maxPrice), key, TimeSpan.FromSeconds(10)), EngineFixture.Timeout);

    private async Task<FetchResponse> FetchedAsync(string key) => Assert.IsType<FetchResponse>(await FetchAsync(key));

    private async Task<Refusal> RefusedAsync(string key) => Assert.IsType<Refusal>(await FetchAsync(key));

    private Task<SessionView> SessionAsync() => Sessions.Ask<SessionView>(new SessionCommands.Get(Session), EngineFixture.Timeout);

    private async Task BudgetIsAsync(ulong spent, ulong reserved)
    {
        var budget = (await SessionAsync()).Budget;
        Assert.Equal((spent, reserved), (budget.Spent.MicroUnits, budget.Reserved.MicroUnits));
    }

    // The session asks by itself after a restart, some time after it was woken.
    private Task EventuallyAsync(ulong spent, ulong reserved) =>
        Eventually.SeenAsync(SessionAsync, session => (session.Budget.Spent.MicroUnits, session.Budget.Reserved.MicroUnits) == (spent, reserved));

    private Task LookAsync() => Fetches.Ask<FetchLooked>(new FetchLook(), EngineFixture.Timeout);

    private static byte[] NonceOf(Received request) => Read(request.Credential["payload"]!).Nonce.ToArray();

    private static TransferAuthorization Read(System.Text.Json.Nodes.JsonNode payload) => new(
        Hex.Parse(payload["from"]!.GetValue<string>()), Hex.Parse(payload["to"]!.GetValue<string>()), UInt128.Parse(payload["value"]!.GetValue<string>(), CultureInfo.InvariantCulture),
        ulong.Parse(payload["validAfter"]!.GetValue<string>(), CultureInfo.InvariantCulture), ulong.Parse(payload["validBefore"]!.GetValue<string>(), CultureInfo.InvariantCulture),
        Hex.Parse(payload["nonce"]!.GetValue<string>()));

    private sealed class FakeChain : IChains, IChainReader
    {
        public ConcurrentDictionary<string, bool> Used { get; } = new();

        public bool IsDown { get; set; }

        public ChainOptions Options { get; } = new() { Name = "local", ChainId = 808080, RpcUrl = new Uri("http://127.0.0.1:1"), Token = new ChainToken(Token, "Test USD", "2", "USDC") };

        public IReadOnlyList<ChainOptions> All => [Options];

        public IChainReader? Find(ulong chainId) => chainId == Options.ChainId ? this : null;

        public Task<bool> IsAuthorizationUsedAsync(ReadOnlyMemory<byte> authorizer, ReadOnlyMemory<byte> nonce, CancellationToken cancellationToken)
        {
            return IsDown ? throw new IOException("The chain is down.") : Task.FromResult(Used.ContainsKey(Hex.Of(nonce.Span)));
        }

        public Task<BigInteger> TokenBalanceAsync(ReadOnlyMemory<byte> owner, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<EscrowChannel?> ChannelAsync(ReadOnlyMemory<byte> escrow, ReadOnlyMemory<byte> channelId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
