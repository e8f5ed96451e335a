using System.Collections.Immutable;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>How far a payment has come on its chain.</summary>
internal enum Settlement
{
    /// <summary>Not there, and it may still come there.</summary>
    Open,

    /// <summary>There.</summary>
    Settled,

    /// <summary>Its transaction failed.</summary>
    Failed,
}

/// <summary>An accepted authorization.</summary>
/// <param name="Authorization">What was signed.</param>
/// <param name="Fingerprint">The request that it paid.</param>
/// <param name="IdempotencyKey">The client's name for the request.</param>
/// <param name="AcceptedAt">When.</param>
internal sealed record ChargePayment(ChargeAuthorization Authorization, string Fingerprint, string? IdempotencyKey, DateTimeOffset AcceptedAt)
{
    public bool IsServed { get; init; }

    public int Status { get; init; }

    public string BodyHash { get; init; } = "";

    public Settlement Settlement { get; init; }

    /// <summary>Settlements that failed so far; each has an intent of its own.</summary>
    public int Attempt { get; init; }

    public ulong Micro => Authorization.Value.MicroUnits;

    /// <summary>Names the wish to settle it.</summary>
    public string IntentId => $"charge-{Authorization.ChainId}-{Authorization.Nonce}" + (Attempt > 0 ? $"-{Attempt}" : "");
}

/// <summary>What follows from a command: the event to journal first, if any, and the reply.</summary>
internal readonly record struct ChargeDecision(object? Event, object Reply);

/// <summary>
/// The charges of one payer in one currency: an authorization counts once, and what is not on chain yet stays within the cap
/// and within what the payer holds. Immutable and pure.
/// </summary>
internal sealed record ChargeState(string PayerKey)
{
    /// <summary>Authorizations that are remembered at most.</summary>
    public const int MaxPayments = 100_000;

    // How often payments that can be used no more are looked for.
    private const int ForgetEvery = 256;

    /// <summary>Longest idempotency key, in characters.</summary>
    public const int MaxIdempotencyKey = 255;

    /// <summary>How far clocks of payer, payee and chain may be apart.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    public ImmutableDictionary<string, ChargePayment> Payments { get; init; } = ImmutableDictionary.Create<string, ChargePayment>(StringComparer.Ordinal);

    /// <summary>Payments by the idempotency key of their request.</summary>
    public RecentRequests<string> Keys { get; init; } = new();

    /// <summary>Of payments that are still open.</summary>
    public ulong UnsettledMicro { get; init; }

    /// <summary>The same by chain and token, without those that have none.</summary>
    public ImmutableDictionary<(ulong ChainId, string Token), ulong> UnsettledOn { get; init; } = ImmutableDictionary<(ulong, string), ulong>.Empty;

    public ulong SettledMicro { get; init; }

    public ulong OwedMicro { get; init; }

