using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.Loop;

/// <summary>Two peer processes and a tool that streams: paid by the token, ahead of what comes, and counted alike on both sides.</summary>
public sealed class StreamedCallTests : IAsyncLifetime
{
    private PaidPair _pair = null!;
    private StreamingTool _tool = null!;
    private string _toolId = "";

    public async Task InitializeAsync()
    {
        _tool = await StreamingTool.StartAsync();
        _pair = await PaidPair.StartAsync();
        var registered = await _pair.Payee.Api.CallAsync("tool.register", new JsonObject
        {
            ["name"] = "tell",
            ["description"] = "Tells tokens one by one.",
            ["capabilities"] = new JsonArray("tell"),
            ["inputSchema"] = new JsonObject { ["type"] = "object" },
            ["price"] = 0.000003m,
            ["perTokens"] = 2,
            ["provider"] = new JsonObject { ["type"] = "http", ["url"] = _tool.Url.ToString() },
        });
        _toolId = registered!["toolId"]!.GetValue<string>();
        await _pair.UntilAsync("the payer finds the tool", async () =>
            (await _pair.Payer.Api.CallAsync("tool.discover", new JsonObject { ["capabilities"] = new JsonArray("tell") }))!.AsArray().Count > 0);
    }

    public async Task DisposeAsync()
    {
        await _pair.DisposeAsync();
        await _tool.DisposeAsync();
    }

    [Fact]
    public async Task A_stream_costs_its_tokens_rounded_once_and_both_sides_count_the_same()
    {
        var session = await _pair.BeginAsync(1m);
        foreach (var (tokens, ahead, perVoucher, cost) in ((int, int, int, decimal)[])[(1, 64, 32, 0.000002m), (501, 64, 32, 0.000752m), (300, 16, 1, 0.00045m)])
        {
            var result = await StreamAsync(session, tokens, ahead, perVoucher, 0.1m);
            Assert.True(result["ok"]!.GetValue<bool>(), result.ToJsonString());
            Assert.Equal(string.Concat(Enumerable.Range(0, tokens).Select(i => $"t{i} ")), result["content"]!.GetValue<string>());
            Assert.Equal((tokens, cost), (result["tokens"]!.GetValue<int>(), result["cost"]!.GetValue<decimal>()));
        }

        const decimal total = 0.000002m + 0.000752m + 0.00045m;
        var budget = (await _pair.SessionAsync(session))["budget"]!;
        Assert.Equal((total, 0m), (budget["spent"]!.GetValue<decimal>(), budget["reserved"]!.GetValue<decimal>()));
        var (_, spent, _) = await PaidPair.ChannelAsync(_pair.Payee, "payee");
        var (accepted, _, inFlight) = await PaidPair.ChannelAsync(_pair.Payer, "payer");
        Assert.Equal((total, total, false), (spent, accepted, inFlight));
    }

