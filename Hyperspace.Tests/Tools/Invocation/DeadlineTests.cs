using System.Text.Json.Nodes;
using Hyperspace.Tests.Host;
using Hyperspace.Tests.Libp2p;

namespace Hyperspace.Tests.Tools.Invocation;

/// <summary>A tool that is slower than its caller waits, between two whole peers over real loopback.</summary>
public class DeadlineTests(PaidPeerFixture payee, PeerProcessFixture payer) : IClassFixture<PaidPeerFixture>, IClassFixture<PeerProcessFixture>
{
    [Fact]
    public async Task A_call_that_is_given_up_after_the_payment_was_taken_is_paid_once_in_both_books()
    {
        await CallAsync("node.connect", new JsonObject { ["multiaddr"] = payee.Peer.Address.ToString() });
        var session = (await CallAsync("state.begin", new JsonObject { ["budget"] = new JsonObject { ["max"] = 1 } }))["id"]!.GetValue<string>();
        var served = payee.Tool.Served;
        using var gate = payee.Tool.Close();
        var call = InvokeAsync(session, 3_000);
        await gate.Reached;

        // While the tool runs, the next call is paid: the channel does not wait for slow tools.
        var next = InvokeAsync(session, 3_000);
        await Eventually.TrueAsync(async () => (await BooksAsync(payee.Peer, "payee")).Accepted == 0.002m);
        foreach (var result in await Task.WhenAll(call, next))
        {
            Assert.Equal((false, 0.001m), (result["ok"]!.GetValue<bool>(), result["cost"]!.GetValue<decimal>()));
            Assert.StartsWith("TIMEOUT", result["error"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        var budget = (await CallAsync("state.get", new JsonObject { ["sessionId"] = session }))["budget"]!;
        Assert.Equal((0.002m, 0m), (budget["spent"]!.GetValue<decimal>(), budget["reserved"]!.GetValue<decimal>()));
        Assert.Equal((0.002m, false), await BooksAsync(payer, "payer"));
        Assert.Equal(0.002m, (await BooksAsync(payee.Peer, "payee")).Accepted);

        // What was paid for runs to its end.
        gate.Open();
        await Eventually.TrueAsync(() => payee.Tool.Served == served + 2);
    }

    private static async Task<(decimal Accepted, bool InFlight)> BooksAsync(PeerProcessFixture peer, string side)
    {
        var channels = (await peer.CallAsync("micropayments.channel.list"))["result"]!.AsArray().Where(c => c!["side"]!.GetValue<string>() == side).ToList();
        return (channels.Sum(c => c!["accepted"]!.GetValue<decimal>()), channels.Any(c => c!["inFlight"]?.GetValue<bool>() ?? false));
    }

    private Task<JsonNode> InvokeAsync(string session, int timeoutMs) => CallAsync("tool.invoke", new JsonObject
    {
        ["toolId"] = $"{payee.PeerId}/count",
        ["params"] = new JsonObject(),
        ["sessionId"] = session,
        ["timeoutMs"] = timeoutMs,
    });

    private async Task<JsonNode> CallAsync(string method, JsonObject parameters)
    {
        var reply = await payer.CallAsync(method, parameters);
        return reply["result"] ?? throw new InvalidOperationException(reply.ToJsonString());
    }
}
