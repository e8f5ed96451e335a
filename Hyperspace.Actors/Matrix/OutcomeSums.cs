using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// What one author's outcomes of one capability add up to: per term of the queries, how often it went well and how often
/// not. Immutable, whole numbers only; what is learnt is the same for the same outcomes in the same order.
/// </summary>
internal sealed class OutcomeSums
{
    /// <summary>Most distinct terms; outcomes beyond still count, on the terms that are there.</summary>
    public const int MaxTerms = 1024;

    /// <summary>Most outcomes that are believed.</summary>
    public const ulong MaxOutcomes = 1 << 30;

    /// <summary>No outcome yet.</summary>
    public static readonly OutcomeSums Empty = new(0, 0, [], [], []);

    // What a capability takes beside its terms: its name, its places in trees and tables.
    private const int OwnSize = 32;

    private readonly uint[] _terms;
    private readonly uint[] _good;
    private readonly uint[] _bad;

    private OutcomeSums(ulong outcomes, ulong good, uint[] terms, uint[] goodCounts, uint[] badCounts) =>
        (Outcomes, Good, _terms, _good, _bad) = (outcomes, good, terms, goodCounts, badCounts);

    /// <summary>How many outcomes.</summary>
    public ulong Outcomes { get; }

    /// <summary>How many of them were good.</summary>
    public ulong Good { get; }

    /// <summary>What these weigh in memory: a unit is a term; nothing when there is no outcome.</summary>
    public int Size => Outcomes == 0 ? 0 : OwnSize + _terms.Length;

    /// <summary>The terms, ascending.</summary>
    public ReadOnlySpan<uint> Terms => _terms;

    /// <summary>Per term the good outcomes whose query had it.</summary>
    public ReadOnlySpan<uint> GoodCounts => _good;

    /// <summary>Per term the other outcomes whose query had it.</summary>
    public ReadOnlySpan<uint> BadCounts => _bad;

    /// <summary>With one more outcome.</summary>
    /// <param name="terms">Of the query, ascending and distinct.</param>
    /// <param name="good">Whether it was good.</param>
    public OutcomeSums With(ReadOnlySpan<uint> terms, bool good)
    {
        if (Outcomes >= MaxOutcomes)
        {
            return this;
        }

        var room = MaxTerms - _terms.Length;
        var merged = new List<uint>(_terms.Length + terms.Length);
        var (goods, bads) = (new List<uint>(merged.Capacity), new List<uint>(merged.Capacity));
        for (int i = 0, j = 0; i < _terms.Length || j < terms.Length;)
        {
            var known = i < _terms.Length && (j == terms.Length || _terms[i] <= terms[j]);
            var hit = j < terms.Length && (i == _terms.Length || terms[j] <= _terms[i]);
            if (known || room-- > 0)
            {
                merged.Add(known ? _terms[i] : terms[j]);
                goods.Add((known ? _good[i] : 0) + (hit && good ? 1u : 0));
                bads.Add((known ? _bad[i] : 0) + (hit && !good ? 1u : 0));
            }

            (i, j) = (known ? i + 1 : i, hit ? j + 1 : j);
        }

        return new OutcomeSums(Outcomes + 1, Good + (good ? 1UL : 0), [.. merged], [.. goods], [.. bads]);
    }

    /// <summary>What came on top of earlier ones of the same author and capability; terms whose counts did not grow are left out.</summary>
    public OutcomeSums Since(OutcomeSums before)
    {
        var (terms, goods, bads) = (new List<uint>(), new List<uint>(), new List<uint>());
        for (var i = 0; i < _terms.Length; i++)
        {
            var at = Array.BinarySearch(before._terms, _terms[i]);
            var (good, bad) = at < 0 ? (0, 0) : (before._good[at], before._bad[at]);
            if (_good[i] > good || _bad[i] > bad)
            {
                terms.Add(_terms[i]);
                goods.Add(_good[i] - Math.Min(_good[i], good));
                bads.Add(_bad[i] - Math.Min(_bad[i], bad));
            }
        }

        return new OutcomeSums(Outcomes - Math.Min(Outcomes, before.Outcomes), Good - Math.Min(Good, before.Good), [.. terms], [.. goods], [.. bads]);
    }

    /// <summary>Over 0 when these replace others of the same author and capability: more outcomes do; of as many, the greater bytes. 0 for the very same.</summary>
    public int CompareTo(OutcomeSums other) =>
        ReferenceEquals(this, other) ? 0
        : Outcomes != other.Outcomes ? Outcomes.CompareTo(other.Outcomes)
        : ToWire("").ToByteArray().AsSpan().SequenceCompareTo(other.ToWire("").ToByteArray());

    /// <summary>As they are gossiped and stored.</summary>
    public MatrixSums ToWire(string capability) => new() { Capability = capability, Outcomes = Outcomes, Good = Good, Terms = { _terms }, GoodCounts = { _good }, BadCounts = { _bad } };

    /// <summary>What came from anywhere; null when it contradicts itself or is over a limit.</summary>
    public static OutcomeSums? FromWire(MatrixSums wire)
    {
        var bad = wire.Outcomes - wire.Good;
        var fits = wire.Outcomes is > 0 and <= MaxOutcomes && wire.Good <= wire.Outcomes
            && wire.Terms.Count <= MaxTerms && wire.GoodCounts.Count == wire.Terms.Count && wire.BadCounts.Count == wire.Terms.Count;
        for (var i = 0; fits && i < wire.Terms.Count; i++)
        {
            fits = (i == 0 || wire.Terms[i] > wire.Terms[i - 1])
                && wire.GoodCounts[i] <= wire.Good && wire.BadCounts[i] <= bad && wire.GoodCounts[i] + (ulong)wire.BadCounts[i] > 0;
        }

        return fits ? new OutcomeSums(wire.Outcomes, wire.Good, [.. wire.Terms], [.. wire.GoodCounts], [.. wire.BadCounts]) : null;
    }
}