    /// <summary>Payments whose service has begun in this process; not journalled, so that a crash lets the payer ask again.</summary>
    public ImmutableHashSet<string> InService { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    private Currency Currency => Currency.Parse(PayerKey[(PayerKey.IndexOf(':', StringComparison.Ordinal) + 1)..]);

    public ChargeDecision Decide(ChargeCommands.Accept accept, PayOptions options, DateTimeOffset now)
    {
        var authorization = accept.Authorization;
        if (accept.IdempotencyKey is { } key && Keys.TryGet(key, out var paidBy) && Payments.TryGetValue(paidBy, out var named))
        {
            return named.Fingerprint == accept.Fingerprint
                ? new ChargeDecision(null, new ChargeAccepted(PayerKey, paidBy, Repeated: true, named.IsServed))
                : Refuse(ErrorCodes.Conflict, "This Idempotency-Key was used for another request; choose a new one. Nothing was charged.");
        }

        if (Payments.TryGetValue(authorization.PaymentId, out var known))
        {
            return known.IsServed || InService.Contains(authorization.PaymentId) || known.Fingerprint != accept.Fingerprint || known.IdempotencyKey != accept.IdempotencyKey
                ? Refuse(ErrorCodes.Conflict, "This credential was used before. It was not charged again; answer a new challenge to pay for another request, and send an Idempotency-Key to be able to ask for a lost response.")
                : new ChargeDecision(null, new ChargeAccepted(PayerKey, authorization.PaymentId, Repeated: true, WasServed: false));
        }

        var micro = authorization.Value.MicroUnits;
        if (authorization.PayerKey != PayerKey || micro is 0 or > Amount.MaxMicroUnits)
        {
            return Refuse(ErrorCodes.InvalidAmount, "The authorization is of another payer, or its amount cannot be counted.");
        }

        if (OwedMicro > 0)
        {
            return Refuse(ErrorCodes.PayerOwes, $"{Micro(OwedMicro)} that this address signed for could not be settled. Fund the address; it is served again once that is settled.");
        }

        if (Payments.Count >= MaxPayments)
        {
            return Refuse(ErrorCodes.RateLimited, $"{Payments.Count} authorizations of this address are remembered, as many as can be; try again when some have run out.");
        }

        // Every term is at most 2^53, so no sum can wrap.
        if (micro + UnsettledMicro > options.MaxUnsettledMicro)
        {
            return Refuse(ErrorCodes.RateLimited, $"This address has {Micro(UnsettledMicro)} that is not settled on chain yet, and may have {Micro(options.MaxUnsettledMicro)}. It is being settled; try again in a minute. Nothing was charged.");
        }

        var open = UnsettledOn.GetValueOrDefault((authorization.ChainId, authorization.Token));
        if (micro + open > accept.Funds.MicroUnits)
        {
            return Refuse(ErrorCodes.PaymentInsufficient, $"The address holds {accept.Funds} on chain {authorization.ChainId}, of which {Micro(open)} is promised already; fund it first. Nothing was charged.");
        }

        var accepted = new ChargeEvents.Accepted(authorization, accept.Fingerprint, accept.IdempotencyKey, now);
        return new ChargeDecision(accepted, new ChargeAccepted(PayerKey, authorization.PaymentId, Repeated: false, WasServed: false));
    }

    public ChargeDecision Decide(ChargeCommands.Served served)
    {
        if (!Payments.TryGetValue(served.PaymentId, out var payment) || payment.IsServed)
        {
            return new ChargeDecision(null, View());
        }

        var happened = new ChargeEvents.Served(served.PaymentId, served.Status, served.BodyHash);
        return new ChargeDecision(happened, Apply(happened).View());
    }

    /// <summary>The event of a settlement's end; null while it has none, or had it before.</summary>
    public object? Decide(string paymentId, Contracts.Chain.ChainIntentView intent)
    {
        if (!Payments.TryGetValue(paymentId, out var payment) || payment.Settlement != Settlement.Open || intent.IntentId != payment.IntentId)
        {
            return null;
        }

        return intent.Status switch
        {
            Contracts.Chain.ChainIntentStatus.Confirmed => new ChargeEvents.Settled(paymentId, intent.TransactionHash ?? "", intent.FeeWei ?? "0"),
            Contracts.Chain.ChainIntentStatus.Reverted or Contracts.Chain.ChainIntentStatus.Rejected => new ChargeEvents.Failed(paymentId, intent.Error ?? intent.Status.ToString()),
            _ => null,
        };
    }

    /// <summary>The payer that owes something asks again: what is still valid is tried again.</summary>
    public IReadOnlyList<ChargeEvents.Retried> Retry(DateTimeOffset now) =>
        [.. Payments.Where(p => p.Value.Settlement == Settlement.Failed && Left(p.Value, now) > ClockSkew).Select(p => new ChargeEvents.Retried(p.Key))];

    /// <summary>
    /// What is to be settled now: everything once it comes to the threshold, and what is old enough or about to run out.
    /// </summary>
    public IReadOnlyList<ChargePayment> Due(PayOptions options, DateTimeOffset now)
    {
        var open = Payments.Values.Where(p => p.Settlement == Settlement.Open);
        return [.. UnsettledMicro >= options.SettleAtMicro ? open : open.Where(p => now - p.AcceptedAt >= options.SettleAfter || Left(p, now) <= options.MinValidity + ClockSkew)];
    }

    public ChargeState Apply(object happened)
    {
        switch (happened)
        {
            case ChargeEvents.Accepted e:
                var id = e.Authorization.PaymentId;
                var state = Forget(e.At);
                return (state with
                {
                    Payments = state.Payments.Add(id, new ChargePayment(e.Authorization, e.Fingerprint, e.IdempotencyKey, e.At)),
                    Keys = e.IdempotencyKey is null ? Keys : Keys.With(e.IdempotencyKey, id),
                }).Opened(e.Authorization);
            case ChargeEvents.Served e:
                return With(e.PaymentId, p => p with { IsServed = true, Status = e.Status, BodyHash = e.BodyHash }) with { InService = InService.Remove(e.PaymentId) };
            case ChargeEvents.Settled e:
                return With(e.PaymentId, p => p with { Settlement = Settlement.Settled }).Closed(Payments[e.PaymentId].Authorization) with { SettledMicro = SettledMicro + Payments[e.PaymentId].Micro };
            case ChargeEvents.Failed e:
                return With(e.PaymentId, p => p with { Settlement = Settlement.Failed }).Closed(Payments[e.PaymentId].Authorization) with { OwedMicro = OwedMicro + Payments[e.PaymentId].Micro };
            case ChargeEvents.Retried e:
                return With(e.PaymentId, p => p with { Settlement = Settlement.Open, Attempt = p.Attempt + 1 }).Opened(Payments[e.PaymentId].Authorization) with { OwedMicro = OwedMicro - Payments[e.PaymentId].Micro };
            default:
                throw new ArgumentException($"{happened.GetType().Name} cannot happen to charges.", nameof(happened));
        }
    }

    public ChargeView View() => new(PayerKey, Payments.Count, Micro(UnsettledMicro), Micro(SettledMicro), Micro(OwedMicro));

    /// <summary>Drops, now and then, what is settled and can be used no more: its nonce is spent on chain, and its time is over.</summary>
    private ChargeState Forget(DateTimeOffset now)
    {
        if (Payments.Count % ForgetEvery != 0)
        {
            return this;
        }

        var over = Payments.Where(p => p.Value.Settlement == Settlement.Settled && Left(p.Value, now) < -ClockSkew).Select(p => p.Key).ToList();
        return over.Count == 0 ? this : this with { Payments = Payments.RemoveRange(over), InService = InService.Except(over) };
    }

    private ChargeState Opened(ChargeAuthorization authorization)
    {
        var (on, micro) = ((authorization.ChainId, authorization.Token), authorization.Value.MicroUnits);
        return this with { UnsettledMicro = UnsettledMicro + micro, UnsettledOn = UnsettledOn.SetItem(on, UnsettledOn.GetValueOrDefault(on) + micro) };
    }

    private ChargeState Closed(ChargeAuthorization authorization)
    {
        var (on, micro) = ((authorization.ChainId, authorization.Token), authorization.Value.MicroUnits);
        var left = UnsettledOn[on] - micro;
        return this with { UnsettledMicro = UnsettledMicro - micro, UnsettledOn = left == 0 ? UnsettledOn.Remove(on) : UnsettledOn.SetItem(on, left) };
    }

    private ChargeState With(string paymentId, Func<ChargePayment, ChargePayment> change) => this with { Payments = Payments.SetItem(paymentId, change(Payments[paymentId])) };

    private static TimeSpan Left(ChargePayment payment, DateTimeOffset now) => DateTimeOffset.FromUnixTimeSeconds((long)payment.Authorization.ValidBefore) - now;

    private Amount Micro(ulong micro) => new(micro, Currency);

    private static ChargeDecision Refuse(string code, string message) => new(null, new Refusal(code, message));
}
