using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.X402;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>What travels in headers: MPP's challenges and credentials, x402's messages.</summary>
public class WireTests
{
    [Property]
    public void A_challenge_comes_back_as_it_was(FsCheck.NonEmptyString realm, FsCheck.NonEmptyString description)
    {
        var challenge = new MppChallenge("id", Printable(realm.Get), "evm", "charge", "e30") { Description = Printable(description.Get), Expires = "2026-01-01T00:00:00.000Z", Opaque = "e30" };
        var header = challenge.ToHeader();
        Assert.All(header, c => Assert.InRange(c, ' ', '~'));
        Assert.Equal([challenge], MppChallenge.ReadAll([header]));
        Assert.Equal(challenge, MppChallenge.FromJson(challenge.ToJson()));
    }

    [Fact]
    public void Challenges_of_several_schemes_share_a_header()
    {
        var one = new MppChallenge("a", "r", "evm", "charge", "e30");
        var two = one with { Id = "b", Description = "Payment id=\"x\", commas, \"quotes\" – and dashes" };
        var read = MppChallenge.ReadAll([$"Bearer realm=\"x\", {one.ToHeader()}, {two.ToHeader()}, Basic realm=\"y\""]);
        Assert.Equal([one, two], read);
    }

    [Theory]
    [InlineData("Payment id=\"a\"")]
    [InlineData("Payment id=\"a")]
    [InlineData("Payment id=\"a\", id=\"b\", realm=\"\", method=\"\", intent=\"\", request=\"\"")]
    [InlineData("Payment ,=")]
    public void A_challenge_that_cannot_be_read_is_a_format_error(string header) => Assert.Throws<FormatException>(() => MppChallenge.ReadAll([header]));

    [Theory]
    [InlineData("{\"b\":1,\"a\":[true,null,\"é\\u0001\\n\\\"\"]}", "{\"a\":[true,null,\"é\\u0001\\n\\\"\"],\"b\":1}")]
    [InlineData("{\"methodDetails\":{\"decimals\":6,\"chainId\":808080},\"amount\":\"1\"}", "{\"amount\":\"1\",\"methodDetails\":{\"chainId\":808080,\"decimals\":6}}")]
    public void Canonical_json_is_that_of_rfc_8785(string text, string canonical) => Assert.Equal(canonical, CanonicalJson.Write(JsonNode.Parse(text)));

    [Theory]
    [InlineData("1.5")]
    [InlineData("9007199254740992")]
    [InlineData("1e3")]
    public void Numbers_without_one_exact_text_have_no_canonical_form(string number) => Assert.Throws<FormatException>(() => CanonicalJson.Write(JsonNode.Parse(number)));

    [Theory]
    [InlineData("0", true)]
    [InlineData("1000", true)]
    [InlineData("340282366920938463463374607431768211455", true)]
    [InlineData("340282366920938463463374607431768211456", false)]
    [InlineData("01000", false)]
    [InlineData("1e3", false)]
    [InlineData("1.5", false)]
    [InlineData("-1", false)]
    [InlineData("+1", false)]
    [InlineData(" 1", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("0x10", false)]
    [InlineData("١", false)]
    public void Token_units_are_plain_digits(string? text, bool expected) => Assert.Equal(expected, EvmText.TryUnits(text, out _));

    [Fact]
    public void A_credential_comes_back_and_damaged_ones_are_none()
    {
        var credential = new MppCredential(new MppChallenge("id", "realm", "evm", "charge", "e30"), new JsonObject { ["type"] = "authorization" }, "did:pkh:eip155:1:0x00");
        var header = credential.ToHeader();
        var back = MppCredential.Read(header)!;
        Assert.Equal((credential.Challenge, credential.Source), (back.Challenge, back.Source));
        Assert.Null(MppCredential.Read("Payment"));
        Assert.Null(MppCredential.Read("Payment !!!"));
        Assert.Null(MppCredential.Read("Payment e30"));
        Assert.Null(MppCredential.Read("Bearer " + header["Payment ".Length..]));
        Assert.Null(MppCredential.Read("Payment " + Convert.ToBase64String("{\"challenge\":{\"id\":1},\"payload\":{}}"u8)));
        Assert.Null(MppCredential.Read("Payment " + Convert.ToBase64String("{\"challenge\":{},\"challenge\":{},\"payload\":{}}"u8)));
    }

    [Property]
    public void No_header_makes_a_reader_fail(string text)
    {
        Assert.Null(MppCredential.Read("Payment " + text));
        Assert.Null(X402Payment.Read(text ?? ""));
        Assert.Null(X402PaymentRequired.Read(text ?? ""));
    }

    [Fact]
    public void Of_x402_only_version_2_and_exact_by_eip3009_are_known()
    {
        var requirements = new X402Requirements(808080, 1000, new byte[20], new byte[20], 60, "Test USD", "2");
        Assert.Equal(requirements, X402Requirements.Read(requirements.ToJson()));
        var required = new X402PaymentRequired("http://x/pay/a", "words", "why", [requirements]);
        var back = X402PaymentRequired.Read(required.ToHeader())!;
        Assert.Equal((required.Url, required.Description, required.Error), (back.Url, back.Description, back.Error));
        Assert.Equal(required.Accepts, back.Accepts);

        var permit2 = requirements.ToJson();
        permit2["extra"]!["assetTransferMethod"] = "permit2";
        Assert.Null(X402Requirements.Read(permit2));
        var json = X402Headers.Read(required.ToHeader())!;
        json["x402Version"] = 1;
        Assert.Null(X402PaymentRequired.Read(X402Headers.Write(json)));
    }

    private static string Printable(string text) => new([.. text.Where(c => !char.IsControl(c))]);
}
