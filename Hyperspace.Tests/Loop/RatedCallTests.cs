using System.Text.Json.Nodes;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Host.CommandLine;
using Hyperspace.Libp2p;
using Hyperspace.Tests.Reputation;
using SimpleBase;

namespace Hyperspace.Tests.Loop;

/// <summary>Who paid may rate, over HTTP and between two processes: with the payee's receipt, once for each payment, and nobody else.</summary>
public sealed class RatedCallTests : IAsyncLifetime
{
    private PaidPair _pair = null!;

    public async Task InitializeAsync() => _pair = await PaidPair.StartAsync();

    public async Task DisposeAsync() => await _pair.DisposeAsync();

    [Fact]
    public async Task A_paid_call_is_rated_by_its_receipt_and_a_second_rating_takes_the_place_of_the_first()
    {
        using var heard = await RatingListener.StartAsync(_pair.Payee);
        var session = await _pair.BeginAsync(0.1m);
        var receipt = (await _pair.InvokeAsync(session, 1))!["receipt"]!;
        var requestId = receipt["requestId"]!.GetValue<string>();

        // Rated by itself, once a minute: the call went well.
        var (first, envelope) = await heard.NextAsync();
        Assert.Equal((_pair.Payee.PeerId, _pair.Payer.PeerId, requestId, 1.0, 1_000UL), (first.Ratee, first.Rater, first.Entry.ReceiptId, first.Entry.Value, first.Entry.Micros));

        foreach (var (by, value) in new[] { (("requestId", requestId), -1.0), (("sessionId", session), 0.5), (("peerId", _pair.Payee.PeerId), -0.25) })
        {
            var rated = await RateAsync(by.Item1, by.Item2, value);
            Assert.Equal((_pair.Payee.PeerId, 1, 1), (rated["peers"]![0]!.GetValue<string>(), rated["peers"]!.AsArray().Count, rated["gossiped"]!.GetValue<int>()));
            var (next, _) = await heard.NextAsync();
            Assert.Equal((requestId, value), (next.Entry.ReceiptId, next.Entry.Value));
            Assert.True(next.Entry.Stamp > first.Entry.Stamp);
        }

        // Of four words on one payment the last one counts, and it says why.
        var explained = await CallAsync("reputation.explain", ("peerId", _pair.Payee.PeerId));
        var ratings = Assert.Single(explained["reasons"]!.AsArray(), reason => reason!["kind"]!.GetValue<string>() == "ratings")!;
        Assert.Equal((0.0, 0.25), (ratings["for"]!.GetValue<double>(), Math.Round(ratings["against"]!.GetValue<double>(), 3)));
        Assert.NotEmpty(ratings["text"]!.GetValue<string>());
        Assert.Contains(explained["reasons"]!.AsArray(), reason => reason!["kind"]!.GetValue<string>() == "calls");
        var standing = await CallAsync("reputation.get", ("peerId", _pair.Payee.PeerId));
        Assert.Equal(explained["reputation"]!.GetValue<double>(), standing["reputation"]!.GetValue<double>());
        Assert.Null(standing["reasons"]);

        await NobodyElseMayUseTheReceiptAsync(envelope, requestId);
    }

    [Fact]
    public async Task What_cannot_be_rated_is_refused_with_what_to_do()
    {
        var session = await _pair.BeginAsync(0.1m);
        await RefusedAsync("requestId", "req_nobody", "peerId");
        await RefusedAsync("sessionId", session, "peerId");
        await RefusedAsync("peerId", _pair.Payer.PeerId, "itself");
        await RefusedAsync("peerId", Cid(_pair.Payer.PeerId), "itself");
        await RefusedAsync("peerId", "12D3KooWNobody", "node.peers");
        await RefusedAsync("nobody", "at all", "exactly one");

        // Without a payment the own word counts here, and is not told to others; the peer may be named by its other spelling.
        var rated = await RateAsync("peerId", Cid(_pair.Payee.PeerId), 1);
        Assert.Equal((_pair.Payee.PeerId, 0), (rated["peers"]![0]!.GetValue<string>(), rated["gossiped"]!.GetValue<int>()));
        Assert.True((await CallAsync("reputation.get", ("peerId", _pair.Payee.PeerId)))["reputation"]!.GetValue<double>() > 0.5);
    }

    private async Task NobodyElseMayUseTheReceiptAsync(byte[] envelope, string requestId)
    {
        // The payee knows the request; the receipt is the payer's.
        var refusal = await Assert.ThrowsAsync<CommandException>(() => _pair.Payee.Api.CallAsync("reputation.rate", new JsonObject { ["requestId"] = requestId, ["value"] = 1 }));
        Assert.Equal(ErrorCodes.InvalidParams, refusal.Code);

        // Neither does a rating pass that a stranger signs with a receipt that it has overheard.
        var receipt = Rating.Parser.ParseFrom(SignedEnvelope.Open(envelope, DateTimeOffset.UtcNow, out _)!.Payload.Span).Receipt;
        var forged = Ratings.Seal(RatingsTests.Who(7), Ratings.ReadReceipt(receipt.Memory, out _)!, 1, new HybridTime((ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), 0));
        refusal = await Assert.ThrowsAsync<CommandException>(() => _pair.Payer.Api.CallAsync("gossip.publish", new JsonObject { ["topic"] = Topics.Reputation, ["data"] = Convert.ToBase64String(forged.Bytes.Span) }));
        Assert.Equal(ErrorCodes.BadEnvelope, refusal.Code);
    }

    private async Task RefusedAsync(string by, string whom, string says)
    {
        var refusal = await Assert.ThrowsAsync<CommandException>(() => RateAsync(by, whom, 1));
        Assert.Equal(ErrorCodes.InvalidParams, refusal.Code);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
    }

    private static string Cid(string peerId) => "b" + Base32.Rfc4648.Encode([1, 0x72, .. PeerId.Parse(peerId).Bytes.Span]).ToLowerInvariant();

    private Task<JsonNode> RateAsync(string by, string whom, double value) => CallAsync("reputation.rate", (by, whom), ("value", value));

    private async Task<JsonNode> CallAsync(string method, params (string Name, JsonNode Value)[] parameters) =>
        (await _pair.Payer.Api.CallAsync(method, new JsonObject(parameters.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Value)))))!;
}
