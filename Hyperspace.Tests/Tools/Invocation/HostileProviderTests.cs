using System.Text.Json.Nodes;
using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Host;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Tools.Invocation;

/// <summary>What providers try on a payer, over real streams: the payer's session never has spent less than it owes, nor more than it said.</summary>
public class HostileProviderTests(PeerProcessFixture payer) : IClassFixture<PeerProcessFixture>
{
    private const ulong Price = HostilePeer.Price;

    /// <summary>Answers to a call with a voucher of 0.001, whether the provider then admits to have taken it, and what the payer makes of it (null: a result).</summary>
    private static readonly Dictionary<string, (Func<ToolInvocation, IEnumerable<byte[]>> Answer, bool Taken, string? Code, bool Ok, ulong Cost)> Lies = new()
    {
        ["an honest provider"] = (r => [HostilePeer.Receipt(r), HostilePeer.Outcome()], true, null, true, Price),
        ["takes it and says JOURNAL_FAILED"] = (_ => [HostilePeer.Refuse(ErrorCodes.JournalFailed)], true, null, false, Price),
        ["takes it and says INTERNAL"] = (_ => [HostilePeer.Refuse(ErrorCodes.Internal)], true, null, false, Price),
        ["takes it and says TIMEOUT"] = (_ => [HostilePeer.Refuse(ErrorCodes.Timeout)], true, null, false, Price),
        ["takes it and says CONFLICT"] = (_ => [HostilePeer.Refuse(ErrorCodes.Conflict)], true, null, false, Price),
        ["takes it and says RATE_LIMITED"] = (_ => [HostilePeer.Refuse(ErrorCodes.RateLimited)], true, null, false, Price),
        ["takes it and says PAYMENT_STALE_VOUCHER"] = (_ => [HostilePeer.Refuse(ErrorCodes.PaymentStaleVoucher)], true, null, false, Price),
        ["takes it and says a code that nobody knows"] = (_ => [HostilePeer.Refuse("SURPRISE")], true, null, false, Price),
        ["says JOURNAL_FAILED and did not take it"] = (_ => [HostilePeer.Refuse(ErrorCodes.JournalFailed)], false, ErrorCodes.JournalFailed, false, 0),
        ["says PAYMENT_INSUFFICIENT"] = (_ => [HostilePeer.Refuse(ErrorCodes.PaymentInsufficient)], false, ErrorCodes.PaymentInsufficient, false, 0),
        ["says PAYMENT_INSUFFICIENT and then gives an outcome"] = (_ => [HostilePeer.Refuse(ErrorCodes.PaymentInsufficient), HostilePeer.Outcome()], false, ErrorCodes.PaymentInsufficient, false, 0),
        ["gives an outcome and then says PAYMENT_INSUFFICIENT"] = (r => [HostilePeer.Receipt(r), HostilePeer.Outcome(), HostilePeer.Refuse(ErrorCodes.PaymentInsufficient)], true, null, true, Price),
        ["gives a receipt and then refuses"] = (r => [HostilePeer.Receipt(r), HostilePeer.Refuse(ErrorCodes.PaymentInsufficient)], true, null, false, Price),
        ["gives an outcome and no receipt, and took it"] = (_ => [HostilePeer.Outcome()], true, null, true, Price),
        ["gives an outcome and no receipt, and did not take it"] = (_ => [HostilePeer.Outcome()], false, null, true, 0),
        ["gives a receipt over less"] = (r => [HostilePeer.Receipt(r, a => a.AcceptedMicro--), HostilePeer.Outcome()], false, ErrorCodes.PeerUnreachable, false, 0),
        ["gives a receipt over less, and took it"] = (r => [HostilePeer.Receipt(r, a => a.AcceptedMicro--), HostilePeer.Outcome()], true, null, false, Price),
        ["gives a receipt over 2^64 - 1"] = (r => [HostilePeer.Receipt(r, a => a.AcceptedMicro = ulong.MaxValue), HostilePeer.Outcome()], false, ErrorCodes.PeerUnreachable, false, 0),
        ["gives a receipt for another request"] = (r => [HostilePeer.Receipt(r, a => a.RequestId = "other"), HostilePeer.Outcome()], false, ErrorCodes.PeerUnreachable, false, 0),
        ["gives a receipt for another channel"] = (r => [HostilePeer.Receipt(r, a => a.ChannelId = ChannelPair.Bytes(7, 32)), HostilePeer.Outcome()], false, ErrorCodes.PeerUnreachable, false, 0),
        ["asks for a payment once more"] = (_ => [new ToolInvocationFrame { PaymentRequired = new PaymentRequired { PriceMicro = 1, Currency = "USDC" } }.ToByteArray()], false, ErrorCodes.PeerUnreachable, false, 0),
        ["sends garbage"] = (_ => [[0xff, 0xff, 0xff]], false, ErrorCodes.PeerUnreachable, false, 0),
        ["sends garbage and took it"] = (_ => [[0xff, 0xff, 0xff]], true, null, false, Price),
        ["sends an empty frame"] = (_ => [[]], false, ErrorCodes.PeerUnreachable, false, 0),
        ["says nothing and took it"] = (_ => [], true, null, false, Price),
        ["says nothing"] = (_ => [], false, ErrorCodes.PeerUnreachable, false, 0),
        ["breaks after it took it"] = (_ => throw new InvalidOperationException("A broken provider."), true, null, false, Price),
    };

