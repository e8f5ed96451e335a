using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.Sessions;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Tests.Micropayments.Charge;

namespace Hyperspace.Tests.Micropayments.Sessions;

/// <summary>Sessions over HTTP: which challenges are offered, and which credentials are read as what.</summary>
public class SessionDeskTests
{
    private const string ChannelId = "0x1111111111111111111111111111111111111111111111111111111111111111";
    private static readonly ChainOptions Chain = Payer.Chain with { Escrow = Enumerable.Repeat((byte)1, 20).ToArray(), LegacyEscrow = Enumerable.Repeat((byte)2, 20).ToArray() };
    private static readonly SessionRoute Route = new("/pay/count", Amount.MicroUsdc(100), Amount.MicroUsdc(100_000), "Counts", ChannelId);
    private static readonly PayOptions Options = new() { Listen = new(System.Net.IPAddress.Loopback, 4020) };
    private readonly SessionDesk _desk = Desk([Chain], 0);

    [Fact]
    public void Both_wires_are_offered_with_their_escrows_and_the_clients_channel()
    {
        var challenges = MppChallenge.ReadAll(_desk.Ask(Route));
        Assert.Equal([("evm", "session"), ("tempo", "session")], challenges.Select(c => (c.Method, c.Intent)));
        var details = challenges.Select(c => CanonicalJson.FromBase64Url(c.Request)!["methodDetails"]!.AsObject()).ToList();
        Assert.Equal(["0x" + string.Concat(Enumerable.Repeat("01", 20)), "0x" + string.Concat(Enumerable.Repeat("02", 20))], details.Select(d => JsonText.Of(d, "escrowContract")!));
        Assert.All(details, d => Assert.Equal(ChannelId, JsonText.Of(d, "channelId")));
        Assert.Equal([null, "v1"], details.Select(d => JsonText.Of(d, "sessionProtocol")));
    }

    [Fact]
    public void A_chain_without_an_escrow_offers_no_session()
    {
        Assert.False(Desk([Payer.Chain], 0).Takes(Currency.Usdc));
        Assert.False(_desk.Takes(Currency.Parse("EURC")));
        Assert.Single(Desk([Chain with { Escrow = null }], 0).Ask(Route));
    }

    [Theory]
    [InlineData("open", SessionAction.Open)]
    [InlineData("topUp", SessionAction.TopUp)]
    [InlineData("voucher", SessionAction.Voucher)]
    [InlineData("close", SessionAction.Close)]
    public void Actions_are_read(string action, object expected)
    {
        var (credential, problem) = _desk.Read(Answer(1, Payload(action)), Route);
        Assert.Null(problem);
        Assert.Equal(((SessionAction)expected, ChannelId, 808080UL, ChannelDomain.Legacy), (credential!.Action, credential.ChannelId, credential.ChainId, credential.Profile.Domain));
        Assert.Equal(action == "topUp" ? null : 300UL, credential.Voucher?.CumulativeMicro);
    }

    [Theory]
    [InlineData("action", "steal")]
    [InlineData("action", "0")]
    [InlineData("channelId", "0x11")]
    [InlineData("cumulativeAmount", "0300")]
    [InlineData("cumulativeAmount", "3e2")]
    [InlineData("cumulativeAmount", "-300")]
    [InlineData("cumulativeAmount", "9007199254740992")]
    [InlineData("cumulativeAmount", "340282366920938463463374607431768211456")]
    [InlineData("signature", "0x00")]
    public void What_is_malformed_is_told_so(string member, string value)
    {
        var payload = Payload("voucher");
        payload[member] = value;
        Assert.Equal("malformed-credential", _desk.Read(Answer(0, payload), Route).Problem?.Kind);
    }

    [Fact]
    public void A_challenge_of_another_peer_resource_or_price_is_refused()
    {
        var header = Answer(0, Payload("voucher"));
        Assert.Equal("invalid-challenge", Desk([Chain], 1).Read(header, Route).Problem?.Kind);
        Assert.Equal("invalid-challenge", _desk.Read(header, Route with { Path = "/pay/other" }).Problem?.Kind);
        Assert.Equal("invalid-challenge", _desk.Read(header, Route with { UnitPrice = Amount.MicroUsdc(101) }).Problem?.Kind);
        Assert.Equal("invalid-challenge", Desk([Chain with { Escrow = new byte[20] }], 0).Read(header, Route).Problem?.Kind);
        Assert.Equal("malformed-credential", _desk.Read("Payment e30", Route).Problem?.Kind);
    }

    [Fact]
    public void Tokens_travel_whole_whatever_is_in_them()
    {
        Assert.Equal("event: message\ndata: a\n\n", SessionEvents.Message("a"));
        Assert.Equal("event: message\ndata: a\ndata: \ndata: b: c\n\n", SessionEvents.Message("a\r\n\nb: c"));
        Assert.Equal("event: message\ndata: \n\n", SessionEvents.Message(""));
    }

    [Fact]
    public void A_receipt_has_what_sessions_of_mppx_ask_of_it()
    {
        var credential = _desk.Read(Answer(1, Payload("voucher")), Route).Credential!;
        var receipt = SessionEvents.ReceiptOf(credential, Amount.MicroUsdc(300), Amount.MicroUsdc(200), 2, DateTimeOffset.UnixEpoch).ToJson();
        Assert.Equal(
            ["tempo", "session", "success", ChannelId, ChannelId, "300", "200", credential.ChallengeId],
            ((string[])["method", "intent", "status", "reference", "channelId", "acceptedCumulative", "spent", "challengeId"]).Select(name => JsonText.Of(receipt, name)));
        Assert.Equal(2UL, JsonText.NumberOf(receipt, "units"));
    }

    private static SessionDesk Desk(IReadOnlyList<ChainOptions> chains, byte secret) => new(Options, chains, new byte[20], new ChallengeKey(Enumerable.Repeat(secret, 32).ToArray()), RandomNumberGenerator.GetBytes);

    private string Answer(int which, JsonObject payload) => new MppCredential(MppChallenge.ReadAll(_desk.Ask(Route))[which], payload, null).ToHeader();

    private static JsonObject Payload(string action) => new()
    {
        ["action"] = action,
        ["channelId"] = ChannelId,
        ["cumulativeAmount"] = "300",
        ["signature"] = "0x" + new string('a', 130),
    };
}
