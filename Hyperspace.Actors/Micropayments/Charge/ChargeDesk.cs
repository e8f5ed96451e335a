using System.Buffers.Text;
using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.X402;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>What is for sale at a URL.</summary>
/// <param name="Path">Path and query below the public address, which credentials are bound to.</param>
/// <param name="Price">What a request costs.</param>
/// <param name="Description">For people.</param>
/// <param name="Digest">Digest of the request's body (RFC 9530), which MPP credentials are bound to; null when it has none.</param>
internal sealed record ChargeRoute(string Path, Amount Price, string Description, string? Digest);

/// <summary>A credential that holds: the authorization, and by which wire it came.</summary>
/// <param name="Authorization">What was signed.</param>
/// <param name="IsX402">True for x402, false for MPP.</param>
internal sealed record VerifiedCharge(ChargeAuthorization Authorization, bool IsX402);

/// <summary>What a 402 response carries: the values of <c>WWW-Authenticate</c> and of <c>PAYMENT-REQUIRED</c>.</summary>
internal sealed record ChargeChallenge(IReadOnlyList<string> Mpp, string X402);

/// <summary>
/// Asks for payment and checks what comes back, by MPP <c>evm/charge</c> and x402 <c>exact</c> alike. Keeps nothing: challenges
/// are known again by their id, and whether an authorization was used before is for <see cref="ChargeState"/> to say. Verifying
/// asks no one. Safe for concurrent use.
/// </summary>
internal sealed class ChargeDesk(PayOptions options, IReadOnlyList<ChainOptions> chains, ReadOnlyMemory<byte> payTo, ChallengeKey key, TimeProvider time, Func<int, byte[]> random)
{
    private const int NonceSize = 16;
    private readonly Uri _url = options.PublicUrl ?? new Uri($"http://{options.Listen}");

    private readonly Dictionary<ulong, (ChainOptions Chain, TokenDomain Domain)> _chains = chains.ToDictionary(
        chain => chain.ChainId,
        chain => (chain, new TokenDomain(chain.Token.Name, chain.Token.Version, chain.ChainId, chain.Token.Address.Span)));

    /// <summary>What clients see as the realm.</summary>
    public string Realm => _url.Authority;

    /// <summary>True when a chain's token has the currency.</summary>
    public bool Takes(Currency currency) => ChainsFor(currency).Any();

    /// <summary>Fresh challenges for a route, one for each chain; no two are alike.</summary>
    public ChargeChallenge Ask(ChargeRoute route, string error)
    {
        var expires = MppReceipt.Rfc3339(time.GetUtcNow() + options.ChallengeLifetime);
        var opaque = CanonicalJson.ToBase64Url(new JsonObject { ["nonce"] = Base64Url.EncodeToString(random(NonceSize)), ["resource"] = route.Path });
        var units = route.Price.MicroUnits;
        return new ChargeChallenge(
            [.. ChainsFor(route.Price.Currency).Select(chain => key.Issue(new MppChallenge("", Realm, EvmCharge.Method, EvmCharge.Intent, RequestOf(chain, units))
            {
                Description = route.Description,
                Digest = route.Digest,
                Expires = expires,
                Opaque = opaque,
            }).ToHeader())],
            new X402PaymentRequired(UrlOf(route), route.Description, error, [.. ChainsFor(route.Price.Currency).Select(chain => RequirementsOf(chain, units))]).ToHeader());
    }

    /// <summary>Checks an MPP credential (<c>Authorization: Payment …</c>) for a route.</summary>
    public (VerifiedCharge? Charge, PaymentProblem? Problem) VerifyMpp(string header, ChargeRoute route)
    {
        if (MppCredential.Read(header) is not { } credential)
        {
            return Not(PaymentProblem.Malformed("The credential is not base64url of {challenge, payload}; echo the challenge's parameters as strings, just as they came."));
        }

        var challenge = credential.Challenge;
        if (challenge.Method != EvmCharge.Method || challenge.Intent != EvmCharge.Intent)
        {
            return Not(PaymentProblem.Unsupported("This resource is paid by evm/charge."));
        }

        if (!key.IsOwn(challenge))
        {
            return Not(PaymentProblem.InvalidChallenge("This peer did not issue the challenge; answer the one of this response, unchanged."));
        }

        // The id holds, so the members below are those that were issued.
        if (JsonText.Of(CanonicalJson.FromBase64Url(challenge.Opaque ?? "") ?? [], "resource") != route.Path || challenge.Digest != route.Digest || challenge.Realm != Realm)
        {
            return Not(PaymentProblem.InvalidChallenge("The challenge was issued for another request; answer the one of this response."));
        }

        var request = CanonicalJson.FromBase64Url(challenge.Request);
        if (request?["methodDetails"] is not JsonObject details || JsonText.NumberOf(details, "chainId") is not { } chainId
            || !_chains.TryGetValue(chainId, out var on) || on.Chain.Token.Currency != route.Price.Currency.Code || challenge.Request != RequestOf(on.Chain, route.Price.MicroUnits))
        {
            return Not(PaymentProblem.InvalidChallenge("The price or the way to pay has changed since the challenge; answer the one of this response."));
        }

        if (EvmCharge.ReadPayload(credential.Payload) is not { } transfer)
        {
            return Not(PaymentProblem.Malformed("The payload is no authorization: type, from, to, value, validAfter, validBefore, nonce and a signature of 65 bytes, integers as plain decimal digits."));
        }

        if (credential.Source is { } source && !source.Equals(EvmText.Source(chainId, transfer.Authorization.From.Span), StringComparison.OrdinalIgnoreCase))
        {
            return Not(PaymentProblem.NotVerified("The source is another address than the one that signs."));
        }

        if (!transfer.Authorization.Nonce.Span.SequenceEqual(EvmCharge.NonceOf(challenge)))
        {
            return Not(PaymentProblem.NotVerified("The nonce is not keccak256 of the challenge's id and realm."));
        }

        if (!DateTimeOffset.TryParse(challenge.Expires, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var expires)
            || transfer.Authorization.ValidBefore != (ulong)expires.ToUnixTimeSeconds())
        {
            return Not(PaymentProblem.NotVerified("validBefore is not the second at which the challenge expires."));
        }

        return Verify(transfer, on.Chain, on.Domain, route, isX402: false);
    }

