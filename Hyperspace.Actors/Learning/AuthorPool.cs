using System.Collections.Immutable;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What an author says of a bullet, signed.</summary>
internal interface IBulletRecord
{
    /// <summary>The author's peer id.</summary>
    string Author { get; }

    /// <summary>The bullet.</summary>
    string BulletId { get; }
}

/// <summary>
/// A bounded set with one record per author and bullet: of two the better one stays, which for counters that only grow is
/// the later one. Of an author a bounded number stays; a full pool keeps every author's best before anyone's second. The same
/// records in any order and number leave the same pool: a record never ranks better because others came.
/// </summary>
internal sealed class AuthorPool<T>
    where T : class, IBulletRecord
{
    private readonly int _limit;
    private readonly int _perAuthor;
    private readonly IComparer<T> _bestFirst;
    private readonly ImmutableDictionary<(string Author, string BulletId), T> _records;

    private AuthorPool(int limit, int perAuthor, IComparer<T> bestFirst, ImmutableDictionary<(string Author, string BulletId), T> records)
    {
        _limit = limit;
        _perAuthor = perAuthor;
        _bestFirst = bestFirst;
        _records = records;
    }

    /// <summary>In no order.</summary>
    public IEnumerable<T> Records => _records.Values;

    /// <summary>How many more records fit before one is displaced.</summary>
    public int Room => _limit - _records.Count;

    /// <summary>Nothing kept.</summary>
    /// <param name="limit">Most records.</param>
    /// <param name="perAuthor">Most records of one author.</param>
    /// <param name="bestFirst">A total order.</param>
    public static AuthorPool<T> Empty(int limit, int perAuthor, IComparer<T> bestFirst) => new(limit, perAuthor, bestFirst, ImmutableDictionary<(string Author, string BulletId), T>.Empty);

    /// <summary>The record of an author and bullet, if there is one.</summary>
    public T? Find(string author, string bulletId) => _records.GetValueOrDefault((author, bulletId));

    /// <summary>The pool with the record; this very pool when it tells nothing new or ranks behind a full pool.</summary>
    public AuthorPool<T> Merge(T record) => Merge(record, records => FairShare.Order(records, _bestFirst, r => r.Author)[^1]);

    /// <summary>As above, with another rule for which record of an overfull pool has to go.</summary>
    public AuthorPool<T> Merge(T record, Func<IReadOnlyCollection<T>, T> lastOf)
    {
        var key = (record.Author, record.BulletId);
        if (_records.TryGetValue(key, out var known) && _bestFirst.Compare(known, record) <= 0)
        {
            return this;
        }

        var merged = _records.SetItem(key, record);
        var ofAuthor = merged.Values.Where(r => r.Author == record.Author).ToList();
        var last = ofAuthor.Count > _perAuthor ? ofAuthor.Max(_bestFirst) : merged.Count > _limit ? lastOf([.. merged.Values]) : null;
        if (ReferenceEquals(last, record))
        {
            return this;
        }

        return new AuthorPool<T>(_limit, _perAuthor, _bestFirst, last is null ? merged : merged.Remove((last.Author, last.BulletId)));
    }
}
