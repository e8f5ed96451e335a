using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Actors.Matrix;

/// <summary>What each leg says of one capability.</summary>
/// <param name="Capability">Its id.</param>
/// <param name="Lexical">BM25, 1 for the best hit.</param>
/// <param name="Alike">Of character n-grams, 1 for the best hit.</param>
/// <param name="Embedded">Of the embedder's vectors, 1 for the best hit; 0 without an embedder.</param>
/// <param name="Learned">Of use, at most 1.</param>
internal readonly record struct Legs(string Capability, double Lexical, double Alike, double Embedded, double Learned)
{
    // n-grams add little where words meet, and all where they don't.
    private const double Words = 0.7;

    /// <summary>By what capabilities say of themselves, 0 to 1.</summary>
    public double Described => (Words * Lexical) + ((1 - Words) * Alike);

    /// <summary>All legs together; of no scale.</summary>
    public double Mixed(Mixture mixture) => Described + (mixture.Embedded * Embedded) + (mixture.Learned * Learned);
}

/// <summary>Ranks capabilities by all legs: hybrid retrieval over what they say of themselves, re-ranked by what was learnt of their use.</summary>
internal sealed class MatrixRanker(CapabilityIndex index, LearnedLeg learned)
{
    /// <summary>Every candidate of any leg, in no order.</summary>
    /// <param name="query">What is to be done.</param>
    /// <param name="embedded">The embedder's hits with cosines, best first; empty without one.</param>
    public IReadOnlyList<Legs> Candidates(string query, IReadOnlyList<Scored> embedded) =>
        Join(index.Lexical(query), index.Alike(query), embedded, [.. learned.Rank(MatrixTerms.Of(CapabilityIndex.Spaced(query))).Where(s => index.Contains(s.Capability))]);

    /// <summary>What the legs say, joined by capability; pure.</summary>
    public static IReadOnlyList<Legs> Join(IReadOnlyList<Scored> lexical, IReadOnlyList<Scored> alike, IReadOnlyList<Scored> embedded, IReadOnlyList<Scored> learned)
    {
        var found = new Dictionary<string, Legs>(StringComparer.Ordinal);
        Add(lexical, 1 / Most(lexical), (legs, score) => legs with { Lexical = score });
        Add(alike, 1 / Most(alike), (legs, score) => legs with { Alike = score });
        Add(embedded, 1 / Most(embedded), (legs, score) => legs with { Embedded = score });
        Add(learned, 1, (legs, score) => legs with { Learned = score });
        return [.. found.Values];

        static double Most(IReadOnlyList<Scored> scored) => scored.Count > 0 && scored[0].Score > 0 ? scored[0].Score : 1;

        void Add(IReadOnlyList<Scored> scored, double factor, Func<Legs, double, Legs> with)
        {
            foreach (var (capability, score) in scored)
            {
                found[capability] = with(found.GetValueOrDefault(capability, new Legs(capability, 0, 0, 0, 0)), score * factor);
            }
        }
    }

    /// <summary>The candidates of a mixture, best first, equal ones by id; those that only failed are left out.</summary>
    public static IReadOnlyList<Legs> Order(IReadOnlyList<Legs> candidates, Mixture mixture) =>
        [.. candidates.Select(c => (Legs: c, Score: c.Mixed(mixture))).Where(c => c.Score > 0).OrderByDescending(c => c.Score).ThenBy(c => c.Legs.Capability, StringComparer.Ordinal).Select(c => c.Legs)];

    /// <summary>Where each mixture would rank a capability, from 1 on; 0: nowhere. For <see cref="Fusion.With"/>.</summary>
    public static IReadOnlyList<int> Ranks(IReadOnlyList<Legs> candidates, string capability, bool withEmbedder)
    {
        var ranks = new int[withEmbedder ? Fusion.Mixtures.Length : Fusion.Plain];
        foreach (var one in candidates.Where(c => c.Capability == capability))
        {
            for (var i = 0; i < ranks.Length; i++)
            {
                var mixture = Fusion.Mixtures[i];
                var score = one.Mixed(mixture);
                ranks[i] = score <= 0 ? 0 : 1 + candidates.Count(c => c.Mixed(mixture) is var other && (other > score || (other == score && string.CompareOrdinal(c.Capability, capability) < 0)));
            }
        }

        return ranks;
    }

    /// <summary>The best hits, with their texts.</summary>
    public IReadOnlyList<MatrixHit> Search(string query, IReadOnlyList<string> types, int limit, Mixture mixture, IReadOnlyList<Scored> embedded)
    {
        var ordered = Order(Candidates(query, embedded), mixture);
        var most = MostOf(ordered, mixture);
        var hits = new List<MatrixHit>();
        foreach (var legs in ordered)
        {
            if (hits.Count == limit)
            {
                break;
            }

            if (index.Find(legs.Capability) is { } capability && (types.Count == 0 || types.Contains(capability.Type)))
            {
                hits.Add(new MatrixHit(capability, Shown(legs.Mixed(mixture), most), Why(legs, mixture)));
            }
        }

        return hits;
    }

    /// <summary>The scores of all hits, 0 (exclusive) to 1, as <see cref="Search"/> gives them.</summary>
    public IReadOnlyDictionary<string, double> Scores(string query, Mixture mixture, IReadOnlyList<Scored> embedded)
    {
        var ordered = Order(Candidates(query, embedded), mixture);
        var most = MostOf(ordered, mixture);
        return ordered.ToDictionary(legs => legs.Capability, legs => Shown(legs.Mixed(mixture), most), StringComparer.Ordinal);
    }

    // What fits perfectly by its own words has 1; what was learnt takes the best further, and that is 1 then.
    private static double MostOf(IReadOnlyList<Legs> ordered, Mixture mixture) => ordered.Count == 0 ? 1 : Math.Max(1, ordered[0].Mixed(mixture));

    private static double Shown(double mixed, double most) => Math.Max(0.000001, Math.Round(mixed / most, 6));

    private static string Why(Legs legs, Mixture mixture)
    {
        List<string> reasons = [];
        if (mixture.Learned * legs.Learned > legs.Described)
        {
            reasons.Add($"it served such queries well ({Share(legs.Learned)} of the best that is possible)");
        }
        else if (legs.Learned > 0)
        {
            reasons.Add("it has served such queries");
        }

        if (legs.Lexical > 0)
        {
            reasons.Add($"its words fit ({Share(legs.Lexical)} of the best hit)");
        }

        if (legs.Alike > 0 && legs.Lexical == 0)
        {
            reasons.Add("its words are spelt alike");
        }

        if (legs.Embedded > 0)
        {
            reasons.Add($"the embedder finds it near ({Share(legs.Embedded)} of the nearest)");
        }

        if (legs.Learned < 0)
        {
            reasons.Add("it has failed at some of such queries");
        }

        var text = string.Join("; ", reasons);
        return text.Length == 0 ? "It fits." : char.ToUpperInvariant(text[0]) + text[1..] + ".";
    }

    private static string Share(double score) => ((int)Math.Round(Math.Clamp(score, 0, 1) * 100)).ToString(System.Globalization.CultureInfo.InvariantCulture) + " %";
}