    /// <summary>Checks an x402 payment (<c>PAYMENT-SIGNATURE</c>) for a route.</summary>
    public (VerifiedCharge? Charge, PaymentProblem? Problem) VerifyX402(string header, ChargeRoute route)
    {
        if (X402Payment.Read(header) is not { } payment)
        {
            return Not(PaymentProblem.Malformed("The payment is not base64 of {x402Version: 2, resource, accepted, payload}, or its authorization is not in strict form: integers as plain decimal digits, a signature of 65 bytes."));
        }

        if (payment.Url != UrlOf(route))
        {
            return Not(PaymentProblem.InvalidChallenge("The payment is for another resource; pay for the one of this response."));
        }

        return !_chains.TryGetValue(payment.Accepted.ChainId, out var on) || on.Chain.Token.Currency != route.Price.Currency.Code || !payment.Accepted.Equals(RequirementsOf(on.Chain, route.Price.MicroUnits))
            ? Not(PaymentProblem.InvalidChallenge("What was accepted is not among the ways to pay; choose one of this response."))
            : Verify(payment.Transfer, on.Chain, on.Domain, route, isX402: true);
    }

    /// <summary>Whether the authorization pays the price here, can be settled in time, and is signed by whom it names.</summary>
    private (VerifiedCharge? Charge, PaymentProblem? Problem) Verify(SignedTransfer transfer, ChainOptions chain, TokenDomain domain, ChargeRoute route, bool isX402)
    {
        var (authorization, now) = (transfer.Authorization, time.GetUtcNow());
        var (least, most) = (now + options.MinValidity, now + options.ChallengeLifetime + ChargeState.ClockSkew);
        return authorization switch
        {
            _ when !authorization.To.Span.SequenceEqual(payTo.Span) => Not(PaymentProblem.NotVerified("The authorization pays another address than the one asked for.")),
            _ when authorization.Value != route.Price.MicroUnits => Not(PaymentProblem.Insufficient($"The authorization is over {authorization.Value} token units; the price is {route.Price.MicroUnits}, neither less nor more.")),
            _ when authorization.ValidAfter > (ulong)(now + ChargeState.ClockSkew).ToUnixTimeSeconds() => Not(PaymentProblem.NotVerified("The authorization is not valid yet; check the clock.")),
            _ when authorization.ValidBefore < (ulong)least.ToUnixTimeSeconds() =>
                Not(PaymentProblem.Expired($"The authorization has to be valid for {options.MinValidity.TotalSeconds:0} seconds more, so that it can be settled; answer a fresh challenge.")),
            _ when authorization.ValidBefore > (ulong)most.ToUnixTimeSeconds() => Not(PaymentProblem.NotVerified($"The authorization is valid for longer than {options.ChallengeLifetime.TotalSeconds:0} seconds.")),
            _ when !authorization.IsSigned(domain, transfer.Signature.Span) =>
                Not(PaymentProblem.NotVerified($"The signature is not the payer's over this authorization, in the token's domain ({chain.Token.Name}, version {chain.Token.Version}, chain {chain.ChainId}); 65 bytes, low s, v 27 or 28.")),
            _ => (new VerifiedCharge(
                new ChargeAuthorization(
                    chain.ChainId,
                    EvmText.Of(chain.Token.Address.Span),
                    EvmText.Of(authorization.From.Span),
                    EvmText.Of(authorization.To.Span),
                    route.Price,
                    authorization.ValidAfter,
                    authorization.ValidBefore,
                    EvmText.Of(authorization.Nonce.Span),
                    EvmText.Of(transfer.Signature.Span)),
                isX402), null),
        };
    }

    private IEnumerable<ChainOptions> ChainsFor(Currency currency) => chains.Where(chain => chain.Token.Currency == currency.Code);

    private string UrlOf(ChargeRoute route) => new Uri(_url, route.Path).AbsoluteUri;

    private string RequestOf(ChainOptions chain, ulong units) => CanonicalJson.ToBase64Url(EvmCharge.Request(chain.ChainId, chain.Token.Address.Span, payTo.Span, units));

    private X402Requirements RequirementsOf(ChainOptions chain, ulong units) =>
        new(chain.ChainId, units, chain.Token.Address, payTo, (ulong)options.ChallengeLifetime.TotalSeconds, chain.Token.Name, chain.Token.Version);

    private static (VerifiedCharge?, PaymentProblem?) Not(PaymentProblem problem) => (null, problem);
}
