namespace Hyperspace.Actors.Learning;

/// <summary>A run or reflection that a bullet came from, and whose it is.</summary>
internal readonly record struct BulletSource(string Id, string Author);

/// <summary>A bullet while it is put together out of runs, and then of records, as this peer weighs their authors.</summary>
internal sealed class BulletDraft(string id, string section, AuthorWeights weights)
{
    private readonly Dictionary<string, BulletEvidence> _evidence = new(StringComparer.Ordinal);
    private readonly HashSet<BulletSource> _sources = [];
    private ulong _spellersWeight;

    /// <summary>The bullet's id.</summary>
    public string Id => id;

    /// <summary>Its heading.</summary>
    public string Section => section;

    /// <summary>
    /// One of its spellings, which differ in case and spacing only, and yet may name another value: what runs show, else what
    /// the author says who counts most, the smallest of several.
    /// </summary>
    public string Text { get; private set; } = "";

    /// <summary>Whether runs show it. Then nobody prunes it: it is derived anew whenever other runs are kept.</summary>
    public bool IsDerived { get; private set; }

    /// <summary>Runs and reflections that it came from.</summary>
    public IReadOnlyCollection<BulletSource> Sources => _sources;

    /// <summary>Everyone's evidence by author; an author who only proposed it is there with nothing.</summary>
    public IReadOnlyDictionary<string, BulletEvidence> Evidence => _evidence;

    /// <summary>Its tombstones, one per author.</summary>
    public IReadOnlyList<TombstoneRecord> Tombstones { get; set; } = [];

    /// <summary>Runs show the bullet: nobody spells it otherwise.</summary>
    public void Derive(string text)
    {
        Text = !IsDerived || string.CompareOrdinal(text, Text) < 0 ? text : Text;
        IsDerived = true;
    }

    /// <summary>The same bullet as an author spells it.</summary>
    public void Spell(string spelling, string author)
    {
        var weight = weights.Of(author);
        if (!IsDerived && (Text.Length == 0 || weight > _spellersWeight || (weight == _spellersWeight && string.CompareOrdinal(spelling, Text) < 0)))
        {
            (Text, _spellersWeight) = (spelling, weight);
        }
    }

    /// <summary>Adds where it came from.</summary>
    public void Name(IEnumerable<BulletSource> sources) => _sources.UnionWith(sources);

    /// <summary>Adds evidence of an author.</summary>
    public void Count(string author, BulletEvidence evidence) => _evidence[author] = _evidence.GetValueOrDefault(author).Plus(evidence);

    /// <summary>Everyone's evidence as it counts at this peer; one author's up to <see cref="Playbook.AuthorCap"/> of each kind.</summary>
    public WeighedEvidence Weigh() => _evidence.Aggregate(
        default(WeighedEvidence), (sum, entry) => sum.Plus(entry.Value.CappedAt(Playbook.AuthorCap), weights.Of(entry.Key)));
}
