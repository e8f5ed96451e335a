using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What happened on the payer's side of a channel.</summary>
internal static class PayerChannelEvents
{
    /// <summary>The payee will be asked to open a channel on these terms.</summary>
    public sealed record Proposed(string PayeePeerId, ChannelTerms Terms);

    /// <summary>The payee has opened it.</summary>
    public sealed record Confirmed;

    /// <summary>The payee will not open it; nothing was signed.</summary>
    public sealed record Withdrawn;

    /// <summary>A voucher may leave from now on: the liability of this peer.</summary>
    public sealed record VoucherIssued(string RequestId, ulong PriceMicro, ulong CumulativeMicro);

    /// <summary>It is known what became of the voucher in flight.</summary>
    /// <param name="RequestId">The request that it pays.</param>
    /// <param name="Accepted">Whether it counts.</param>
    /// <param name="HeldMicro">What the payee says it has accepted in all, when that is more than follows from <paramref name="Accepted"/> and was signed; else 0.</param>
    public sealed record Resolved(string RequestId, bool Accepted, ulong HeldMicro = 0);
}

/// <summary>A request whose payment came to an end.</summary>
/// <param name="PriceMicro">What it cost.</param>
/// <param name="CumulativeMicro">What its voucher signed.</param>
/// <param name="Accepted">Whether the payee took it.</param>
/// <param name="Channel">How many channels there had been before the one that it was paid over.</param>
internal sealed record PayerRequest(ulong PriceMicro, ulong CumulativeMicro, bool Accepted, int Channel = 0);

/// <summary>A channel whose deposit was used up, so that another one followed it.</summary>
internal sealed record UsedChannel(ChannelTerms Terms, ulong SignedMicro, ulong AcceptedMicro, long Vouchers);

/// <summary>What is to be done about a <see cref="PayerChannelCommands.Pay"/>.</summary>
internal abstract record PayDecision
{
    /// <summary>Journal the event, then hand the voucher out.</summary>
    public sealed record Issue(PayerChannelEvents.VoucherIssued Event) : PayDecision;

    /// <summary>Hand the same voucher out again.</summary>
    public sealed record Again(ulong PriceMicro, ulong CumulativeMicro) : PayDecision;

    /// <summary>Another voucher is in flight: wait for its end.</summary>
    public sealed record Wait : PayDecision;

    /// <summary>The channel must be opened first; the terms that were proposed before are proposed again.</summary>
    public sealed record Open(bool ProposeAnew) : PayDecision;

    /// <summary>No.</summary>
    public sealed record Refuse(Refusal Refusal) : PayDecision;
}

/// <summary>
/// The payer's side of one channel. One voucher is in flight at a time and signs what the payee has accepted plus the
/// price, so whatever a payee keeps, it never holds more than the highest voucher. Immutable and pure.
/// </summary>
internal sealed record PayerChannelState(string ChannelKey)
{
    // One may be a disk that came back older than it was; two are a payee that cannot be trusted.
    private const int MaxContradictions = 1;

    public string? PayeePeerId { get; init; }

    public ChannelTerms? Terms { get; init; }

    public bool IsOpen { get; init; }

    public ulong SignedMicro { get; init; }

    public ulong AcceptedMicro { get; init; }

    public long Vouchers { get; init; }

    public PayerChannelEvents.VoucherIssued? InFlight { get; init; }

    public RecentRequests<PayerRequest> Requests { get; init; } = new();

    /// <summary>The channels before this one, oldest first.</summary>
    public ImmutableList<UsedChannel> Used { get; init; } = [];

    /// <summary>How often the payee turned out to hold a voucher that it had called refused.</summary>
    public int Contradictions { get; init; }

    private Currency Currency => Terms is not null ? Currency.Parse(Terms.Currency) : CurrencyOf(ChannelKey);

    /// <summary>
    /// Terms to propose to a payee: its own, a fresh 32-byte salt, and a deposit of <paramref name="depositMicro"/>, or the price
    /// when that is more, within what is left of its credit limit.
    /// </summary>
    public PayerChannelEvents.Proposed Propose(PayerChannelCommands.Pay pay, ReadOnlySpan<byte> payer, ReadOnlySpan<byte> salt, ulong depositMicro) =>
        new(pay.PayeePeerId, new ChannelTerms
        {
            Payer = ByteString.CopyFrom(payer),
            Payee = pay.Terms.Payee,
            Token = pay.Terms.Token,
            Salt = ByteString.CopyFrom(salt),
            AuthorizedSigner = ByteString.CopyFrom(new byte[Secp256k1.AddressSize]),
            Escrow = pay.Terms.Escrow,
            ChainId = pay.Terms.ChainId,
            DepositMicro = Math.Min(Math.Max(depositMicro, pay.Price.MicroUnits), CreditLeftMicro(pay.Terms)),
            Currency = pay.Terms.Currency,
        });

