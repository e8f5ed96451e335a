using System.Collections.Immutable;

namespace Hyperspace.Actors.Reputation;

/// <summary>One rating: a payer's word on a call that it has the payee's receipt for.</summary>
/// <param name="ReceiptId">The paid request: a payment backs one rating.</param>
/// <param name="Value">−1 to 1.</param>
/// <param name="Micros">What was paid, in micro-units.</param>
/// <param name="PaidAt">When the payee signed the receipt.</param>
/// <param name="Stamp">When the payer signed the rating, as <see cref="Ratings.StampOf"/> says it: a later one of the same receipt replaces it.</param>
internal sealed record RatingEntry(string ReceiptId, double Value, ulong Micros, DateTimeOffset PaidAt, ulong Stamp)
{
    /// <summary>When the payer signed the rating. It fades from then on: the payee, who dates the receipt, has no say in it.</summary>
    public DateTimeOffset RatedAt => Ratings.TimeOf(Stamp);
}

/// <summary>
/// The ratings of one peer, by rater; immutable. Taking the same ratings in any order, any number of times, gives the same
/// book as long as at most <see cref="MaxStrangers"/> rate that are not trusted and <see cref="MaxTrusted"/> that are.
/// </summary>
internal sealed record RatingBook
{
    /// <summary>Trusted raters that are remembered; beyond it those who paid least are forgotten.</summary>
    public const int MaxTrusted = 256;

    /// <summary>Other raters that are remembered: together they have a small voice, however many they are, and cost nothing to make up.</summary>
    public const int MaxStrangers = 16;

    /// <summary>Ratings per rater; beyond it the oldest are forgotten.</summary>
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

    /// <summary>The book as a snapshot held it.</summary>
    public static RatingBook Restored(IEnumerable<(string Rater, IEnumerable<RatingEntry> Entries)> raters) => Empty with
    {
        Raters = Empty.Raters.AddRange(raters.Select(r => KeyValuePair.Create(
            r.Rater, ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, r.Entries.Select(e => KeyValuePair.Create(e.ReceiptId, e)))))),
    };

    /// <summary>The book with one more rating; this one when the rating tells nothing new, or would be forgotten at once.</summary>
    /// <param name="rater">Who rates.</param>
    /// <param name="entry">How.</param>
    /// <param name="self">This peer, whose own word is never forgotten.</param>
    /// <param name="trusts">Whose word weighs anything.</param>
    public RatingBook With(string rater, RatingEntry entry, string self, Func<string, bool> trusts)
    {
        var entries = Raters.GetValueOrDefault(rater) ?? ImmutableSortedDictionary.Create<string, RatingEntry>(StringComparer.Ordinal);
        if (entries.TryGetValue(entry.ReceiptId, out var known) && (known.Stamp, -known.Value).CompareTo((entry.Stamp, -entry.Value)) >= 0)
        {
            return this;
        }

        entries = entries.SetItem(entry.ReceiptId, entry);
        if (entries.Count > MaxPerRater)
        {
            var oldest = entries.Values.OrderBy(e => e.Stamp).ThenBy(e => e.ReceiptId, StringComparer.Ordinal).First().ReceiptId;
            if (oldest == entry.ReceiptId)
            {
                return this;
            }

            entries = entries.Remove(oldest);
        }

        var raters = Raters.SetItem(rater, entries);
        if (raters.Count <= MaxStrangers)
        {
            return this with { Raters = raters };
        }

        var ranked = raters.Where(r => r.Key != self).OrderByDescending(r => Paid(r.Value)).ThenByDescending(r => r.Key, StringComparer.Ordinal).Select(r => r.Key).ToLookup(trusts);
        List<string> forgotten = [.. ranked[true].Skip(MaxTrusted), .. ranked[false].Skip(MaxStrangers)];
        return forgotten.Contains(rater) && !Raters.ContainsKey(rater) ? this : this with { Raters = raters.RemoveRange(forgotten) };
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
                var counts = TrustRules.Faded(now - entry.RatedAt);
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
