using System.Collections.Immutable;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>How many counters (author × bullet) a task type's playbook keeps.</summary>
/// <param name="Own">One's own.</param>
/// <param name="Others">Everyone else's together.</param>
internal sealed record PlaybookLimits(int Own, int Others)
{
    /// <summary>512 of one's own, 2,048 of the others.</summary>
    public static PlaybookLimits Default { get; } = new(512, 2_048);
}

/// <summary>
/// The insights that peers reflected on one task type: a grow-only counter per author and bullet, merged by keeping
/// the record with more evidence. Order, repetition and partitions make no difference. What runs themselves show is
/// not in here: <see cref="IReflector"/> derives it from the kept runs.
/// </summary>
internal sealed class PlaybookState
{
    private readonly string _self;
    private readonly PlaybookLimits _limits;
    private readonly ImmutableDictionary<(string Author, string BulletId), InsightRecord> _own;
    private readonly ImmutableDictionary<(string Author, string BulletId), InsightRecord> _others;

    private PlaybookState(
        string self,
        PlaybookLimits limits,
        ImmutableDictionary<(string Author, string BulletId), InsightRecord> own,
        ImmutableDictionary<(string Author, string BulletId), InsightRecord> others)
    {
        _self = self;
        _limits = limits;
        _own = own;
        _others = others;
    }

    /// <summary>All records, those with most evidence first.</summary>
    public IReadOnlyList<InsightRecord> Records => field ??= [.. _own.Values.Concat(_others.Values).Order(InsightRecord.MostEvidenceFirst)];

    /// <summary>Nothing reflected yet.</summary>
    public static PlaybookState Empty(string self, PlaybookLimits limits)
    {
        var none = ImmutableDictionary<(string, string), InsightRecord>.Empty;
        return new PlaybookState(self, limits, none, none);
    }

    /// <summary>This peer's own record of a bullet, if it has one.</summary>
    public InsightRecord? OwnRecord(string bulletId) => _own.GetValueOrDefault((_self, bulletId));

    /// <summary>The state with the record; this very state when it tells nothing new or ranks behind a full pool.</summary>
    public PlaybookState Merge(InsightRecord record)
    {
        var isOwn = record.Author == _self;
        var pool = isOwn ? _own : _others;
        var key = (record.Author, record.BulletId);
        if (pool.TryGetValue(key, out var known) && InsightRecord.MostEvidenceFirst.Compare(known, record) <= 0)
        {
            return this;
        }

        var merged = pool.SetItem(key, record);
        if (merged.Count > (isOwn ? _limits.Own : _limits.Others))
        {
            var last = FairShare.Order(merged.Values, InsightRecord.MostEvidenceFirst, r => r.Author)[^1];
            if (ReferenceEquals(last, record))
            {
                return this;
            }

            merged = merged.Remove((last.Author, last.BulletId));
        }

        return isOwn ? new PlaybookState(_self, _limits, merged, _others) : new PlaybookState(_self, _limits, _own, merged);
    }
}