    public PayDecision Decide(PayerChannelCommands.Pay pay)
    {
        if (Check(pay) is { } refusal)
        {
            return new PayDecision.Refuse(refusal);
        }

        if (InFlight is { } flying && flying.RequestId == pay.RequestId)
        {
            return SamePrice(pay, flying.PriceMicro, flying.CumulativeMicro);
        }

        // A refused request never counted, so it may be paid for anew.
        if (Requests.TryGet(pay.RequestId, out var ended) && ended.Accepted)
        {
            return ended.Channel != Used.Count
                ? Refuse(ErrorCodes.Conflict, $"The request {pay.RequestId} was paid over an earlier channel. Use a new request id for another payment.")
                : SamePrice(pay, ended.PriceMicro, ended.CumulativeMicro);
        }

        if (InFlight is not null)
        {
            return new PayDecision.Wait();
        }

        var sameTerms = Terms is not null && Terms.Payee.Equals(pay.Terms.Payee) && Terms.Token.Equals(pay.Terms.Token)
            && Terms.Escrow.Equals(pay.Terms.Escrow) && Terms.ChainId == pay.Terms.ChainId;
        if (Contradictions > MaxContradictions)
        {
            return Refuse(ErrorCodes.ChannelRefused, "This payee has more than once called a voucher refused and kept it, so nothing more is signed for it. Use another provider.");
        }

        if (!IsOpen)
        {
            return pay.Price.MicroUnits > CreditLeftMicro(pay.Terms)
                ? OverCredit(pay)
                : new PayDecision.Open(ProposeAnew: !sameTerms || pay.Price.MicroUnits > Terms!.DepositMicro);
        }

        if (!sameTerms)
        {
            return Refuse(ErrorCodes.ChannelRefused, "The payee's terms (wallet, token, escrow or chain) are not those of the open channel. Discover the peer again; if it has changed them, it cannot be paid over this channel.");
        }

        if (pay.Price.MicroUnits <= Terms!.DepositMicro - AcceptedMicro)
        {
            return new PayDecision.Issue(new PayerChannelEvents.VoucherIssued(pay.RequestId, pay.Price.MicroUnits, AcceptedMicro + pay.Price.MicroUnits));
        }

        return pay.Price.MicroUnits > CreditLeftMicro(pay.Terms) ? OverCredit(pay) : new PayDecision.Open(ProposeAnew: true);
    }

    /// <summary>What became of a request as far as this side knows; null when only the payee can tell.</summary>
    public PaymentSettled? OutcomeOf(string requestId)
    {
        if (InFlight?.RequestId == requestId)
        {
            return null;
        }

        return Requests.TryGet(requestId, out var ended)
            ? Outcome(requestId, ended.Accepted, ended.PriceMicro)
            : Requests.Forgot ? null : Outcome(requestId, accepted: false, 0);
    }

    /// <summary>The event that ends the voucher in flight, if it is this request's.</summary>
    public PayerChannelEvents.Resolved? Resolve(string requestId, bool accepted) =>
        InFlight?.RequestId == requestId ? new PayerChannelEvents.Resolved(requestId, accepted) : null;

    /// <summary>
    /// As above, by the payee's standing. A payee that has accepted as much as the voucher in flight signs holds its money,
    /// whatever it says of the request: it counts as paid, so that sessions never have spent less than is owed.
    /// </summary>
    public PayerChannelEvents.Resolved? Resolve(string requestId, ChannelStanding standing)
    {
        if (InFlight is not { } flying || flying.RequestId != requestId)
        {
            return null;
        }

        var held = standing.Known && standing.AcceptedMicro <= SignedMicro ? standing.AcceptedMicro : 0;
        var accepted = (standing.Known && standing.RequestPaid) || held >= flying.CumulativeMicro;
        return new PayerChannelEvents.Resolved(requestId, accepted, held > (accepted ? flying.CumulativeMicro : AcceptedMicro) ? held : 0);
    }

    public PayerChannelState Apply(object happened) => happened switch
    {
        PayerChannelEvents.Proposed e when IsOpen => this with
        {
            PayeePeerId = e.PayeePeerId,
            Terms = e.Terms,
            IsOpen = false,
            Used = Used.Add(new UsedChannel(Terms!, SignedMicro, AcceptedMicro, Vouchers)),
            SignedMicro = 0,
            AcceptedMicro = 0,
            Vouchers = 0,
        },
        PayerChannelEvents.Proposed e => this with { PayeePeerId = e.PayeePeerId, Terms = e.Terms },
        PayerChannelEvents.Confirmed => this with { IsOpen = true },
        PayerChannelEvents.Withdrawn when Used is [.., var last] => this with
        {
            Terms = last.Terms,
            IsOpen = true,
            Used = Used.RemoveAt(Used.Count - 1),
            SignedMicro = last.SignedMicro,
            AcceptedMicro = last.AcceptedMicro,
            Vouchers = last.Vouchers,
        },
        PayerChannelEvents.Withdrawn => this with { PayeePeerId = null, Terms = null },
        PayerChannelEvents.VoucherIssued e => this with { InFlight = e, SignedMicro = Math.Max(SignedMicro, e.CumulativeMicro), Vouchers = Vouchers + 1 },
        PayerChannelEvents.Resolved e when InFlight?.RequestId == e.RequestId => this with
        {
            InFlight = null,
            AcceptedMicro = Math.Max(e.HeldMicro, e.Accepted ? InFlight.CumulativeMicro : AcceptedMicro),
            Contradictions = Contradictions + (e.HeldMicro > 0 ? 1 : 0),
            Requests = Requests.With(e.RequestId, new PayerRequest(InFlight.PriceMicro, InFlight.CumulativeMicro, e.Accepted, Used.Count)),
        },
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to a payer's channel now.", nameof(happened)),
    };

