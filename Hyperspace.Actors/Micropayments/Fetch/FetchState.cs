using System.Collections.Immutable;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>What became of an authorization. The numbers are journalled.</summary>
internal enum FetchOutcome
{
    /// <summary>It left, or was about to; nobody knows.</summary>
    Unclear = 0,

    /// <summary>The server refused it, and could still hand it in.</summary>
    Refused = 1,

    /// <summary>It was paid.</summary>
    Paid = 2,

    /// <summary>It has ended without having been used.</summary>
    Unused = 3,
}

/// <summary>An authorization and what became of it.</summary>
/// <param name="Signed">As it was signed.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Reference">The server's reference, once paid.</param>
internal sealed record Authorization(FetchEvents.Authorized Signed, FetchOutcome Outcome, string? Reference)
{
    /// <summary>The amount that the session set aside for it.</summary>
    public Amount Amount => new(Signed.Micro, Currency.Parse(Signed.Currency));

    /// <summary>Whether its amount stays set aside.</summary>
    public bool IsOpen => Outcome is FetchOutcome.Unclear or FetchOutcome.Refused;

    /// <summary>When it ends.</summary>
    public DateTimeOffset End => DateTimeOffset.FromUnixTimeSeconds((long)Signed.ValidBefore);

    /// <summary>As callers see it.</summary>
    public FetchReceipt View() => new(Signed.Wire, Signed.ChainId, Evm.Hex.Of(Signed.Payee), Amount, Evm.Hex.Of(Signed.Nonce), End, Reference);
}

/// <summary>How a call goes on.</summary>
internal abstract record FetchDecision
{
    /// <summary>It may ask the server, and sign an authorization of this number.</summary>
    public sealed record Ask(int Number) : FetchDecision;

    /// <summary>It sends this authorization again, and signs none.</summary>
    public sealed record SendAgain(Authorization Authorization) : FetchDecision;

    /// <summary>It goes no further.</summary>
    public sealed record Refuse(Refusal Refusal) : FetchDecision;
}

/// <summary>
/// Paid fetches, pure: per call the authorizations that were signed for it. No second one is signed while a first one's
/// outcome is unclear, and whatever could still be handed in stays set aside.
/// </summary>
internal sealed record FetchState
{
    /// <summary>Most authorizations whose outcome is not known.</summary>
    public const int MaxOpen = 4096;

    /// <summary>Most authorizations that one call gets; each but the last was refused or ended unused.</summary>
    public const int MaxPerCall = 16;

    /// <summary>Most calls whose outcomes are known that are remembered, the oldest being forgotten first.</summary>
    public const int MaxRemembered = 20_000;

    /// <summary>How long they are remembered after their authorizations have ended.</summary>
    private static readonly TimeSpan Retention = TimeSpan.FromDays(1);

    // Looked through once in so many new calls.
    private const int PruneEvery = 256;

    /// <summary>The authorizations of each call, by its key, in their order.</summary>
    public ImmutableDictionary<string, ImmutableList<Authorization>> Calls { get; init; } = ImmutableDictionary<string, ImmutableList<Authorization>>.Empty.WithComparers(StringComparer.Ordinal);

