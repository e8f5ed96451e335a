using System.Numerics;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;

namespace Hyperspace.Tests.Chain;

/// <summary>
/// A chain with one account, in memory: a mempool that replaces only for a tenth more and forgets what it likes, blocks, and
/// reorganisations.
/// </summary>
internal sealed class ModelChain
{
    private readonly Dictionary<string, ChainEvents.Signed> _signed = [];
    private readonly SortedDictionary<ulong, ChainEvents.Signed> _mempool = [];
    private readonly List<(byte[] Hash, List<ChainEvents.Signed> Transactions)> _blocks = [(Keccak256.Hash("genesis"u8), [])];
    private int _mined;

    public ulong Head => (ulong)_blocks.Count - 1;

    public ulong LatestCount => (ulong)_blocks.Sum(b => b.Transactions.Count);

    public ulong PendingCount
    {
        get
        {
            var count = LatestCount;
            while (_mempool.ContainsKey(count))
            {
                count++;
            }

            return count;
        }
    }

    /// <summary>What was executed, and is not taken back.</summary>
    public IEnumerable<ChainEvents.Signed> Executed => _blocks.SelectMany(b => b.Transactions);

    /// <summary>Only what was journalled may be sent.</summary>
    public void Journalled(ChainEvents.Signed signed) => _signed[Hex.Of(signed.Raw.Span)] = signed;

    /// <summary>What a node does with a raw transaction; an error, or null.</summary>
    public string? Send(ReadOnlyMemory<byte> raw)
    {
        Assert.True(_signed.TryGetValue(Hex.Of(raw.Span), out var transaction), "A transaction was sent before it was journalled.");
        if (transaction!.Nonce < LatestCount)
        {
            return "nonce too low";
        }

        if (_mempool.TryGetValue(transaction.Nonce, out var there))
        {
            if (there.Hash.Span.SequenceEqual(transaction.Hash.Span))
            {
                return "already known";
            }

            if (transaction.MaxFee * 10 < there.MaxFee * 11 || transaction.PriorityFee * 10 < there.PriorityFee * 11)
            {
                return "replacement transaction underpriced";
            }
        }

        _mempool[transaction.Nonce] = transaction;
        return null;
    }

    public void Mine(int transactions)
    {
        var block = new List<ChainEvents.Signed>();
        for (var next = LatestCount; block.Count < transactions && _mempool.Remove(next, out var transaction); next++)
        {
            block.Add(transaction);
        }

        _blocks.Add((Keccak256.Hash(BitConverter.GetBytes(++_mined)), block));
    }

    /// <summary>Takes the last blocks back; what was in them waits again, or is forgotten. Other blocks come in their place.</summary>
    public void Reorganise(int depth, Func<bool> forgets)
    {
        depth = Math.Min(depth, _blocks.Count - 1);
        var taken = _blocks.TakeLast(depth).SelectMany(b => b.Transactions).ToList();
        _blocks.RemoveRange(_blocks.Count - depth, depth);
        foreach (var transaction in taken.Where(_ => !forgets()))
        {
            _mempool.TryAdd(transaction.Nonce, transaction);
        }

        for (var i = 0; i < depth; i++)
        {
            Mine(0);
        }
    }

    public void Forget(int which)
    {
        if (_mempool.Count > 0)
        {
            _mempool.Remove(_mempool.Keys.ElementAt(which % _mempool.Count));
        }
    }

    /// <summary>What a node answers.</summary>
    public ChainAnswers Answer(ChainQuestions questions, GasPrice price, Func<ChainIntent, string?> revert)
    {
        var sightings = new Dictionary<string, Sighting>();
        foreach (var intent in questions.InFlight)
        {
            for (var height = 0; height < _blocks.Count; height++)
            {
                if (_blocks[height].Transactions.Find(t => t.IntentId == intent.Id) is { } found)
                {
                    sightings[intent.Id] = new Sighting(found.Hash, new EvmReceipt((ulong)height, _blocks[height].Hash, true, 50_000, found.PriorityFee, null), true);
                }
            }
        }

        var estimate = questions.Next is { } next ? revert(next) is { } reason ? new GasEstimate(next.Id, null, reason) : new GasEstimate(next.Id, 50_000) : null;
        return new ChainAnswers(Head, LatestCount, PendingCount, price, sightings, estimate);
    }
}

/// <summary>Signs at no cost; nobody verifies it.</summary>
internal sealed class QuickWallet : IWallet
{
    public ReadOnlyMemory<byte> Address { get; } = Enumerable.Repeat((byte)7, 20).ToArray();

    public byte[] SignDigest(ReadOnlySpan<byte> digest) => [.. digest, .. Keccak256.Hash(digest), 27];
}
