using System.Numerics;

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
    /// <summary>
    /// Outcomes of one author that count in full per capability, and of all others together: a thousand votes of one identity are
    /// not a thousand peers, and neither are the votes of ten identities.
    /// </summary>
    public const int FullOutcomes = 64;

    /// <summary>What a bad outcome takes, beside what a good one gives.</summary>
    private const double Negative = 0.25;

    /// <summary>Length that every sum is longer than it is: what was tried once proves little.</summary>
    private const double Doubt = 24;

    /// <summary>Outcomes of quite other queries that are not there: while all outcomes are about the same thing, its words are no stopwords.</summary>
    private const double Others = 32;

    // An author's outcomes beyond so many count ever less for what a word tells: nobody makes a stopword alone.
    private const int FullForRarity = 64;

    private const long Unit = 1 << 16;

    private readonly MatrixModel _model;
    private readonly string _self;
    private readonly Dictionary<string, Standing> _authors = new(StringComparer.Ordinal);
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
            var standing = Of(author);
            standing.Outcomes = model.OutcomesOf(author);
            standing.Shift = ShiftOf(standing.Outcomes);
            Count(author, standing, standing.Weight);
        }

        model.Changed += Follow;
    }

    /// <summary>Takes new weights; costs what the authors weigh whose weight is another.</summary>
    public void Weigh(Func<string, double> weightOf)
    {
        _weightOf = weightOf;
        foreach (var author in _model.Authors)
        {
            var (standing, weight) = (Of(author), Fixed(author));
            if (standing.Weight != weight)
            {
                Count(author, standing, -standing.Weight);
                Count(author, standing, weight);
                standing.Weight = weight;
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
                var counted = cell.Counted(term, counts);
                var good = Math.Sqrt(counted.Good) / (cell.GoodLength + Doubt);
                var bad = Math.Sqrt(counted.Bad) / (cell.BadLength + Doubt);
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
        var standing = Of(change.Author);
        Add(change.Author, change.Capability, change.Before, -standing.Weight, standing.Shift);
        standing.Outcomes += change.After.Outcomes - change.Before.Outcomes;
        Shift(change.Author, standing, change.Capability);
        Add(change.Author, change.Capability, change.After, standing.Weight, standing.Shift);
        if (standing.Outcomes == 0)
        {
            _authors.Remove(change.Author);
        }
    }

    /// <summary>Counts an author's other capabilities anew when its outcomes have doubled or halved; not while all of it is being forgotten.</summary>
    private void Shift(string author, Standing standing, string but)
    {
        var shift = ShiftOf(standing.Outcomes);
        if (shift == standing.Shift || _model.Of(author) is not { Count: > 0 } all || IsSelf(author))
        {
            return;
        }

        foreach (var (capability, sums) in all.Where(s => s.Key != but))
        {
            Add(author, capability, sums, -standing.Weight, standing.Shift);
            Add(author, capability, sums, standing.Weight, shift);
        }

        standing.Shift = shift;
    }

    private static int ShiftOf(ulong outcomes) => Math.Max(0, BitOperations.Log2(Math.Max(1, outcomes)) - BitOperations.Log2(FullForRarity) + 1);

    private Standing Of(string author)
    {
        if (!_authors.TryGetValue(author, out var standing))
        {
            _authors.Add(author, standing = new Standing { Weight = Fixed(author) });
        }

        return standing;
    }

    private bool IsSelf(string author) => author == _self || author.Length == 0;

    // 256 steps: a weight that hardly changed moves nothing.
    private long Fixed(string author) => IsSelf(author) ? 256 : (long)(Math.Clamp(_weightOf(author), 0, 1) * 256);

    private void Count(string author, Standing standing, long weight)
    {
        foreach (var (capability, sums) in _model.Of(author))
        {
            Add(author, capability, sums, weight, standing.Shift);
        }
    }

    private void Add(string author, string capability, OutcomeSums sums, long weight, int shift)
    {
        if (sums.Outcomes == 0 || weight == 0)
        {
            return;
        }

        var (outcomes, isSelf) = ((long)sums.Outcomes, IsSelf(author));
        var counted = isSelf ? outcomes : Math.Min(outcomes, FullOutcomes);
        var each = Math.Abs(weight) * (Unit / 256) * counted / outcomes;
        var forRarity = (isSelf ? each : each >> shift) * Math.Sign(weight);
        each *= Math.Sign(weight);
        if (!_cells.TryGetValue(capability, out var cell))
        {
            _cells.Add(capability, cell = new Cell(capability));
        }

        _outcomes += forRarity * outcomes;
        cell.AddOutcomes(each * outcomes, isSelf);
        for (var i = 0; i < sums.Terms.Length; i++)
        {
            var (good, bad) = (each * sums.GoodCounts[i], each * sums.BadCounts[i]);
            Post(sums.Terms[i], cell, good, bad, forRarity * ((long)sums.GoodCounts[i] + sums.BadCounts[i]));
            cell.Add(sums.Terms[i], good, bad, isSelf);
        }

        if (cell.IsEmpty)
        {
            _cells.Remove(capability);
        }
    }

    private void Post(uint term, Cell cell, long good, long bad, long forRarity)
    {
        if (!_postings.TryGetValue(term, out var posting))
        {
            _postings.Add(term, posting = new Posting());
        }

        var counts = posting.Cells.GetValueOrDefault(cell);
        counts = (counts.Good + good, counts.Bad + bad);
        posting.Total += forRarity;
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

    private sealed class Standing
    {
        /// <summary>In steps of 1/256.</summary>
        public long Weight { get; set; }

        public ulong Outcomes { get; set; }

        /// <summary>Halvings of what an outcome counts for rarity.</summary>
        public int Shift { get; set; }
    }

    private sealed class Cell(string capability)
    {
        private readonly Dictionary<uint, (long Good, long Bad)> _own = [];
        private (long Good, long Bad) _all;
        private (long Good, long Bad) _ofSelf;
        private long _outcomesOfOthers;

        public string Capability { get; } = capability;

        /// <summary>Of the vector of the roots of the positive counts.</summary>
        public double GoodLength => Math.Sqrt(Counted(_all.Good, _ofSelf.Good));

        /// <summary>Of the vector of the roots of the negative counts.</summary>
        public double BadLength => Math.Sqrt(Counted(_all.Bad, _ofSelf.Bad));

        public bool IsEmpty => _all is { Good: 0, Bad: 0 } && _outcomesOfOthers == 0;

        private double ShareOfOthers => _outcomesOfOthers > FullOutcomes * Unit ? FullOutcomes * (double)Unit / _outcomesOfOthers : 1;

        /// <summary>What a term counts: this peer's own outcomes in full, all others' together as far as <see cref="FullOutcomes"/> go.</summary>
        public (double Good, double Bad) Counted(uint term, (long Good, long Bad) all)
        {
            var own = _own.GetValueOrDefault(term);
            return (Counted(all.Good, own.Good), Counted(all.Bad, own.Bad));
        }

        public void AddOutcomes(long outcomes, bool isSelf) => _outcomesOfOthers += isSelf ? 0 : outcomes;

        public void Add(uint term, long good, long bad, bool isSelf)
        {
            _all = (_all.Good + good, _all.Bad + bad);
            if (!isSelf)
            {
                return;
            }

            _ofSelf = (_ofSelf.Good + good, _ofSelf.Bad + bad);
            var own = _own.GetValueOrDefault(term);
            own = (own.Good + good, own.Bad + bad);
            if (own is { Good: 0, Bad: 0 })
            {
                _own.Remove(term);
            }
            else
            {
                _own[term] = own;
            }
        }

        private double Counted(long all, long own) => (own + (ShareOfOthers * (all - own))) / Unit;
    }

    private sealed class Posting
    {
        public SmallMap<Cell, (long Good, long Bad)> Cells { get; } = new();

        public long Total { get; set; }
    }
}
