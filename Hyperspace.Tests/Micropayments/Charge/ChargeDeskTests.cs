using System.Collections.Concurrent;
using System.Security.Cryptography;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Contracts.Money;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>Challenges are told apart, and only a credential that answers the very one, in time, by its payer, holds.</summary>
public class ChargeDeskTests
{
    private static readonly byte[] PayTo = [.. Enumerable.Repeat((byte)0xbb, 20)];
    private static readonly ChargeRoute Route = new("/pay/echo", Amount.MicroUsdc(1000), "Says it again", null);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2026-06-01T12:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly PayOptions _options = new() { Listen = new(System.Net.IPAddress.Loopback, 4020) };
    private readonly Payer _payer = new();
    private readonly ChargeDesk _desk;

    public ChargeDeskTests() => _desk = Desk(new ChallengeKey(new byte[32]));

    [Fact]
    public void Ten_thousand_challenges_at_once_are_all_distinct()
    {
        var ids = new ConcurrentBag<string>();
        Parallel.For(0, 10_000, _ => ids.Add(MppChallenge.ReadAll(_desk.Ask(Route, "").Mpp).Single().Id));
        Assert.Equal(10_000, ids.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Both_wires_are_verified_to_the_same_authorization_form()
    {
        var challenge = _desk.Ask(Route, "");
        var (mpp, mppProblem) = _desk.VerifyMpp(_payer.Mpp(challenge.Mpp[0]), Route);
        var (x402, x402Problem) = _desk.VerifyX402(_payer.X402(challenge.X402, _time.GetUtcNow()), Route);
        Assert.Null(mppProblem);
        Assert.Null(x402Problem);
        Assert.Equal((_payer.Address, 1000UL), (mpp!.Authorization.From, mpp.Authorization.Value.MicroUnits));
        Assert.Equal(_payer.Key, x402!.Authorization.PayerKey);
        Assert.NotEqual(mpp.Authorization.PaymentId, x402.Authorization.PaymentId);
    }

    [Fact]
    public void Addresses_are_compared_as_bytes()
    {
        var header = _payer.Mpp(_desk.Ask(Route, "").Mpp[0], alter: payload =>
        {
            foreach (var name in (string[])["from", "to"])
            {
                payload[name] = "0x" + JsonText.Of(payload, name)![2..].ToUpperInvariant();
            }
        });
        Assert.NotNull(_desk.VerifyMpp(header, Route).Charge);
    }

    [Theory]
    [InlineData("01000")]
    [InlineData("1e3")]
    [InlineData("1000.0")]
    [InlineData("-1000")]
    [InlineData("340282366920938463463374607431768211456")]
    public void Malformed_amounts_are_malformed_credentials(string value) =>
        Refused("malformed-credential", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], alter: payload => payload["value"] = value));