    public static TheoryData<string> Answers => [.. Lies.Keys];

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task The_books_hold_whatever_a_provider_answers(string what)
    {
        var lie = Lies[what];
        await using var provider = await StartAsync(p => p.Answer = lie.Answer);
        provider.Standing = query => StandingOf(query, lie.Taken ? Price : 0, lie.Taken);
        var session = await BeginAsync(1m);

        var reply = await InvokeAsync(provider, session);
        Assert.Equal(lie.Code, CodeOf(reply));
        if (lie.Code is null)
        {
            Assert.Equal((lie.Ok, lie.Cost), (reply["result"]!["ok"]!.GetValue<bool>(), Micro(reply["result"]!["cost"])));
        }

        Assert.Equal((lie.Cost, 0UL), await BudgetAsync(session));
        Assert.Equal((lie.Cost, Price, false), await ChannelAsync(provider));
    }

    /// <summary>Asks for money on terms that the payer must not meet.</summary>
    private static readonly Dictionary<string, (Action<HostilePeer> Set, string Code)> BadTerms = new()
    {
        ["a record with another peer's binding"] = (p => p.Binding = ChannelPair.Stranger.Binding, ErrorCodes.ChannelRefused),
        ["a record with a wallet that is not its own"] = (p => p.Terms = new PaymentTerms(p.Terms) { Payee = ChannelPair.Bytes(9, 20) }, ErrorCodes.ChannelRefused),
        ["a record with damaged terms"] = (p => p.Terms = new PaymentTerms(p.Terms) { Escrow = ChannelPair.Bytes(9, 19) }, ErrorCodes.ChannelRefused),
        ["a record that gives no credit"] = (p => p.Terms = new PaymentTerms(p.Terms) { MaxCreditMicro = 0 }, ErrorCodes.PaymentOverDeposit),
        ["a record that gives less credit than it asks"] = (p => p.Terms = new PaymentTerms(p.Terms) { MaxCreditMicro = Price - 1 }, ErrorCodes.PaymentOverDeposit),
        ["a price over the budget"] = (p => p.RecordPrice = 1_000_001, ErrorCodes.BudgetExceeded),
        ["a free record and a challenge"] = (p => p.RecordPrice = 0, ErrorCodes.PaymentRequired),
        ["a challenge over the budget"] = (p => Challenge(p, c => c.PriceMicro = 1_000_001), ErrorCodes.BudgetExceeded),
        ["a challenge in another currency than the budget's"] = (p => Challenge(p, c => c.Currency = "EURC"), ErrorCodes.InvalidAmount),
        ["a challenge whose terms are in another currency"] = (p => Challenge(p, c => c.Terms = new PaymentTerms(c.Terms) { Currency = "EURC" }), ErrorCodes.ChannelRefused),
        ["a challenge with another peer's binding"] = (p => Challenge(p, c => c.Binding = ChannelPair.Stranger.Binding), ErrorCodes.ChannelRefused),
        ["a challenge with a wallet that is not its own"] = (p => Challenge(p, c => c.Terms = new PaymentTerms(c.Terms) { Payee = ChannelPair.Bytes(9, 20) }), ErrorCodes.ChannelRefused),
        ["a challenge for nothing"] = (p => Challenge(p, c => c.PriceMicro = 0), ErrorCodes.PaymentRequired),
        ["a challenge for 2^64 - 1"] = (p => Challenge(p, c => c.PriceMicro = ulong.MaxValue), ErrorCodes.PaymentRequired),
        ["a challenge without terms"] = (p => Challenge(p, c => c.Terms = null), ErrorCodes.PaymentRequired),
        ["a challenge without a binding"] = (p => Challenge(p, c => c.Binding = null), ErrorCodes.PaymentRequired),
        ["a challenge without a currency"] = (p => Challenge(p, c => c.Currency = ""), ErrorCodes.PaymentRequired),
    };

