using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>Which offer of a 402 answer is taken.</summary>
internal static class Offers
{
    /// <summary>
    /// The first sound offer in a configured token of the price's currency for at most that price, MPP before x402; a refusal
    /// that says why each is none otherwise.
    /// </summary>
    /// <param name="answer">The 402 answer.</param>
    /// <param name="body">The request's body.</param>
    /// <param name="maxPrice">Most that may be paid.</param>
    /// <param name="chains">The configured chains.</param>
    /// <param name="withAuthorization">Whether the request has an <c>Authorization</c> of the caller's, so that no credential can take its place.</param>
    /// <param name="now">The time.</param>
    public static (PaymentOffer? Offer, ChainOptions? Chain, Refusal? Refusal) Choose(
        HttpAnswer answer, byte[] body, Amount maxPrice, IReadOnlyList<ChainOptions> chains, bool withAuthorization, DateTimeOffset now)
    {
        var reasons = new List<string>();
        var tooDear = false;
        foreach (var offer in Read(answer, body, withAuthorization, now, reasons))
        {
            var chain = chains.FirstOrDefault(c => c.ChainId == offer.ChainId);
            var reason = chain is null ? $"Chain {offer.ChainId} is not configured."
                : !chain.Token.Address.Span.SequenceEqual(offer.Token) ? $"The token {Evm.Hex.Of(offer.Token)} is not the one configured for chain {offer.ChainId}."
                : offer.TokenName is { } name && name != chain.Token.Name ? "The token's name is not the configured one."
                : offer.TokenVersion is { } version && version != chain.Token.Version ? "The token's version is not the configured one."
                : chain.Token.Currency != maxPrice.Currency.Code ? $"It is paid in {chain.Token.Currency}, not in {maxPrice.Currency}."
                : null;
            if (reason is null && offer.Micro <= maxPrice.MicroUnits)
            {
                return (offer, chain, null);
            }

            tooDear |= reason is null;
            reasons.Add(reason ?? $"{new Amount(offer.Micro, maxPrice.Currency)} is asked for, and maxPrice is {maxPrice}.");
        }

        var why = reasons.Count > 0 ? string.Join(' ', reasons.Distinct().Take(8)) : "It carries neither an MPP nor an x402 offer.";
        return (null, null, new Refusal(ErrorCodes.PaymentRequired, $"The server wants to be paid. {why} {(tooDear ? "Give a higher maxPrice to pay it." : "Nothing was signed.")}"));
    }

    private static List<PaymentOffer> Read(HttpAnswer answer, byte[] body, bool withAuthorization, DateTimeOffset now, List<string> reasons)
    {
        var offers = new List<PaymentOffer>();
        Try(reasons, () =>
        {
            foreach (var challenge in MppChallenges.Parse(answer.WwwAuthenticate))
            {
                if (withAuthorization && !challenge.ContainsKey("header"))
                {
                    reasons.Add("MPP pays in the header Authorization, which the request has already.");
                }
                else
                {
                    Try(reasons, () => offers.Add(MppChallenges.Read(challenge, body, now)));
                }
            }
        });
        if (answer.Headers.GetValueOrDefault(X402Offers.RequiredHeader.ToLowerInvariant()) is { } required)
        {
            Try(reasons, () =>
            {
                foreach (var (offer, reason) in X402Offers.Read(required, now))
                {
                    if (offer is not null)
                    {
                        offers.Add(offer);
                    }
                    else
                    {
                        reasons.Add(reason!);
                    }
                }
            });
        }

        return offers;
    }

    private static void Try(List<string> reasons, Action read)
    {
        try
        {
            read();
        }
        catch (FormatException e)
        {
            reasons.Add(e.Message);
        }
        catch (InvalidOperationException)
        {
            reasons.Add("A string of the offer has half a surrogate pair.");
        }
    }
}