    [Fact]
    public void An_authorization_over_less_or_more_is_insufficient()
    {
        Refused("payment-insufficient", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { Value = 999 }));
        Refused("payment-insufficient", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { Value = 1001 }));
    }

    [Fact]
    public void A_substituted_payee_nonce_chain_or_token_is_refused()
    {
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { To = new byte[20] }));
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { Nonce = new byte[32] }));
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { From = new byte[20] }));
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], chain: Payer.ChainOf(8453, 0xaa)));
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], chain: Payer.ChainOf(808080, 0xcc)));
        RefusedX402("invalid-challenge", _payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow(), alter: p => p with { Accepted = p.Accepted with { ChainId = 8453 } }));
        RefusedX402("invalid-challenge", _payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow(), alter: p => p with { Accepted = p.Accepted with { Token = new byte[20] } }));
        RefusedX402("invalid-challenge", _payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow(), alter: p => p with { Accepted = p.Accepted with { Units = 1 } }));
    }

    [Fact]
    public void A_signature_is_strict()
    {
        var challenge = _desk.Ask(Route, "").Mpp[0];
        Refused("verification-failed", Altered(challenge, s => [.. s[..64], (byte)(s[64] - 27)]));
        Refused("verification-failed", Altered(challenge, s => [.. s[..64], (byte)(s[64] ^ 7)]));
        Refused("malformed-credential", _payer.Mpp(challenge, alter: p => p["signature"] = JsonText.Of(p, "signature")![..130]));
        Refused("malformed-credential", _payer.Mpp(challenge, alter: p => p["signature"] = JsonText.Of(p, "signature") + "00"));

        string Altered(string header, Func<byte[], byte[]> change) => _payer.Mpp(header, alter: payload =>
        {
            Assert.True(EvmText.TryBytes(JsonText.Of(payload, "signature"), 65, out var signature));
            payload["signature"] = EvmText.Of(change(signature));
        });
    }

    [Fact]
    public void A_credential_is_bound_to_its_route_body_and_price()
    {
        var mpp = _payer.Mpp(_desk.Ask(Route, "").Mpp[0]);
        var x402 = _payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow());
        foreach (var other in (ChargeRoute[])[Route with { Path = "/pay/other" }, Route with { Path = "/pay/echo?x=1" }])
        {
            Assert.Equal("invalid-challenge", _desk.VerifyMpp(mpp, other).Problem?.Kind);
            Assert.Equal("invalid-challenge", _desk.VerifyX402(x402, other).Problem?.Kind);
        }

        Assert.Equal("invalid-challenge", _desk.VerifyMpp(mpp, Route with { Digest = "sha-256=:AA==:" }).Problem?.Kind);
        Assert.Equal("invalid-challenge", _desk.VerifyMpp(mpp, Route with { Price = Amount.MicroUsdc(2000) }).Problem?.Kind);
        Assert.Equal("invalid-challenge", _desk.VerifyX402(x402, Route with { Price = Amount.MicroUsdc(2000) }).Problem?.Kind);
    }

    [Fact]
    public void A_challenge_of_another_peer_or_changed_is_refused()
    {
        var other = Desk(new ChallengeKey(Enumerable.Repeat((byte)1, 32).ToArray()));
        Refused("invalid-challenge", _payer.Mpp(other.Ask(Route, "").Mpp[0]));
        var challenge = MppChallenge.ReadAll(_desk.Ask(Route, "").Mpp).Single();
        foreach (var changed in (MppChallenge[])[challenge with { Realm = "x" }, challenge with { Expires = "2027-01-01T00:00:00.000Z" }, challenge with { Opaque = null }, challenge with { Id = challenge.Id[..^1] }])
        {
            Refused("invalid-challenge", _payer.Mpp(changed.ToHeader()));
        }

        Refused("method-unsupported", _payer.Mpp((challenge with { Method = "stripe" }).ToHeader()));
    }

    [Theory]
    [InlineData(29, true)]
    [InlineData(31, false)]
    public void Clocks_may_be_half_a_minute_apart(int ahead, bool accepted)
    {
        var start = (ulong)_time.GetUtcNow().ToUnixTimeSeconds() + (ulong)ahead;
        var (charge, _) = _desk.VerifyX402(_payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow(), a => a with { ValidAfter = start, ValidBefore = a.ValidBefore + (ulong)ahead }), Route);
        Assert.Equal(accepted, charge is not null);
    }

    [Fact]
    public void An_authorization_that_ends_before_it_could_be_settled_is_refused()
    {
        var now = (ulong)_time.GetUtcNow().ToUnixTimeSeconds();
        var challenge = _desk.Ask(Route, "");
        RefusedX402("payment-expired", _payer.X402(challenge.X402, _time.GetUtcNow(), a => a with { ValidBefore = now + 119 }));
        Assert.NotNull(_desk.VerifyX402(_payer.X402(challenge.X402, _time.GetUtcNow(), a => a with { ValidBefore = now + 120 }), Route).Charge);
        var credential = _payer.Mpp(challenge.Mpp[0]);
        _time.Advance(_options.ChallengeLifetime - _options.MinValidity + TimeSpan.FromSeconds(2));
        Refused("payment-expired", credential);
    }

    [Fact]
    public void An_mpp_authorization_ends_with_its_challenge()
    {
        Refused("verification-failed", _payer.Mpp(_desk.Ask(Route, "").Mpp[0], a => a with { ValidBefore = a.ValidBefore + 1 }));
        RefusedX402("verification-failed", _payer.X402(_desk.Ask(Route, "").X402, _time.GetUtcNow(), a => a with { ValidBefore = a.ValidBefore + 3600 }));
    }

    [Fact]
    public void A_peer_keeps_its_challenge_key_private()
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-test-").FullName;
        try
        {
            var challenge = Desk(ChallengeKey.LoadOrCreate(directory)).Ask(Route, "").Mpp[0];
            Assert.NotNull(Desk(ChallengeKey.LoadOrCreate(directory)).VerifyMpp(_payer.Mpp(challenge), Route).Charge);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory, ChallengeKey.FileName)));
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private ChargeDesk Desk(ChallengeKey key) => new(_options, [Payer.Chain], PayTo, key, _time, RandomNumberGenerator.GetBytes);

    private void Refused(string kind, string header)
    {
        var (charge, problem) = _desk.VerifyMpp(header, Route);
        Assert.Null(charge);
        Assert.Equal(kind, problem!.Kind);
    }

    private void RefusedX402(string kind, string header)
    {
        var (charge, problem) = _desk.VerifyX402(header, Route);
        Assert.Null(charge);
        Assert.Equal(kind, problem!.Kind);
    }
}
