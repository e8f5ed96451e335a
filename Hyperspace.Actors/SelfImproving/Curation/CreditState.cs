using System.Collections.Immutable;

namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>How many counters (author × exemplar) of a task type are kept.</summary>
/// <param name="Own">One's own.</param>
/// <param name="PerAuthor">Of any other author.</param>
/// <param name="Others">Everyone else's together.</param>
internal sealed record CreditLimits(int Own, int PerAuthor, int Others)
{
    /// <summary>2,048 of one's own, 256 of an author, 4,096 of the others.</summary>
    public static CreditLimits Default { get; } = new(2_048, 256, 4_096);
}

/// <summary>
/// What peers say of exemplars: a grow-only counter per author and exemplar, merged by keeping the record with more
/// evidence. Order, repetition and partitions make no difference. When there is no more room, whoever has most counters
/// gives way with the one that tells least; one's own are apart.
/// </summary>
internal sealed class CreditState
{
    private static readonly ImmutableSortedDictionary<string, CreditRecord> NoAuthors = ImmutableSortedDictionary.Create<string, CreditRecord>(StringComparer.Ordinal);
    private static readonly ImmutableSortedSet<CreditRecord> NoRecords = ImmutableSortedSet.Create(CreditRecord.MostEvidenceFirst);

    private readonly string _self;
    private readonly CreditLimits _limits;

    // Both ways, so that neither a merge nor a look-up walks over everything.
    private readonly ImmutableDictionary<string, ImmutableSortedDictionary<string, CreditRecord>> _byExemplar;
    private readonly ImmutableSortedDictionary<string, ImmutableSortedSet<CreditRecord>> _byAuthor;
    private readonly int _others;

    private CreditState(
        string self,
        CreditLimits limits,
        ImmutableDictionary<string, ImmutableSortedDictionary<string, CreditRecord>> byExemplar,
        ImmutableSortedDictionary<string, ImmutableSortedSet<CreditRecord>> byAuthor,
        int others)
    {
        _self = self;
        _limits = limits;
        _byExemplar = byExemplar;
        _byAuthor = byAuthor;
        _others = others;
    }

    /// <summary>All records, authors in ordinal order, those with most evidence first.</summary>
    public IEnumerable<CreditRecord> Records => _byAuthor.Values.SelectMany(records => records);

    /// <summary>The envelopes that prove the records, this peer's first, then those with most evidence.</summary>
    public IEnumerable<Identity.SignedEnvelope> Envelopes => Records
        .OrderByDescending(record => record.Author == _self).ThenBy(record => record, CreditRecord.MostEvidenceFirst)
        .Select(record => record.Envelope).DistinctBy(envelope => envelope.Id);

    /// <summary>Nothing known yet.</summary>
    /// <param name="self">The peer id of whose counters are one's own.</param>
    /// <param name="limits">The bounds.</param>
    public static CreditState Empty(string self, CreditLimits limits) => new(
        self, limits,
        ImmutableDictionary.Create<string, ImmutableSortedDictionary<string, CreditRecord>>(StringComparer.Ordinal),
        ImmutableSortedDictionary.Create<string, ImmutableSortedSet<CreditRecord>>(StringComparer.Ordinal), 0);

    /// <summary>What each author says of an exemplar, in ordinal order of authors.</summary>
    public IEnumerable<CreditRecord> Of(string trajectoryId) => _byExemplar.GetValueOrDefault(trajectoryId)?.Values ?? [];

    /// <summary>What this peer has signed of an exemplar.</summary>
    public CreditRecord? Own(string trajectoryId) => _byExemplar.GetValueOrDefault(trajectoryId)?.GetValueOrDefault(_self);

    /// <summary>The state with the record; this very state when it tells nothing new or ranks behind a full pool.</summary>
    public CreditState Merge(CreditRecord record)
    {
        var known = _byExemplar.GetValueOrDefault(record.TrajectoryId)?.GetValueOrDefault(record.Author);
        if (known is not null && CreditRecord.MostEvidenceFirst.Compare(known, record) <= 0)
        {
            return this;
        }

        var grown = (known is null ? this : Without(known)).With(record);
        return grown.Excess(record.Author) is not { } last ? grown
            : ReferenceEquals(last, record) ? this
            : grown.Without(last);
    }

    /// <summary>The record that has to go, if one is too many: the last in the order of <see cref="FairShare"/> by author.</summary>
    private CreditRecord? Excess(string author)
    {
        var own = _byAuthor[author];
        if (own.Count > (author == _self ? _limits.Own : _limits.PerAuthor))
        {
            return own[^1];
        }

        if (_others <= _limits.Others)
        {
            return null;
        }

        CreditRecord? last = null;
        var most = 0;
        foreach (var (other, records) in _byAuthor)
        {
            if (other != _self && (records.Count > most || (records.Count == most && CreditRecord.MostEvidenceFirst.Compare(records[^1], last!) > 0)))
            {
                (most, last) = (records.Count, records[^1]);
            }
        }

        return last;
    }

    private CreditState With(CreditRecord record) => new(
        _self, _limits,
        _byExemplar.SetItem(record.TrajectoryId, (_byExemplar.GetValueOrDefault(record.TrajectoryId) ?? NoAuthors).SetItem(record.Author, record)),
        _byAuthor.SetItem(record.Author, (_byAuthor.GetValueOrDefault(record.Author) ?? NoRecords).Add(record)),
        _others + (record.Author == _self ? 0 : 1));

    private CreditState Without(CreditRecord record)
    {
        var authors = _byExemplar[record.TrajectoryId].Remove(record.Author);
        var records = _byAuthor[record.Author].Remove(record);
        return new CreditState(
            _self, _limits,
            authors.IsEmpty ? _byExemplar.Remove(record.TrajectoryId) : _byExemplar.SetItem(record.TrajectoryId, authors),
            records.IsEmpty ? _byAuthor.Remove(record.Author) : _byAuthor.SetItem(record.Author, records),
            _others - (record.Author == _self ? 0 : 1));
    }
}
