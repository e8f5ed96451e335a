using System.Globalization;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Fetch;

/// <summary>What a 402 answer may ask for, and what nothing is signed for.</summary>
public class OffersTests
{
    private const string Payee = "0x1111111111111111111111111111111111111111";
    private static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-03-01T12:00:00Z", CultureInfo.InvariantCulture);
    private static readonly byte[] Token = [.. Enumerable.Repeat((byte)0x22, 20)];
    private static readonly string TokenText = Hex.Of(Token);
    private static readonly ChainOptions Chain = new() { Name = "local", ChainId = 808080, RpcUrl = new Uri("http://127.0.0.1:1"), Token = new ChainToken(Token, "Test USD", "2", "USDC") };

    [Fact]
    public void A_sound_offer_is_taken()
    {
        var (offer, chain, refusal) = Choose([Mpp()]);
        Assert.Null(refusal);
        Assert.Same(Chain, chain);
        Assert.Equal((1000UL, "mpp", (ulong)Now.AddMinutes(5).ToUnixTimeSeconds()), (offer!.Micro, offer.Wire, offer.ValidBefore));
        Assert.Equal("x402", Choose([], X402()).Offer!.Wire);
    }

    [Theory]
    [InlineData("amount", "5001")]
    [InlineData("amount", "0")]
    [InlineData("amount", "01000")]
    [InlineData("amount", "1e3")]
    [InlineData("amount", "1.5")]
    [InlineData("amount", "-1")]
    [InlineData("amount", "+1")]
    [InlineData("amount", " 1")]
    [InlineData("amount", "")]
    [InlineData("amount", "340282366920938463463374607431768211456")]
    [InlineData("amount", "9007199254740992")]
    [InlineData("recipient", "0x0000000000000000000000000000000000000000")]
    [InlineData("recipient", "0x11")]
    [InlineData("recipient", "")]
    [InlineData("currency", "0x3333333333333333333333333333333333333333")]
    [InlineData("chain", "1")]
    [InlineData("chain", "8453")]
    [InlineData("expires", "2026-03-01T11:59:59Z")]
    [InlineData("expires", "2026-03-01T12:00:00Z")]
    [InlineData("expires", "2026-03-01T13:00:01Z")]
    [InlineData("expires", "2027-03-01T12:00:00Z")]
    public void An_unsound_offer_is_not(string what, string value)
    {
        var amount = what == "amount" ? value : "1000";
        var chain = what == "chain" ? ulong.Parse(value, CultureInfo.InvariantCulture) : 808080;
        var expires = what == "expires" ? DateTimeOffset.Parse(value, CultureInfo.InvariantCulture) : Now.AddMinutes(5);
        MustRefuse([Line(PayServer.MppHeader("id", what == "currency" ? value : TokenText, expires, amount, chain, what == "recipient" ? value : Payee))]);
        if (what is "amount" or "chain" or "currency")
        {
            MustRefuse([], Line(PayServer.X402Header(what == "currency" ? value : TokenText, amount, chain)));
        }
    }

    [Fact]
    public void A_token_under_another_name_is_not_signed_for()
    {
        MustRefuse([], Line(PayServer.X402Header(TokenText, name: "USD Coin")));
        MustRefuse([], Line(PayServer.X402Header(TokenText, maxTimeoutSeconds: 0)));
        MustRefuse([], Line(PayServer.X402Header(TokenText, maxTimeoutSeconds: 1_000_000)));
        MustRefuse([Mpp()], maxPrice: new Amount(5000, Currency.Parse("EURC")));
    }

    [Theory]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"tempo\", intent=\"charge\", request=\"e30\"")]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"evm\", intent=\"session\", request=\"e30\"")]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"evm\", intent=\"charge\", request=\"e30\"")]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"evm\", intent=\"charge\", request=\"!\"")]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"evm\", intent=\"charge\", request=\"W10\"")]
    [InlineData("Payment id=\"i\", realm=\"r\", method=\"evm\", intent=\"charge\"")]
    [InlineData("Payment id=\"i\", id=\"j\"")]
    [InlineData("Payment id=\"i")]
    [InlineData("Payment")]
    [InlineData("Bearer realm=\"x\"")]
    [InlineData("\u0001")]
    public void What_is_no_challenge_of_ours_is_refused(string header) => MustRefuse([header]);

    [Fact]
    public void A_challenge_that_is_bound_to_another_body_is_refused_and_so_are_odd_headers()
    {
        MustRefuse([Mpp(", digest=\"sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"")], body: "x");
        Assert.Null(Choose([Mpp(", digest=\"sha-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"")]).Refusal);
        MustRefuse([Mpp()], withAuthorization: true);
        Assert.Null(Choose([Mpp(", header=\"X-Pay\"")], withAuthorization: true).Refusal);
    }

    [Theory]
    [InlineData("Bearer realm=\"a, Payment b\", error=\"x\", Payment id=\"1\", realm=\"r\"", "1")]
    [InlineData("Payment id=\"1\", realm=\"r\", Payment id=\"2\"", "1 2")]
    [InlineData("Negotiate YWJj==, payment ID=1", "1")]
    [InlineData("Payment id=\"a\\\"b\\\\c\\u2013\"", "a\"b\\c–")]
    [InlineData("Basic", "")]
    [InlineData("", "")]
    public void Challenges_are_found_among_other_schemes(string header, string ids) =>
        Assert.Equal(ids, string.Join(' ', MppChallenges.Parse([header]).Select(c => c["id"])));

    [Theory]
    [InlineData("Host")]
    [InlineData("payment-signature")]
    [InlineData("Content-Length")]
    [InlineData("a b")]
    [InlineData("")]
    public void Headers_of_payments_and_connections_are_not_the_callers(string name) => Assert.NotNull(RequestHeaders.WhyNot(new Dictionary<string, string> { [name] = "x" }));

    private static void MustRefuse(string[] challenges, string? x402 = null, Amount? maxPrice = null, string body = "", bool withAuthorization = false)
    {
        var (offer, _, refusal) = Choose(challenges, x402, maxPrice, body, withAuthorization);
        Assert.Null(offer);
        Assert.Equal(ErrorCodes.PaymentRequired, refusal!.Code);
    }

    private static (PaymentOffer? Offer, ChainOptions? Chain, Refusal? Refusal) Choose(
        string[] challenges, string? x402 = null, Amount? maxPrice = null, string body = "", bool withAuthorization = false)
    {
        var headers = new Dictionary<string, string>();
        if (x402 is not null)
        {
            headers["payment-required"] = x402;
        }

        return Offers.Choose(
            new HttpAnswer(402, headers, challenges, [], false), System.Text.Encoding.UTF8.GetBytes(body), maxPrice ?? Amount.MicroUsdc(5000), [Chain], withAuthorization, Now);
    }

    private static string Mpp(string extra = "") => Line(PayServer.MppHeader("id", TokenText, Now.AddMinutes(5), "1000", 808080, Payee, extra));

    private static string X402() => Line(PayServer.X402Header(TokenText));

    private static string Line(string header) => header[(header.IndexOf(':', StringComparison.Ordinal) + 2)..];
}