    public PayerChannelView View() => new(
        ChannelKey, Terms is null ? null : ChannelIds.ToText(ChannelIds.Of(Terms)), PayeePeerId,
        Micro(Terms?.DepositMicro ?? 0), Micro(SignedMicro), Micro(AcceptedMicro), InFlight is not null, Vouchers);

    public PayerChannelHistory History() => new([
        .. Used.Select(used => new PayerChannelView(
            ChannelKey, ChannelIds.ToText(ChannelIds.Of(used.Terms)), PayeePeerId, Micro(used.Terms.DepositMicro), Micro(used.SignedMicro), Micro(used.AcceptedMicro), false, used.Vouchers)),
        View(),
    ]);

    /// <summary>Credit of the payee that no channel's deposit has taken; it counts deposits, used or not.</summary>
    private ulong CreditLeftMicro(PaymentTerms terms)
    {
        var taken = Used.Aggregate(IsOpen ? Terms!.DepositMicro : 0, (sum, used) => sum + used.Terms.DepositMicro);
        return terms.MaxCreditMicro - Math.Min(taken, terms.MaxCreditMicro);
    }

    private PayDecision.Refuse OverCredit(PayerChannelCommands.Pay pay)
    {
        var left = IsOpen ? Terms!.DepositMicro - AcceptedMicro : 0;
        return Refuse(
            ErrorCodes.PaymentOverDeposit,
            $"The request costs {pay.Price}; the open channel has {Micro(left)} left, and the payee gives this peer {Micro(CreditLeftMicro(pay.Terms))} more credit of {Micro(pay.Terms.MaxCreditMicro)} in all. "
            + "Ask the payee to start its peer with a larger --max-credit and discover it again, or use another provider.");
    }

    private PaymentSettled Outcome(string requestId, bool accepted, ulong priceMicro) =>
        new(ChannelKey, requestId, accepted ? PaymentOutcome.Accepted : PaymentOutcome.Refused, Micro(accepted ? priceMicro : 0));

    private static Currency CurrencyOf(string channelKey) =>
        Currency.TryParse(channelKey[(channelKey.LastIndexOf(':') + 1)..], out var currency) ? currency.Value : Currency.Usdc;

    private static PayDecision SamePrice(PayerChannelCommands.Pay pay, ulong priceMicro, ulong cumulativeMicro) => pay.Price.MicroUnits == priceMicro
        ? new PayDecision.Again(priceMicro, cumulativeMicro)
        : Refuse(ErrorCodes.Conflict, $"The request {pay.RequestId} has a voucher over another price. Use a new request id for another payment.");

    private Refusal? Check(PayerChannelCommands.Pay pay)
    {
        if (pay.RequestId.Length is 0 or > ChannelLimits.MaxRequestId)
        {
            return new Refusal(ErrorCodes.InvalidParams, $"A request id has 1 to {ChannelLimits.MaxRequestId} characters.");
        }

        if (pay.Price.IsZero)
        {
            return new Refusal(ErrorCodes.InvalidAmount, "There is nothing to pay for a price of zero; call without a voucher.");
        }

        if (pay.ChannelKey != ChannelKey || ChannelKey != $"{pay.PayeePeerId}:{pay.Price.Currency}")
        {
            return new Refusal(ErrorCodes.InvalidParams, "The channel's key is {payeePeerId}:{currency} of the price.");
        }

        if (pay.Terms.Currency != pay.Price.Currency.Code)
        {
            return new Refusal(ErrorCodes.ChannelRefused, $"The payee takes {pay.Terms.Currency}, not {pay.Price.Currency}.");
        }

        if (pay.Terms.Payee.Length != Secp256k1.AddressSize || pay.Terms.Token.Length != Secp256k1.AddressSize || pay.Terms.Escrow.Length != Secp256k1.AddressSize)
        {
            return new Refusal(ErrorCodes.ChannelRefused, "The payee's terms are damaged: an address has 20 bytes. Discover the peer again.");
        }

        // Once the channel is open, its payee is fixed and was proven.
        if (IsOpen)
        {
            return null;
        }

        return IdentityBindings.Verify(pay.PayeeBinding, out var reason) is { } bound
            && bound.Peer.ToString() == pay.PayeePeerId
            && bound.Address.Span.SequenceEqual(pay.Terms.Payee.Span)
            ? null
            : new Refusal(ErrorCodes.ChannelRefused, $"The wallet in the terms is not proven to be the payee's{(reason.Length > 0 ? ": " + reason : "")}. Nothing was signed; discover the peer again.");
    }

    private static PayDecision.Refuse Refuse(string code, string message) => new(new Refusal(code, message));

    private Amount Micro(ulong micro) => new(micro, Currency);
}
