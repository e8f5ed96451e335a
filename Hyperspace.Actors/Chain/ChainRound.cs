using System.Numerics;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Actors.Chain;

/// <summary>One look at a chain: what it says of each intent in flight.</summary>
internal sealed class ChainRound(ChainOptions chain, ChainAnswers answers, IWallet wallet, ChainTimes times, DateTimeOffset now)
{
    // More would only swell the journal; the last one is sent on and on.
    private const int MaxReplacements = 20;

    /// <summary>What happened to an intent in flight, whether its newest transaction is to be sent, and the intent with what was noticed.</summary>
    /// <param name="intent">The intent.</param>
    /// <param name="isFirst">It has the lowest nonce: the others wait for it, so it alone is worth a higher fee.</param>
    public (IChainEvent? Happened, bool Send, ChainIntent Noticed) Follow(ChainIntent intent, bool isFirst)
    {
        var newest = intent.Signed[^1];
        if (answers.Sightings.TryGetValue(intent.Id, out var seen))
        {
            var noticed = intent with { CrowdedOutSince = null, Trouble = null };
            return IsDeep(seen) ? (Executed(intent, seen), false, noticed) : (null, false, noticed);
        }

        if (answers.LatestCount > newest.Nonce && newest.From.Span.SequenceEqual(wallet.Address.Span))
        {
            // The node may lag behind itself, or the chain be about to take it back: only blocks on end are believed.
            var since = Math.Min(intent.CrowdedOutSince ?? answers.Head, answers.Head);
            var noticed = intent with { CrowdedOutSince = since };
            return answers.Head - since >= times.CrowdedOutBlocks + (ulong)chain.Confirmations
                ? (new ChainEvents.Rejected(intent.Id, $"Another program used nonce {newest.Nonce} of this peer's wallet; nothing of this was executed.", now), false, noticed)
                : (null, false, noticed);
        }

        intent = intent with { CrowdedOutSince = null };
        if (isFirst && now - newest.At >= times.BumpAfter && Replace(intent) is { } replacement)
        {
            return (replacement, true, intent);
        }

        return (null, intent.SentAt is not { } sent || now - sent >= times.ResendAfter, intent);
    }

    /// <summary>Signs the first transaction of an intent.</summary>
    public ChainEvents.Signed Sign(ChainIntent intent, ulong nonce, ulong gas)
    {
        var priority = BigInteger.Min(answers.Price.PriorityFee, chain.MaxFeePerGasWei);
        return Sign(intent, nonce, MaxFee(priority), priority, gas + (gas / 4));
    }

    private ChainEvents.Signed? Replace(ChainIntent intent)
    {
        var newest = intent.Signed[^1];
        var priority = BigInteger.Max(answers.Price.PriorityFee, ChainState.Bumped(newest.PriorityFee));
        var max = BigInteger.Max(MaxFee(priority), ChainState.Bumped(newest.MaxFee));
        return intent.Signed.Count > MaxReplacements || max > chain.MaxFeePerGasWei || priority > max || !newest.From.Span.SequenceEqual(wallet.Address.Span)
            ? null
            : Sign(intent, newest.Nonce, max, priority, newest.GasLimit);
    }

    private BigInteger MaxFee(BigInteger priority) => BigInteger.Min((2 * answers.Price.BaseFee) + priority, chain.MaxFeePerGasWei);

    private ChainEvents.Signed Sign(ChainIntent intent, ulong nonce, BigInteger maxFee, BigInteger priority, ulong gasLimit)
    {
        var signed = new Eip1559Transaction(chain.ChainId, nonce, priority, maxFee, gasLimit, intent.Wish.To, intent.Wish.Data).Sign(wallet);
        return new ChainEvents.Signed(intent.Id, wallet.Address, nonce, maxFee, priority, gasLimit, signed.Raw, signed.Hash, now);
    }

    private bool IsDeep(Sighting seen) => seen.IsCanonical && answers.Head >= seen.Receipt.BlockNumber && answers.Head - seen.Receipt.BlockNumber >= (ulong)chain.Confirmations;

    private ChainEvents.Executed Executed(ChainIntent intent, Sighting seen) => new(
        intent.Id, seen.Hash, seen.Receipt.Succeeded, seen.Receipt.BlockNumber, seen.Receipt.BlockHash, seen.Receipt.GasUsed, seen.Receipt.GasUsed * seen.Receipt.EffectiveGasPrice, now);
}
