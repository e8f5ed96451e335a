namespace Hyperspace.Actors.Matrix;

/// <summary>
/// One author's sums by capability: what a signed delta proves, and votes that ran ahead of it. Of too many capabilities those are
/// kept that come first by ordinal id; whatever is proven displaces what is not. So what is proven is a function of the
/// deltas alone, in whatever order they and the votes come.
/// </summary>
internal sealed class AuthorSums
{
    private readonly SortedDictionary<string, OutcomeSums> _sums = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _proven = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _unproven = new(StringComparer.Ordinal);

    // What is proven where votes ran ahead; elsewhere it is what the sums are.
    private readonly Dictionary<string, OutcomeSums> _behind = new(StringComparer.Ordinal);

    /// <summary>The sums, with the votes ahead, by ordinal id.</summary>
    public IReadOnlyDictionary<string, OutcomeSums> Sums => _sums;

    /// <summary>How many outcomes they are of.</summary>
    public ulong Outcomes { get; private set; }

    /// <summary>What they weigh, see <see cref="OutcomeSums.Size"/>.</summary>
    public long Size { get; private set; }

    /// <summary>The sums of a capability; empty when there are none.</summary>
    public OutcomeSums Find(string capability) => _sums.GetValueOrDefault(capability, OutcomeSums.Empty);

    /// <summary>What a delta proved of a capability; empty when nothing did.</summary>
    public OutcomeSums Proven(string capability) => !_proven.Contains(capability) ? OutcomeSums.Empty : _behind.GetValueOrDefault(capability) ?? _sums[capability];

    /// <summary>Whether a further capability would displace another.</summary>
    public bool IsFull => _sums.Count >= MatrixModel.MaxCapabilities;

    /// <summary>What goes next: what comes last of the unproven, then of the proven.</summary>
    public string? Last => _unproven.Max ?? _proven.Max;

    /// <summary>What comes last of all.</summary>
    public string? LastOfAll => string.CompareOrdinal(_unproven.Max, _proven.Max) > 0 ? _unproven.Max : _proven.Max;

    /// <summary>Whether a delta that brings a further capability finds room by displacing <see cref="Last"/>.</summary>
    public bool Displaces(string capability) => _unproven.Count > 0 || string.CompareOrdinal(capability, _proven.Max) < 0;

    /// <summary>Sets the sums of a capability, and what of them is proven. Returns what they were.</summary>
    /// <param name="capability">The capability.</param>
    /// <param name="sums">Its sums; empty removes it.</param>
    /// <param name="proven">What a delta proves of it: the same object when that is all, empty when nothing.</param>
    public OutcomeSums Set(string capability, OutcomeSums sums, OutcomeSums proven)
    {
        var before = Find(capability);
        Size -= before.Size + (_behind.Remove(capability, out var behind) ? behind.Size : 0);
        Outcomes += sums.Outcomes - before.Outcomes;
        _proven.Remove(capability);
        _unproven.Remove(capability);
        if (sums.Outcomes == 0)
        {
            _sums.Remove(capability);
            return before;
        }

        _sums[capability] = sums;
        Size += sums.Size;
        (proven.Outcomes > 0 ? _proven : _unproven).Add(capability);
        if (proven.Outcomes > 0 && !ReferenceEquals(proven, sums))
        {
            _behind[capability] = proven;
            Size += proven.Size;
        }

        return before;
    }
}