    public static TheoryData<string> Terms => [.. BadTerms.Keys];

    [Theory]
    [MemberData(nameof(Terms))]
    public async Task Nothing_is_signed_on_bad_terms(string what)
    {
        await using var provider = await StartAsync(p => p.Answer = _ => [p.Challenge()]);
        var (set, code) = BadTerms[what];
        set(provider);
        var session = await BeginAsync(1m);

        Assert.Equal(code, CodeOf(await InvokeAsync(provider, session)));
        Assert.All(provider.Seen, request => Assert.Null(request.Voucher));
        Assert.Equal((0UL, 0UL), await BudgetAsync(session));
        Assert.Equal((0UL, 0UL, false), await ChannelAsync(provider));
    }

    [Fact]
    public async Task A_challenge_on_good_terms_is_paid()
    {
        await using var provider = await StartAsync(p => p.Answer = r => r.Voucher is null ? [p.Challenge()] : [HostilePeer.Receipt(r), HostilePeer.Outcome()]);
        provider.RecordPrice = null;
        var session = await BeginAsync(1m);
        Assert.True((await InvokeAsync(provider, session))["result"]!["ok"]!.GetValue<bool>());
        Assert.Equal((Price, Price, false), await ChannelAsync(provider));
    }

    [Fact]
    public async Task A_refused_voucher_that_was_kept_is_charged_once_it_comes_to_light_and_the_channel_goes_on()
    {
        // It takes the first voucher and denies it; the second call then meets what was taken.
        await using var provider = await StartAsync(p => p.Answer = _ => [HostilePeer.Refuse(ErrorCodes.PaymentInsufficient)]);
        provider.Standing = query => StandingOf(query, Price, paid: false);
        var session = await BeginAsync(1m);
        Assert.Equal(ErrorCodes.PaymentInsufficient, CodeOf(await InvokeAsync(provider, session)));
        Assert.Equal((0UL, 0UL), await BudgetAsync(session));

        provider.Answer = _ => [HostilePeer.Refuse(ErrorCodes.PaymentStaleVoucher)];
        Assert.False((await InvokeAsync(provider, session))["result"]!["ok"]!.GetValue<bool>());
        Assert.Equal((Price, 0UL), await BudgetAsync(session));
        Assert.Equal((Price, Price, false), await ChannelAsync(provider));

        provider.Answer = r => [HostilePeer.Receipt(r), HostilePeer.Outcome()];
        Assert.True((await InvokeAsync(provider, session))["result"]!["ok"]!.GetValue<bool>());
        Assert.Equal((2 * Price, 0UL), await BudgetAsync(session));
        Assert.Equal(2 * Price, provider.Seen.Last().Voucher.CumulativeMicro);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task While_a_provider_stalls_the_amount_stays_reserved_and_is_settled_by_its_word(bool taken)
    {
        var stall = new TaskCompletionSource();
        await using var provider = await StartAsync(p => p.Stall = stall.Task);
        provider.Standing = _ => throw new RpcException(RpcStatus.Unavailable, "not now");
        var session = await BeginAsync(1m);

        Assert.Contains(CodeOf(await InvokeAsync(provider, session, timeoutMs: 500)), (string?[])[ErrorCodes.PaymentPending, ErrorCodes.Timeout]);
        Assert.Equal((0UL, Price), await BudgetAsync(session));
        Assert.Equal((0UL, Price, true), await ChannelAsync(provider));

        provider.Standing = query => StandingOf(query, taken ? Price : 0, taken);
        await Eventually.TrueAsync(async () => (await BudgetAsync(session)).Reserved == 0);
        Assert.Equal((taken ? Price : 0, 0UL), await BudgetAsync(session));
        Assert.Equal((taken ? Price : 0, Price, false), await ChannelAsync(provider));
        stall.SetResult();
    }

    private static void Challenge(HostilePeer provider, Action<PaymentRequired> change)
    {
        provider.RecordPrice = null;
        provider.Answer = _ => [provider.Challenge(change)];
    }

    private static ChannelStanding StandingOf(ChannelQuery query, ulong acceptedMicro, bool paid) => new()
    {
        ChannelId = query.ChannelId,
        Known = true,
        Open = true,
        AcceptedMicro = acceptedMicro,
        SpentMicro = acceptedMicro,
        RequestPaid = paid,
        RequestMicro = paid ? Price : 0,
    };

    private static string? CodeOf(JsonNode reply) => reply["error"]?["data"]?["code"]?.GetValue<string>();

    private static ulong Micro(JsonNode? amount) => (ulong)(amount!.GetValue<decimal>() * 1_000_000);

    private async Task<HostilePeer> StartAsync(Action<HostilePeer> set)
    {
        var provider = await HostilePeer.StartAsync();
        set(provider);
        await payer.CallAsync("node.connect", new JsonObject { ["multiaddr"] = provider.Address });
        return provider;
    }

    private async Task<string> BeginAsync(decimal max) =>
        (await payer.CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = max } }))["result"]!["id"]!.GetValue<string>();

    private Task<JsonNode> InvokeAsync(HostilePeer provider, string session, int timeoutMs = 20_000) => payer.CallAsync("tool.invoke", new JsonObject
    {
        ["toolId"] = provider.ToolId,
        ["params"] = new JsonObject(),
        ["sessionId"] = session,
        ["timeoutMs"] = timeoutMs,
    });

    private async Task<(ulong Spent, ulong Reserved)> BudgetAsync(string session)
    {
        var budget = (await payer.CallAsync("state.get", new JsonObject { ["sessionId"] = session }))["result"]!["budget"]!;
        return (Micro(budget["spent"]), Micro(budget["reserved"]));
    }

    private async Task<(ulong Accepted, ulong Signed, bool InFlight)> ChannelAsync(HostilePeer provider)
    {
        var channel = (await payer.CallAsync("micropayments.channel.list"))["result"]!.AsArray().SingleOrDefault(c => c!["peerId"]?.GetValue<string>() == provider.Identity.PeerId.ToString());
        return channel is null ? default : (Micro(channel["accepted"]), Micro(channel["signed"]), channel["inFlight"]!.GetValue<bool>());
    }
}
