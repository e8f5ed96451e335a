using System.Collections.Immutable;
using System.Numerics;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Actors.Chain;

/// <summary>
/// The transactions that this peer wants, on all chains. An intent gets one nonce for ever: it is journalled with the signed
/// transaction before that is sent, so whatever is lost, repeated or reorganised, it is executed at most once; and it is
/// sent until it is, so in the end it is executed exactly once.
/// </summary>
internal sealed record ChainState
{
    /// <summary>Intents that may wait or be in flight at once.</summary>
    public const int MaxOpen = 1000;

    /// <summary>Transactions in flight at once on one chain; nodes drop more than a few of one account.</summary>
    public const int MaxInFlight = 16;

    private const int MaxIdLength = 160;
    private const int MaxDataBytes = 64 * 1024;

    // A replacement must pay a tenth more to be taken (go-ethereum's price bump); an eighth is asked by others.
    private const int BumpPercent = 25;

    /// <summary>All of them, by id.</summary>
    public ImmutableDictionary<string, ChainIntent> Intents { get; init; } = ImmutableDictionary<string, ChainIntent>.Empty;

    /// <summary>Those that are not final, in the order in which they were submitted.</summary>
    public ImmutableList<string> Open { get; init; } = [];

    /// <summary>The lowest nonce that was never signed with, by chain and sender.</summary>
    public ImmutableDictionary<(ulong ChainId, string From), ulong> NextNonces { get; init; } = ImmutableDictionary<(ulong, string), ulong>.Empty;

    /// <summary>The intent with this id.</summary>
    public ChainIntent? Find(string intentId) => Intents.GetValueOrDefault(intentId);

    /// <summary>Journal this; or nothing when it is there already.</summary>
    public (ChainEvents.Submitted? Event, Refusal? Refusal) Decide(ChainCommands.Submit submit, IChains chains, DateTimeOffset now)
    {
        if (submit.IntentId.Length is 0 or > MaxIdLength)
        {
            return (null, new Refusal(ErrorCodes.InvalidParams, $"An intent's id has 1 to {MaxIdLength} characters."));
        }

        if (!Hex.TryParse(submit.To, out var to) || to.Length != Secp256k1.AddressSize || !Hex.TryParse(submit.Data, out var data) || data.Length > MaxDataBytes)
        {
            return (null, new Refusal(ErrorCodes.InvalidParams, $"A transaction goes to an address (0x and 40 hex digits) with call data (0x and whole bytes, at most {MaxDataBytes})."));
        }

        if (chains.Find(submit.ChainId) is null)
        {
            return (null, ChainRefusals.NotConfigured(submit.ChainId));
        }

        if (Find(submit.IntentId) is { } known)
        {
            return known.Content.Span.SequenceEqual(ContentOf(submit.ChainId, to, data))
                ? (null, null)
                : (null, new Refusal(ErrorCodes.Conflict, $"The intent '{submit.IntentId}' was used for another transaction; give this one an id of its own."));
        }

        return Open.Count >= MaxOpen
            ? (null, new Refusal(ErrorCodes.RateLimited, $"{MaxOpen} transactions wait for their chains already; try again when some are final."))
            : (new ChainEvents.Submitted(submit.IntentId, submit.ChainId, to, data, now), null);
    }

    /// <summary>What to ask a chain's node; null: nothing is open there.</summary>
    public ChainQuestions? Ask(ulong chainId)
    {
        var open = Open.Select(id => Intents[id]).Where(i => i.Wish.ChainId == chainId).ToList();
        var inFlight = open.Where(i => i.IsInFlight).ToList();
        return open.Count == 0 ? null : new ChainQuestions(chainId, inFlight, inFlight.Count < MaxInFlight ? open.Find(i => i.IsWaiting) : null);
    }

