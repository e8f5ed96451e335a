using Hyperspace.Actors.Reputation;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Who finds room in the matrix: of too many authors those stay that weigh most and have told most, and of too much those lose of
/// their capabilities that take most for what they are trusted. This peer itself never makes room. For one thread at a time.
/// </summary>
/// <param name="model">The sums.</param>
/// <param name="proofs">Their envelopes.</param>
/// <param name="trust">What the authors weigh; null: all the same.</param>
/// <param name="most">Most that all sums and envelopes may weigh: a unit is a term, or <see cref="EnvelopeUnit"/> bytes of envelopes.</param>
internal sealed class MatrixRoom(MatrixModel model, MatrixProofs proofs, ITrust? trust, long most = MatrixRoom.MaxSize)
{
    /// <summary>Most that all sums and envelopes weigh.</summary>
    public const long MaxSize = 8_000_000;

    /// <summary>So many bytes of envelopes, on the disk, weigh as much as a term in memory.</summary>
    public const int EnvelopeUnit = 64;

    // An author of no weight is held to as much as if it had that one.
    private const double LeastWeight = 1.0 / 16;

    // No author of the full model ranked lower at that version of the trust: whoever does not rank higher is refused without a look at all.
    private (double Weight, ulong Outcomes, string Author)? _least;
    private long _version;

    /// <summary>What is taken, in units.</summary>
    public long Size => model.Size + (proofs.Bytes / EnvelopeUnit);

    /// <summary>Whether an author is known or finds room; if need be, the least of the known is forgotten for it.</summary>
    /// <param name="author">The author.</param>
    /// <param name="outcomes">How many it tells.</param>
    public bool Admits(string author, ulong outcomes)
    {
        if (!model.IsFull || model.IsSelf(author) || model.OutcomesOf(author) > 0)
        {
            return true;
        }

        if (_least is null || _version != (trust?.Version ?? 0))
        {
            _version = trust?.Version ?? 0;
            _least = model.Others.Select(a => (WeightOf(a), model.OutcomesOf(a), a)).Aggregate((one, other) => Compare(one, other) < 0 ? one : other);
        }

        if (_least is not { } least || Compare((WeightOf(author), outcomes, author), least) <= 0)
        {
            return false;
        }

        model.Forget(least.Author);
        _least = null;
        return true;
    }

    /// <summary>Makes room when too much is taken.</summary>
    public void Shrink()
    {
        var enough = most;
        while (Size > enough && model.Others.MaxBy(Burden) is { } heaviest)
        {
            // Somewhat more than need be, else each further delta would look for room again.
            enough = most - (most / 64);
            var less = SizeOf(heaviest) * 7 / 8;
            do
            {
                model.ForgetLast(heaviest);
            }
            while (Size > enough && SizeOf(heaviest) > less);
        }
    }

    private static int Compare((double Weight, ulong Outcomes, string Author) one, (double Weight, ulong Outcomes, string Author) other) =>
        (one.Weight, one.Outcomes).CompareTo((other.Weight, other.Outcomes)) is var order && order != 0 ? order : string.CompareOrdinal(one.Author, other.Author);

    private double WeightOf(string author) => trust?.WeightOf(author) ?? 1;

    private long SizeOf(string author) => model.SizeOf(author) + (proofs.BytesOf(author) / EnvelopeUnit);

    private double Burden(string author) => SizeOf(author) / (WeightOf(author) + LeastWeight);
}
