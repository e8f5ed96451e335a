using System.Diagnostics;

namespace Hyperspace.Fuzz.Engine;

/// <summary>When a campaign ends, and how it chooses.</summary>
/// <param name="Duration">For how long inputs are made.</param>
/// <param name="Seed">Of the random choices; the same seed over the same corpus makes the same inputs.</param>
public sealed record CampaignOptions(TimeSpan Duration, int Seed)
{
    /// <summary>Ends the campaign after so many executions, if that is sooner.</summary>
    public long MaxExecutions { get; init; } = long.MaxValue;

    /// <summary>Ends the campaign after so many findings of different kinds.</summary>
    public int MaxFindings { get; init; } = 20;
}

/// <summary>Where a campaign stands.</summary>
/// <param name="Executions">Inputs executed.</param>
/// <param name="Elapsed">Time since it began.</param>
/// <param name="Corpus">Inputs kept because each took an edge that none before it took.</param>
/// <param name="Edges">Edges that were taken; 0 when the library is not instrumented.</param>
/// <param name="Findings">Broken promises, one per kind and place.</param>
public sealed record CampaignStatus(long Executions, TimeSpan Elapsed, int Corpus, int Edges, int Findings);

/// <summary>
/// Searches for inputs that break a target's promises, guided by coverage: an input that takes a new edge of the
/// instrumented library joins the corpus, and new inputs are mutants of the corpus. Without instrumentation it is a plain
/// random search around the corpus.
/// </summary>
public sealed class Campaign
{
    // An edge's smallest input stands for it; most mutants come from those, as in AFL.
    private const double FavouredShare = 0.8;

    private readonly FuzzTarget _target;
    private readonly Random _random;
    private readonly Mutator _mutator;
    private readonly CoverageMap _coverage = new();
    private readonly List<byte[]> _corpus = [];
    private readonly Dictionary<int, int> _smallest = [];
    private readonly HashSet<string> _places = [];
    private readonly List<(byte[] Input, Finding Finding)> _findings = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private List<int> _favoured = [];
    private long _executions;
    private byte[] _current = [];
    private long _currentSince = Stopwatch.GetTimestamp();

    public Campaign(FuzzTarget target, CampaignOptions options)
    {
        _target = target;
        Options = options;
        _random = new Random(options.Seed);
        _mutator = new Mutator(_random, target.MaxLength, target.Dictionary);
    }

    /// <summary>How it was told to run.</summary>
    public CampaignOptions Options { get; }

    /// <summary>Is told of each finding once its input is made as small as it gets.</summary>
    public Action<byte[], Finding>? Found { get; init; }

    /// <summary>Is told before each execution, in case that nothing survives it.</summary>
    public Action<byte[]>? Executing { get; init; }

    /// <summary>What was found.</summary>
    public IReadOnlyList<(byte[] Input, Finding Finding)> Findings => _findings;

    /// <summary>Where it stands; may be read from any thread.</summary>
    public CampaignStatus Status => new(Volatile.Read(ref _executions), Stopwatch.GetElapsedTime(_start), _corpus.Count, _coverage.Edges, _findings.Count);

    /// <summary>The input that is being executed and for how long; any thread may ask, to notice a loop that does not end.</summary>
    public (byte[] Input, TimeSpan For) Current => (Volatile.Read(ref _current), Stopwatch.GetElapsedTime(Volatile.Read(ref _currentSince)));

    /// <summary>Runs to the end of its time.</summary>
    public void Run()
    {
        // Static constructors run once and would look like news of whoever came first.
        var seeds = CorpusFolder.Of(_target).Read().Concat(_target.Seeds()).Append([]).ToList();
        seeds.ForEach(s => Execution.Judge(_target, s));
        seeds.ForEach(Try);
        if (_corpus.Count == 0)
        {
            _corpus.AddRange(seeds);
        }

        while (Stopwatch.GetElapsedTime(_start) < Options.Duration && _executions < Options.MaxExecutions && _findings.Count < Options.MaxFindings)
        {
            Try(_mutator.Mutate(Pick(), _corpus[_random.Next(_corpus.Count)]));
        }
    }

    /// <summary>The fewest inputs that together take all edges that were found, each as small as what it is needed for allows.</summary>
    public IReadOnlyList<byte[]> Essence()
    {
        var footprints = _corpus.ConvertAll(input => (Input: input, Edges: EdgesOf(input)));
        var missing = footprints.SelectMany(f => f.Edges).ToHashSet();
        var chosen = new List<byte[]>();
        while (missing.Count > 0)
        {
            var best = footprints.MaxBy(f => (f.Edges.Count(missing.Contains), -f.Input.Length));
            var news = best.Edges.Where(missing.Contains).ToList();
            chosen.Add(Reduction.Shrink(best.Input, candidate => news.TrueForAll(EdgesOf(candidate).Contains)));
            missing.ExceptWith(news);
        }

        return chosen;
    }

    private HashSet<int> EdgesOf(byte[] input)
    {
        _coverage.Begin();
        Execution.Judge(_target, input);
        return _coverage.Footprint();
    }

    private byte[] Pick() => _favoured.Count > 0 && _random.NextDouble() < FavouredShare
        ? _corpus[_favoured[_random.Next(_favoured.Count)]]
        : _corpus[_random.Next(_corpus.Count)];

    private void Try(byte[] input)
    {
        Executing?.Invoke(input);
        Volatile.Write(ref _current, input);
        Volatile.Write(ref _currentSince, Stopwatch.GetTimestamp());
        _coverage.Begin();
        var finding = Execution.Judge(_target, input);
        _executions++;
        if (finding is not null)
        {
            Report(input, finding);
        }
        else if (_coverage.End())
        {
            Keep(input);
        }
    }

    private void Keep(byte[] input)
    {
        var index = _corpus.Count;
        _corpus.Add(input);
        foreach (var edge in _coverage.Footprint())
        {
            if (!_smallest.TryGetValue(edge, out var holder) || _corpus[holder].Length > input.Length)
            {
                _smallest[edge] = index;
            }
        }

        _favoured = [.. _smallest.Values.Distinct()];
    }

    private void Report(byte[] input, Finding finding)
    {
        if (_places.Add(PlaceOf(finding)))
        {
            var smallest = Reduction.Shrink(input, candidate => Execution.Judge(_target, candidate) is { } f && PlaceOf(f) == PlaceOf(finding));
            _findings.Add((smallest, finding));
            Found?.Invoke(smallest, finding);
        }
    }

    /// <summary>The kind, and for exceptions the innermost line of the stack: two inputs that fail alike are one finding.</summary>
    private static string PlaceOf(Finding finding) =>
        finding.Kind + finding.Detail.Split('\n').FirstOrDefault(line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal) && !line.Contains(nameof(Invariant), StringComparison.Ordinal));
}