    /// <summary>The nonces of all of them.</summary>
    public ImmutableHashSet<string> Nonces { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>How many are open.</summary>
    public int OpenCount { get; init; }

    /// <summary>Authorizations whose outcome is not known.</summary>
    public IEnumerable<Authorization> Open => Calls.Values.SelectMany(c => c).Where(a => a.IsOpen);

    /// <summary>How a call goes on.</summary>
    public FetchDecision Decide(string key, string fingerprint, DateTimeOffset now)
    {
        var earlier = Calls.GetValueOrDefault(key, []);
        if (earlier.Count == 0)
        {
            return OpenCount >= MaxOpen ? Refuse(ErrorCodes.RateLimited, $"{MaxOpen} payments are unclear already. Wait for some of them to end.") : new FetchDecision.Ask(1);
        }

        if (earlier[0].Signed.Fingerprint != fingerprint)
        {
            return Refuse(ErrorCodes.Conflict, $"The idempotency key '{key}' was used for another request. Use a new one.");
        }

        var last = earlier[^1];
        return last.Outcome switch
        {
            FetchOutcome.Unclear or FetchOutcome.Paid when now < last.End => new FetchDecision.SendAgain(last),
            FetchOutcome.Unclear => Refuse(
                ErrorCodes.PaymentPending, $"The payment of {last.Amount} ended at {last.End:O} and it is not known yet whether it was used. It stays set aside until the chain tells; nothing else is signed before."),
            FetchOutcome.Paid => Refuse(ErrorCodes.AlreadyServed, $"This call was paid ({last.Amount}) and answered before. To pay and call again, use a new idempotency key."),
            _ when earlier.Count >= MaxPerCall => Refuse(ErrorCodes.RateLimited, $"{MaxPerCall} payments for this call were refused or ended. Use a new idempotency key."),
            _ => new FetchDecision.Ask(earlier.Count + 1),
        };
    }

    /// <summary>
    /// True when the event still says something new. An outcome is told once, and a refusal may only turn into paid or unused.
    /// An authorization is signed when the call's earlier ones were refused or ended, and only with a nonce that no other has:
    /// servers are known to give one challenge to two calls, and the token would move once for both.
    /// </summary>
    public bool Accepts(IFetchEvent happened)
    {
        var known = Find(happened.Key, happened.Number);
        var earlier = Calls.GetValueOrDefault(happened.Key, []);
        return happened switch
        {
            FetchEvents.Authorized e => happened.Number == earlier.Count + 1 && earlier.All(a => a.Outcome is FetchOutcome.Refused or FetchOutcome.Unused) && !Nonces.Contains(NonceOf(e)),
            FetchEvents.Refused => known?.Outcome is FetchOutcome.Unclear,
            _ => known?.IsOpen ?? false,
        };
    }

    /// <summary>The state after an event.</summary>
    public FetchState Apply(IFetchEvent happened) => happened switch
    {
        FetchEvents.Authorized e => Pruned(e.AtMs).With(e),
        FetchEvents.Refused => With(happened, FetchOutcome.Refused, null),
        FetchEvents.Paid e => With(happened, FetchOutcome.Paid, e.Reference),
        FetchEvents.Unused => With(happened, FetchOutcome.Unused, null),
        _ => throw new InvalidOperationException($"{happened.GetType().Name} is no event of a fetch."),
    };

    /// <summary>The authorization that a reservation was made for; null when there is none.</summary>
    public Authorization? Find(string key, string reservationId) => Calls.GetValueOrDefault(key)?.Find(a => a.Signed.ReservationId == reservationId);

    /// <summary>An authorization; null when there is none.</summary>
    public Authorization? Find(string key, int number) => Calls.GetValueOrDefault(key) is { } call && number >= 1 && number <= call.Count ? call[number - 1] : null;

    private FetchState With(FetchEvents.Authorized signed) =>
        this with { OpenCount = OpenCount + 1, Nonces = Nonces.Add(NonceOf(signed)), Calls = Calls.SetItem(signed.Key, Calls.GetValueOrDefault(signed.Key, []).Add(new Authorization(signed, FetchOutcome.Unclear, null))) };

    private FetchState With(IFetchEvent happened, FetchOutcome outcome, string? reference)
    {
        var call = Calls[happened.Key];
        return this with
        {
            OpenCount = outcome is FetchOutcome.Paid or FetchOutcome.Unused ? OpenCount - 1 : OpenCount,
            Calls = Calls.SetItem(happened.Key, call.SetItem(happened.Number - 1, call[happened.Number - 1] with { Outcome = outcome, Reference = reference })),
        };
    }

    private FetchState Pruned(long nowMs)
    {
        if (Calls.Count == 0 || Calls.Count % PruneEvery != 0)
        {
            return this;
        }

        var past = DateTimeOffset.FromUnixTimeMilliseconds(nowMs) - Retention;
        var known = Calls.Where(c => c.Value.All(a => !a.IsOpen)).OrderByDescending(c => c.Value[^1].Signed.ValidBefore).ToList();
        var forgotten = known.Where((c, i) => i >= MaxRemembered || c.Value[^1].End < past).ToList();
        return this with { Calls = Calls.RemoveRange(forgotten.Select(c => c.Key)), Nonces = Nonces.Except(forgotten.SelectMany(c => c.Value).Select(a => NonceOf(a.Signed))) };
    }

    internal static string NonceOf(FetchEvents.Authorized signed) => $"{signed.ChainId}:{Convert.ToHexStringLower(signed.Nonce)}";

    private static FetchDecision.Refuse Refuse(string code, string message) => new(new Refusal(code, message));
}

/// <summary>The authorizations as they are written into a snapshot.</summary>
internal sealed record FetchSnapshot(IReadOnlyList<Authorization> Standings)
{
    /// <summary>Of a state.</summary>
    public static FetchSnapshot Of(FetchState state) => new([.. state.Calls.Values.SelectMany(c => c)]);

    /// <summary>The state.</summary>
    public FetchState ToState() => new()
    {
        OpenCount = Standings.Count(a => a.IsOpen),
        Nonces = [.. Standings.Select(a => FetchState.NonceOf(a.Signed))],
        Calls = Standings.GroupBy(a => a.Signed.Key, StringComparer.Ordinal).ToImmutableDictionary(g => g.Key, g => g.OrderBy(a => a.Signed.Number).ToImmutableList(), StringComparer.Ordinal),
    };
}
