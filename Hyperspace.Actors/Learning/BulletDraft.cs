namespace Hyperspace.Actors.Learning;

/// <summary>A bullet while it is put together out of runs and records.</summary>
internal sealed class BulletDraft(string id, string section, string text)
{
    private readonly Dictionary<string, BulletEvidence> _evidence = new(StringComparer.Ordinal);

    /// <summary>The bullet's id.</summary>
    public string Id => id;

    /// <summary>Its heading.</summary>
    public string Section => section;

    /// <summary>The smallest of its spellings, which differ in case and spacing only.</summary>
    public string Text { get; private set; } = text;

    /// <summary>Whether runs show it. Then nobody prunes it: it is derived anew whenever other runs are kept.</summary>
    public bool IsDerived { get; set; }

    /// <summary>Runs and reflections that it came from.</summary>
    public SortedSet<string> Sources { get; } = new(StringComparer.Ordinal);

    /// <summary>Everyone's evidence by author; an author who only proposed it is there with nothing.</summary>
    public IReadOnlyDictionary<string, BulletEvidence> Evidence => _evidence;

    /// <summary>Its tombstones, one per author.</summary>
    public IReadOnlyList<TombstoneRecord> Tombstones { get; set; } = [];

    /// <summary>The same bullet in another spelling.</summary>
    public void Spell(string spelling) => Text = string.CompareOrdinal(spelling, Text) < 0 ? spelling : Text;

    /// <summary>Adds evidence of an author.</summary>
    public void Count(string author, BulletEvidence evidence) => _evidence[author] = _evidence.GetValueOrDefault(author).Plus(evidence);

    /// <summary>Everyone's evidence as it counts at this peer; one author's up to <see cref="Playbook.AuthorCap"/> of each kind.</summary>
    public WeighedEvidence Weigh(AuthorWeights weights) => _evidence.Aggregate(
        default(WeighedEvidence), (sum, entry) => sum.Plus(entry.Value.CappedAt(Playbook.AuthorCap), weights.Of(entry.Key)));
}
