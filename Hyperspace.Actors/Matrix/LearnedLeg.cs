namespace Hyperspace.Actors.Matrix;

/// <summary>A capability and how well it fits, by one leg or by all.</summary>
/// <param name="Capability">Its id.</param>
/// <param name="Score">Higher is better; what 0 and 1 mean is the leg's.</param>
internal readonly record struct Scored(string Capability, double Score);

/// <summary>
/// Ranks by what was learnt of use: Rocchio's positive minus negative sums, over all authors at the weights that they have
/// here. Follows a <see cref="MatrixModel"/>; the sums are whole numbers, so the order of changes leaves no trace.
/// </summary>
internal sealed class LearnedLeg
{
    /// <summary>Outcomes of one author that count in full per capability: a thousand votes of one identity are not a thousand peers.</summary>
    public const int FullOutcomes = 64;

    /// <summary>What a bad outcome takes, beside what a good one gives.</summary>
    private const double Negative = 0.25;

    /// <summary>Length that every sum is longer than it is: what was tried once proves little.</summary>
    private const double Doubt = 24;

    /// <summary>Outcomes of quite other queries that are not there: while all outcomes are about the same thing, its words are no stopwords.</summary>
    private const double Others = 32;

    private const long Unit = 1 << 16;

    private readonly MatrixModel _model;
    private readonly string _self;
    private readonly Dictionary<string, long> _weights = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Cell> _cells = new(StringComparer.Ordinal);
    private readonly Dictionary<uint, Posting> _postings = [];
    private Func<string, double> _weightOf;
    private long _outcomes;

    /// <summary>Follows a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="self">This peer: its own outcomes are not capped.</param>
    /// <param name="weightOf">0 to 1 of each other author.</param>
    public LearnedLeg(MatrixModel model, string self, Func<string, double> weightOf)
    {
        (_model, _self, _weightOf) = (model, self, weightOf);
        foreach (var author in model.Authors)
        {
            Count(author, WeightOf(author));
        }

        model.Changed += Follow;
    }

    /// <summary>Takes new weights; costs what the authors weigh whose weight is another.</summary>
    public void Weigh(Func<string, double> weightOf)
    {
        _weightOf = weightOf;
        foreach (var author in _model.Authors)
        {
            var weight = Fixed(author);
            if (_weights.GetValueOrDefault(author, -1) is var before && before != weight)
            {
                Count(author, -Math.Max(0, before));
                Count(author, weight);
                _weights[author] = weight;
            }
        }
    }

    /// <summary>
    /// The capabilities that were used for such queries, best first, equal ones by id: the cosines of the query with the roots of the
    /// positive and of the negative counts. Scores are at most 1; below 0 what went wrong more than well.
    /// </summary>
    public IReadOnlyList<Scored> Rank(ReadOnlySpan<uint> terms)
    {
        var scores = new Dictionary<Cell, double>();
        var (sum, rarest) = (0.0, 0.0);
        foreach (var term in terms)
        {
            var rarity = Rarity(term);
            (sum, rarest) = (sum + rarity, Math.Max(rarest, rarity));
            if (!_postings.TryGetValue(term, out var posting))
            {
                continue;
            }

            foreach (var (cell, counts) in posting.Cells)
            {
                var good = Math.Sqrt(counts.Good / (double)Unit) / (cell.GoodLength + Doubt);
                var bad = Math.Sqrt(counts.Bad / (double)Unit) / (cell.BadLength + Doubt);
                scores[cell] = scores.GetValueOrDefault(cell) + (rarity * (good - (Negative * bad)));
            }
        }

        // By Cauchy and Schwarz no more than 1.
        var length = Math.Sqrt(sum * rarest);
        return [.. scores.Select(s => new Scored(s.Key.Capability, s.Value / length)).OrderByDescending(s => s.Score).ThenBy(s => s.Capability, StringComparer.Ordinal)];
    }

    /// <summary>The square of the inverse document frequency, outcomes being the documents.</summary>
    public double Rarity(uint term)
    {
        var with = _postings.TryGetValue(term, out var posting) ? posting.Total / (double)Unit : 0;
        var rarity = Math.Log(1 + ((Others + Math.Max(0, (_outcomes / (double)Unit) - with) + 0.5) / (with + 0.5)));
        return rarity * rarity;
    }

    private void Follow(SumsChange change)
    {
        var weight = WeightOf(change.Author);
        Add(change.Author, change.Capability, change.Before, -weight);
        Add(change.Author, change.Capability, change.After, weight);
        if (change.After.Outcomes == 0 && _model.Of(change.Author).Count == 0)
        {
            _weights.Remove(change.Author);
        }
    }

    private long WeightOf(string author)
    {
        if (!_weights.TryGetValue(author, out var weight))
        {
            _weights.Add(author, weight = Fixed(author));
        }

        return weight;
    }

    // 256 steps: a weight that hardly changed moves nothing.
    private long Fixed(string author) => author == _self || author.Length == 0 ? 256 : (long)(Math.Clamp(_weightOf(author), 0, 1) * 256);

    private void Count(string author, long weight)
    {
        foreach (var (capability, sums) in _model.Of(author))
        {
            Add(author, capability, sums, weight);
        }
    }

    private void Add(string author, string capability, OutcomeSums sums, long weight)
    {
        if (sums.Outcomes == 0 || weight == 0)
        {
            return;
        }

        var outcomes = (long)sums.Outcomes;
        var counted = author == _self || author.Length == 0 ? outcomes : Math.Min(outcomes, FullOutcomes);
        var each = Math.Abs(weight) * (Unit / 256) * counted / outcomes * Math.Sign(weight);
        if (!_cells.TryGetValue(capability, out var cell))
        {
            _cells.Add(capability, cell = new Cell(capability));
        }

        _outcomes += each * outcomes;
        for (var i = 0; i < sums.Terms.Length; i++)
        {
            var (good, bad) = (each * sums.GoodCounts[i], each * sums.BadCounts[i]);
            Post(sums.Terms[i], cell, good, bad);
            cell.Add(good, bad);
        }

        if (cell.IsEmpty)
        {
            _cells.Remove(capability);
        }
    }

    private void Post(uint term, Cell cell, long good, long bad)
    {
        if (!_postings.TryGetValue(term, out var posting))
        {
            _postings.Add(term, posting = new Posting());
        }

        var counts = posting.Cells.GetValueOrDefault(cell);
        counts = (counts.Good + good, counts.Bad + bad);
        posting.Total += good + bad;
        if (counts is { Good: 0, Bad: 0 })
        {
            posting.Cells.Remove(cell);
        }
        else
        {
            posting.Cells.Set(cell, counts);
        }

        if (posting.Cells.Count == 0)
        {
            _postings.Remove(term);
        }
    }

    private sealed class Cell(string capability)
    {
        private long _good;
        private long _bad;

        public string Capability { get; } = capability;

        /// <summary>Of the vector of the roots of the positive counts.</summary>
        public double GoodLength => Math.Sqrt(_good / (double)Unit);

        /// <summary>Of the vector of the roots of the negative counts.</summary>
        public double BadLength => Math.Sqrt(_bad / (double)Unit);

        public bool IsEmpty => _good == 0 && _bad == 0;

        public void Add(long good, long bad) => (_good, _bad) = (_good + good, _bad + bad);
    }

    private sealed class Posting
    {
        public SmallMap<Cell, (long Good, long Bad)> Cells { get; } = new();

        public long Total { get; set; }
    }
}