    /// <summary>What to do after the node's answers to <see cref="Ask"/>.</summary>
    public ChainDecision Decide(ChainQuestions asked, ChainAnswers answers, ChainOptions chain, IWallet wallet, ChainTimes times, DateTimeOffset now)
    {
        var round = new ChainRound(chain, answers, wallet, times, now);
        var state = this;
        var events = new List<IChainEvent>();
        var send = new List<string>();

        // Answers may come late, after a restart of the actor: what counts is where the intents stand now.
        var inFlight = asked.InFlight.Select(i => Intents[i.Id]).Where(i => i.IsInFlight).ToList();
        var lowest = inFlight.Count == 0 ? null : inFlight.MinBy(i => i.Signed[^1].Nonce);
        foreach (var intent in inFlight)
        {
            var (happened, resend, noticed) = round.Follow(intent, isFirst: ReferenceEquals(intent, lowest));
            state = state with { Intents = state.Intents.SetItem(intent.Id, noticed) };
            if (happened is not null)
            {
                events.Add(happened);
            }

            if (resend)
            {
                send.Add(intent.Id);
            }
        }

        if (answers.Estimate is { } estimate && Find(estimate.IntentId) is { IsWaiting: true } next)
        {
            if (estimate.Gas is { } gas)
            {
                var from = Hex.Of(wallet.Address.Span);
                var nonce = Math.Max(NextNonces.GetValueOrDefault((chain.ChainId, from)), answers.PendingCount);
                events.Add(round.Sign(next, nonce, gas));
                send.Add(next.Id);
            }
            else if (estimate.Revert is not null && !Open.Any(id => Intents[id].IsInFlight && Intents[id].Wish.ChainId == chain.ChainId))
            {
                // With others ahead it may only be too early.
                events.Add(new ChainEvents.Rejected(next.Id, estimate.Revert, now));
            }
            else
            {
                state = state.With(next.Id, i => i with { Trouble = estimate.Trouble });
            }
        }

        return new ChainDecision(events, send, state);
    }

    /// <summary>The state after an event.</summary>
    public ChainState Apply(IChainEvent happened) => happened switch
    {
        ChainEvents.Submitted e => this with
        {
            Intents = Intents.Add(e.IntentId, new ChainIntent(e) { Content = ContentOf(e.ChainId, e.To.Span, e.Data.Span) }),
            Open = Open.Add(e.IntentId),
        },
        ChainEvents.Signed e => With(e.IntentId, i => i with { Signed = i.Signed.Add(e) }) with
        {
            NextNonces = NextNonces.SetItem(
                (Intents[e.IntentId].Wish.ChainId, Hex.Of(e.From.Span)),
                Math.Max(NextNonces.GetValueOrDefault((Intents[e.IntentId].Wish.ChainId, Hex.Of(e.From.Span))), e.Nonce + 1)),
        },
        ChainEvents.Executed e => Close(e.IntentId, i => i with { Executed = e }),
        ChainEvents.Rejected e => Close(e.IntentId, i => i with { RejectedBecause = e.Reason }),
        _ => throw new InvalidOperationException($"{happened.GetType()} is no event of a chain's transactions."),
    };

    /// <summary>The node was handed an intent's newest transaction, or was not.</summary>
    public ChainState Sent(string intentId, DateTimeOffset at, string? trouble) =>
        Find(intentId) is { IsFinal: false } ? With(intentId, i => i with { SentAt = at, Trouble = trouble }) : this;

    /// <summary>The node of this chain could not be asked.</summary>
    public ChainState Troubled(ulong chainId, string trouble) =>
        Open.Where(id => Intents[id].Wish.ChainId == chainId).Aggregate(this, (state, id) => state.With(id, i => i with { Trouble = trouble }));

    /// <summary>Fees of a replacement: at least a quarter above those before.</summary>
    internal static BigInteger Bumped(BigInteger fee) => (fee * (100 + BumpPercent) / 100) + 1;

    private static byte[] ContentOf(ulong chainId, ReadOnlySpan<byte> to, ReadOnlySpan<byte> data) => Keccak256.Hash(Rlp.List(Rlp.Integer(chainId), Rlp.Bytes(to), Rlp.Bytes(data)));

    private ChainState With(string intentId, Func<ChainIntent, ChainIntent> change) => this with { Intents = Intents.SetItem(intentId, change(Intents[intentId])) };

    // What is final is kept for ever under its id, but small.
    private ChainState Close(string intentId, Func<ChainIntent, ChainIntent> change) =>
        With(intentId, i => change(i) with { Wish = i.Wish with { Data = default }, Signed = [], Trouble = null }) with { Open = Open.Remove(intentId) };
}

/// <summary>Refusals of more than one room.</summary>
internal static class ChainRefusals
{
    /// <summary>This peer is not set up for the chain.</summary>
    public static Refusal NotConfigured(ulong chainId) => new(
        ErrorCodes.ChainNotConfigured,
        $"This peer is not set up for chain {chainId}. Describe it in chains.json in the data directory, or in a file given by 'start --chains FILE', and start the peer again.");
}