    [Fact]
    public async Task A_stream_ends_at_its_limit_and_the_tool_is_held_back_meanwhile()
    {
        var session = await _pair.BeginAsync(1m);
        var result = await StreamAsync(session, tokens: 1_000_000, ahead: 20, perVoucher: 10, maxCost: 0.00015m, padding: 1000);
        Assert.False(result["ok"]!.GetValue<bool>());
        Assert.Contains("BUDGET_EXCEEDED", result["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal((100, 0.00015m), (result["tokens"]!.GetValue<int>(), result["cost"]!.GetValue<decimal>()));
        // What the sockets' buffers hold is sent; the rest of a gigabyte is not.
        Assert.InRange(_tool.Sent, 100, 100_000);
        Assert.Equal(0.00015m, (await _pair.SessionAsync(session))["budget"]!["spent"]!.GetValue<decimal>());

        // What the channel has is free for the next payment.
        Assert.True((await StreamAsync(session, 10, 64, 32, 0.1m))["ok"]!.GetValue<bool>());
    }

    [Fact]
    public async Task A_stream_is_rated_by_the_receipt_over_what_it_cost_also_when_it_ended_at_its_limit()
    {
        using var heard = await RatingListener.StartAsync(_pair.Payee);
        var session = await _pair.BeginAsync(1m);
        var whole = await StreamAsync(session, tokens: 501, ahead: 64, perVoucher: 32, maxCost: 0.1m);

        // Rated by itself, once a minute.
        var (rating, _) = await heard.NextAsync();
        Assert.Equal((RequestOf(whole), 752UL, 1.0, _pair.Payee.PeerId), (rating.Entry.ReceiptId, rating.Entry.Micros, rating.Entry.Value, rating.Ratee));
        Assert.Equal((0.000752m, 0.000752m), (whole["receipt"]!["spent"]!.GetValue<decimal>(), whole["cost"]!.GetValue<decimal>()));

        var limited = await StreamAsync(session, tokens: 1_000, ahead: 20, perVoucher: 10, maxCost: 0.00015m);
        Assert.False(limited["ok"]!.GetValue<bool>());
        foreach (var (stream, micros) in new[] { (limited, 150UL), (whole, 752UL) })
        {
            var rated = await _pair.Payer.Api.CallAsync("reputation.rate", new JsonObject { ["requestId"] = RequestOf(stream), ["value"] = 0.5 });
            Assert.Equal((_pair.Payee.PeerId, 1), (rated!["peers"]![0]!.GetValue<string>(), rated["gossiped"]!.GetValue<int>()));
            (rating, _) = await heard.NextAsync();
            Assert.Equal((RequestOf(stream), micros, 0.5), (rating.Entry.ReceiptId, rating.Entry.Micros, rating.Entry.Value));
        }

        static string RequestOf(JsonNode stream) => stream["receipt"]!["requestId"]!.GetValue<string>();
    }

    [Fact]
    public async Task A_provider_that_dies_in_the_middle_is_paid_what_its_journal_says_and_no_more()
    {
        var session = await _pair.BeginAsync(1m);
        var stream = StreamAsync(session, tokens: 200_000, ahead: 20, perVoucher: 10, maxCost: 0.5m);
        await _pair.UntilAsync("tokens flow beyond the first vouchers", async () => (await PaidPair.ChannelAsync(_pair.Payee, "payee")).Spent > 0.0003m);
        _pair.Payee.Kill();
        await _pair.Payee.DisposeAsync();
        await _pair.StartPayeeAsync();
        try
        {
            Assert.False((await stream)["ok"]!.GetValue<bool>());
        }
        catch (CommandException)
        {
            // PAYMENT_PENDING: the payee could not be asked in time; it is, until it answers.
        }

        await _pair.UntilAsync("the session knows what it cost", async () => (await _pair.SessionAsync(session))["budget"]!["reserved"]!.GetValue<decimal>() == 0);
        var (_, spent, _) = await PaidPair.ChannelAsync(_pair.Payee, "payee");
        Assert.Equal(spent, (await _pair.SessionAsync(session))["budget"]!["spent"]!.GetValue<decimal>());

        // Its receipts came with the vouchers: it can be rated for what it left undone.
        var rated = await _pair.Payer.Api.CallAsync("reputation.rate", new JsonObject { ["sessionId"] = session, ["value"] = -1 });
        Assert.Equal((_pair.Payee.PeerId, 1), (rated!["peers"]![0]!.GetValue<string>(), rated["gossiped"]!.GetValue<int>()));
    }

    private async Task<JsonNode> StreamAsync(string session, int tokens, int ahead, int perVoucher, decimal maxCost, int padding = 0) => (await _pair.Payer.Api.CallAsync("tool.stream", new JsonObject
    {
        ["toolId"] = _toolId,
        ["params"] = new JsonObject { ["tokens"] = tokens, ["padding"] = padding },
        ["sessionId"] = session,
        ["maxCost"] = maxCost,
        ["tokensAhead"] = ahead,
        ["tokensPerVoucher"] = perVoucher,
        ["timeoutMs"] = 60_000,
    }))!;
}
