using System.Collections.Immutable;

namespace Hyperspace.Actors.Reputation;

/// <summary>One rating: a payer's word on a call that it has the payee's receipt for.</summary>
/// <param name="ReceiptId">The paid request: a payment backs one rating.</param>
/// <param name="Value">−1 to 1.</param>
/// <param name="Micros">What was paid, in micro-units.</param>
/// <param name="PaidAt">When the payee signed the receipt.</param>
/// <param name="Stamp">When the payer signed the rating: a later one of the same receipt replaces it.</param>
internal sealed record RatingEntry(string ReceiptId, double Value, ulong Micros, DateTimeOffset PaidAt, ulong Stamp);

/// <summary>
/// The ratings of one peer, by rater; immutable. Taking the same ratings in any order, any number of times, gives the same
/// book as long as at most <see cref="MaxRaters"/> rate.
/// </summary>
internal sealed record RatingBook
{
    /// <summary>Raters that are remembered; beyond it those who paid least are forgotten.</summary>
    public const int MaxRaters = 256;

    /// <summary>Ratings per rater; beyond it the oldest receipts are forgotten.</summary>
    public const int MaxPerRater = 16;

    /// <summary>What a rater must have paid to be heard in full; less counts less.</summary>
    public const double FullMicros = 1_000_000;

    /// <summary>Nobody rated.</summary>
    public static RatingBook Empty { get; } = new();

    /// <summary>By rater and receipt.</summary>
    public ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, RatingEntry>> Raters { get; init; } =
        ImmutableSortedDictionary.Create<string, ImmutableSortedDictionary<string, RatingEntry>>(StringComparer.Ordinal);

    /// <summary>Ratings in it.</summary>
    public int Count => Raters.Values.Sum(entries => entries.Count);

    /// <summary>The book with one more rating.</summary>
    public RatingBook With(string rater, RatingEntry entry)
    {
        var entries = Raters.GetValueOrDefault(rater) ?? ImmutableSortedDictionary.Create<string, RatingEntry>(StringComparer.Ordinal);
        if (entries.TryGetValue(entry.ReceiptId, out var known) && (known.Stamp, -known.Value).CompareTo((entry.Stamp, -entry.Value)) >= 0)
        {
            return this;
        }

        entries = entries.SetItem(entry.ReceiptId, entry);
        if (entries.Count > MaxPerRater)
        {
            entries = entries.Remove(entries.Values.OrderBy(e => e.PaidAt).ThenBy(e => e.ReceiptId, StringComparer.Ordinal).First().ReceiptId);
        }

        var raters = Raters.SetItem(rater, entries);
        return raters.Count <= MaxRaters
            ? this with { Raters = raters }
            : this with { Raters = raters.Remove(raters.OrderBy(r => Paid(r.Value)).ThenBy(r => r.Key, StringComparer.Ordinal).First().Key) };
    }

    /// <summary>The book without some ratings.</summary>
    public RatingBook Without(IEnumerable<(string Rater, string ReceiptId)> ratings)
    {
        var raters = Raters.ToBuilder();
        foreach (var said in ratings.GroupBy(r => r.Rater, r => r.ReceiptId, StringComparer.Ordinal))
        {
            var left = raters[said.Key].RemoveRange(said);
            if (left.IsEmpty)
            {
                raters.Remove(said.Key);
            }
            else
            {
                raters[said.Key] = left;
            }
        }

        return this with { Raters = raters.ToImmutable() };
    }

    /// <summary>
    /// What the ratings say. Each trusted rater counts at most once, times its weight here; all that this peer does not
    /// trust count together as one voice of a quarter, however many they are.
    /// </summary>
    /// <param name="weightOf">0 to 1: what a rater's word weighs; 0 of strangers.</param>
    /// <param name="now">Older ratings count less.</param>
    public Tally Weighed(Func<string, double> weightOf, DateTimeOffset now)
    {
        Tally trusted = default, strangers = default;
        foreach (var (rater, entries) in Raters)
        {
            var (good, bad, total) = (0.0, 0.0, 0.0);
            foreach (var entry in entries.Values)
            {
                var counts = TrustRules.Faded(now - entry.PaidAt);
                good += counts * Math.Max(0, entry.Value);
                bad += counts * Math.Max(0, -entry.Value);
                total += counts;
            }

            var strength = total > 0 ? Math.Min(1, total) * Math.Min(1, Paid(entries) / FullMicros) / total : 0;
            var voice = new Tally(good, bad) * strength;
            var weight = weightOf(rater);
            (trusted, strangers) = weight > 0 ? (trusted + (voice * weight), strangers) : (trusted, strangers + voice);
        }

        return trusted + strangers.AtMost(StrangersVoice);
    }

    private const double StrangersVoice = 0.25;

    private static double Paid(ImmutableSortedDictionary<string, RatingEntry> entries) => entries.Values.Sum(e => (double)e.Micros);
}
