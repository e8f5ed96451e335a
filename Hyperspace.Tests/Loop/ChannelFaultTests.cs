using System.Text.Json.Nodes;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Loop;

/// <summary>
/// Each side dies at each step of a channel's life as by kill -9, once. After it is started again, with nobody's help, the
/// session, the channel at both sides and the tool agree.
/// </summary>
public class ChannelFaultTests(ChannelFaultTests.Pair fixture, ITestOutputHelper output) : IClassFixture<ChannelFaultTests.Pair>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static TheoryData<string> Points => [.. ChannelFaults.All];

    [Theory]
    [MemberData(nameof(Points))]
    public async Task Books_agree_after_a_crash_at(string point)
    {
        var pair = fixture.Value;
        var isPayer = point.StartsWith("payer.", StringComparison.Ordinal);
        await pair.UntilAsync("no channel is left of the test before", async () =>
        {
            foreach (var left in (await PayingAsync(pair)).Where(c => c["phase"]!.GetValue<string>() == "open" && c["channelId"] is not null && c["vouchers"]!.GetValue<long>() > 0))
            {
                await pair.Payer.Api.CallAsync("micropayments.channel.close", new JsonObject { ["channelId"] = left["channelId"]!.GetValue<string>() });
            }

            return true;
        });
        var before = await SpentAsync(pair.Payee);
        var served = pair.Tool.Served;
        await RestartAsync(pair, isPayer, point);
        var victim = isPayer ? pair.Payer : pair.Payee;
        string? session = null;
        using var patience = new CancellationTokenSource(Patience);
        var died = victim.ExitedAsync(patience.Token);
        var life = LiveAsync(pair, id => session = id);

        // 128 + SIGKILL: it died there, and of nothing else.
        await Task.WhenAny(died, life.ContinueWith(_ => Task.Delay(TimeSpan.FromSeconds(1)), TaskScheduler.Default).Unwrap());
        var exit = died.IsCompleted ? await died : -1;
        await RestartAsync(pair, isPayer, null);
        output.WriteLine(string.Join('\n', await life));
        Assert.Equal(137, exit);

        await pair.UntilAsync("nothing is in flight, being topped up, closing or reserved", async () =>
            Deposits((await PayingAsync(pair)).Where(c => c["vouchers"]!.GetValue<long>() > 0)).IsSubsetOf(Deposits(await ReceivingAsync(pair.Payee)))
            && (await PayingAsync(pair)).All(c => !c["inFlight"]!.GetValue<bool>() && c["phase"]!.GetValue<string>() != "closing")
            && (session is null || (await pair.SessionAsync(session))["budget"]!["reserved"]!.GetValue<decimal>() == 0));
        var (paying, receiving) = (await PayingAsync(pair), await ReceivingAsync(pair.Payee));
        foreach (var paid in paying.Where(c => c["vouchers"]!.GetValue<long>() > 0))
        {
            var got = receiving.Single(c => c["channelId"]!.GetValue<string>() == paid["channelId"]!.GetValue<string>());
            Assert.Equal(Money(got["spent"]), Money(paid["accepted"]));
            Assert.Equal(Money(got["deposit"]), Money(paid["deposit"]));
            Assert.Equal((Money(got["settled"]), Money(got["refunded"])), (Money(paid["settled"]), Money(paid["refunded"])));
            if (paid["phase"]!.GetValue<string>() == "closed")
            {
                Assert.Equal((Money(got["spent"]), Money(got["deposit"])), (Money(got["settled"]), Money(got["settled"]) + Money(got["refunded"])));
            }
        }

        var spent = await SpentAsync(pair.Payee) - before;
        var bySession = session is null ? 0 : (await pair.SessionAsync(session))["budget"]!["spent"]!.GetValue<decimal>();
        output.WriteLine($"{point}: {spent} spent, {bySession} of it by the session, the tool ran {pair.Tool.Served - served} times");
        Assert.Contains(spent - bySession, (decimal[])[0, 0.002m, 0.003m, 0.005m]);
        Assert.InRange((pair.Tool.Served - served) * PaidPair.Price, 0, bySession);
    }

    /// <summary>A whole life of a channel; whatever fails because someone died is part of it.</summary>
    private static async Task<IReadOnlyList<string>> LiveAsync(PaidPair pair, Action<string> begun)
    {
        var payer = pair.Payer.Api;
        string? channel = null;
        List<Func<Task>> steps =
        [
            async () => begun(await pair.BeginAsync(1)),
            async () => channel = (await payer.CallAsync("micropayments.channel.open", new JsonObject { ["payee"] = pair.Payee.PeerId, ["budget"] = 0.01m }))!["channelId"]!.GetValue<string>(),
            async () => await payer.CallAsync("micropayments.channel.pay", new JsonObject { ["channelId"] = channel, ["amount"] = 0.002m, ["memo"] = "before" }),
            async () => await payer.CallAsync("micropayments.channel.topUp", new JsonObject { ["channelId"] = channel, ["amount"] = 0.005m }),
            async () => await payer.CallAsync("micropayments.channel.pay", new JsonObject { ["channelId"] = channel, ["amount"] = 0.003m, ["memo"] = "after" }),
            async () => await payer.CallAsync("micropayments.channel.close", new JsonObject { ["channelId"] = channel }),
        ];
        string? session = null;
        steps[0] = async () => begun(session = await pair.BeginAsync(1));
        steps.Insert(2, async () => await pair.InvokeAsync(session!, 1, timeoutMs: 5_000));
        var failures = new List<string>();
        foreach (var step in steps)
        {
            try
            {
                await step();
            }
            catch (Exception e) when (e is CommandException or HttpRequestException or TaskCanceledException or ObjectDisposedException)
            {
                failures.Add(e.Message);
            }
        }

        return failures;
    }

    private static async Task RestartAsync(PaidPair pair, bool payer, string? fault)
    {
        if (payer)
        {
            await pair.Payer.DisposeAsync();
            await pair.StartPayerAsync(fault);
        }
        else
        {
            await pair.Payee.DisposeAsync();
            await pair.StartPayeeAsync(fault);
        }

        await pair.UntilAsync("the two are connected", async () =>
        {
            await pair.Payer.Api.CallAsync("node.connect", new JsonObject { ["multiaddr"] = pair.Payee.Listen });
            return true;
        });
    }

    private static async Task<List<JsonNode>> PayingAsync(PaidPair pair) => [.. (await pair.Payer.Api.CallAsync("micropayments.channel.list"))!.AsArray().Where(c => c!["side"]!.GetValue<string>() == "payer").Select(c => c!)];

    private static async Task<List<JsonNode>> ReceivingAsync(ChildPeer payee) => [.. (await payee.Api.CallAsync("micropayments.channel.list"))!.AsArray().Where(c => c!["side"]!.GetValue<string>() == "payee").Select(c => c!)];

    /// <summary>A top-up that the payee took and the payer does not know of yet is asked for again until both have the same.</summary>
    private static HashSet<(string, decimal?)> Deposits(IEnumerable<JsonNode> channels) =>
        [.. channels.Where(c => c["channelId"] is not null).Select(c => (c["channelId"]!.GetValue<string>(), Money(c["deposit"])))];

    private static async Task<decimal> SpentAsync(ChildPeer payee) => (await ReceivingAsync(payee)).Sum(c => Money(c["spent"]) ?? 0);

    private static decimal? Money(JsonNode? amount) => amount?.GetValue<decimal>();

    /// <summary>The pair lives on: who survives a test is in the next one.</summary>
    public sealed class Pair : IAsyncLifetime
    {
        internal PaidPair Value { get; private set; } = null!;

        public async Task InitializeAsync() => Value = await PaidPair.StartAsync();

        public async Task DisposeAsync() => await Value.DisposeAsync();
    }
}
