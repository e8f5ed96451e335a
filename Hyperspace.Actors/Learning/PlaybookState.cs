using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>How many records (author × bullet) a task type's playbook keeps.</summary>
/// <param name="Own">Counters of one's own; which of them stay is up to <see cref="OwnInsights"/>.</param>
/// <param name="Others">Counters of everyone else together.</param>
/// <param name="OwnTombstones">Bullets that this peer may prune for good; at the bound it prunes no more, so that none of them comes back.</param>
/// <param name="OthersTombstones">Tombstones of everyone else together.</param>
/// <param name="PerAuthor">Counters, and as many tombstones, of any other author.</param>
internal sealed record PlaybookLimits(int Own, int Others, int OwnTombstones = 4_096, int OthersTombstones = 2_048, int PerAuthor = 512)
{
    /// <summary>512 counters of one's own and 2,048 of the others, of each as many as it keeps of its own.</summary>
    public static PlaybookLimits Default { get; } = new(512, 2_048);
}

/// <summary>
/// What peers reflected on one task type, a CRDT: a grow-only counter per author and bullet, and a grow-only tombstone per
/// author and bullet, each the latest that its author signed. Order, repetition and partitions make no difference. What
/// runs themselves show is not in here: <see cref="IReflector"/> derives it from the kept runs. How it is read is up to
/// <see cref="Playbook"/>, which never changes it.
/// </summary>
internal sealed class PlaybookState
{
    private readonly AuthorPool<InsightRecord> _own;
    private readonly AuthorPool<InsightRecord> _others;
    private readonly AuthorPool<TombstoneRecord> _ownTombstones;
    private readonly AuthorPool<TombstoneRecord> _othersTombstones;

    private PlaybookState(
        string self, AuthorPool<InsightRecord> own, AuthorPool<InsightRecord> others, AuthorPool<TombstoneRecord> ownTombstones, AuthorPool<TombstoneRecord> othersTombstones)
    {
        Self = self;
        _own = own;
        _others = others;
        _ownTombstones = ownTombstones;
        _othersTombstones = othersTombstones;
    }

    /// <summary>The peer id of whose records are one's own.</summary>
    public string Self { get; }

    /// <summary>All counters, those with most evidence first.</summary>
    public IReadOnlyList<InsightRecord> Records => field ??= [.. _own.Records.Concat(_others.Records).Order(InsightRecord.MostEvidenceFirst)];

    /// <summary>All tombstones, those that cover most first.</summary>
    public IReadOnlyList<TombstoneRecord> Tombstones => field ??= [.. _ownTombstones.Records.Concat(_othersTombstones.Records).Order(TombstoneRecord.MostSeenFirst)];

    /// <summary>What is kept, as it was signed: most evidence first, each envelope once.</summary>
    public IEnumerable<SignedEnvelope> Envelopes =>
        Records.Select(record => record.Envelope).Concat(Tombstones.Select(tombstone => tombstone.Envelope)).DistinctBy(envelope => envelope.Id, StringComparer.Ordinal);

    /// <summary>Nothing reflected yet.</summary>
    public static PlaybookState Empty(string self, PlaybookLimits limits) => new(
        self,
        AuthorPool<InsightRecord>.Empty(limits.Own, int.MaxValue, InsightRecord.MostEvidenceFirst),
        AuthorPool<InsightRecord>.Empty(limits.Others, limits.PerAuthor, InsightRecord.MostEvidenceFirst),
        AuthorPool<TombstoneRecord>.Empty(limits.OwnTombstones, int.MaxValue, TombstoneRecord.MostSeenFirst),
        AuthorPool<TombstoneRecord>.Empty(limits.OthersTombstones, limits.PerAuthor, TombstoneRecord.MostSeenFirst));

    /// <summary>This peer's own counters of a bullet, if it has any.</summary>
    public InsightRecord? OwnRecord(string bulletId) => _own.Find(Self, bulletId);

    /// <summary>The state with what an opened envelope says; this very state when that is nothing new. With a refusal when it breaks a rule.</summary>
    public PlaybookState Merge(SignedEnvelope envelope, string taskType, out Refusal? refusal) =>
        PlaybookRecords.Read(envelope, taskType, out refusal) is { } records ? Merge(records) : this;

    /// <summary>The state with these records; this very state when they tell nothing new or rank behind full pools.</summary>
    public PlaybookState Merge(PlaybookRecords records)
    {
        var (own, others, ownTombstones, othersTombstones) = (_own, _others, _ownTombstones, _othersTombstones);
        foreach (var tombstone in records.Tombstones)
        {
            (ownTombstones, othersTombstones) = tombstone.Author == Self
                ? (ownTombstones.Merge(tombstone), othersTombstones)
                : (ownTombstones, othersTombstones.Merge(tombstone));
        }

        foreach (var record in records.Insights)
        {
            (own, others) = record.Author == Self
                ? (own.Merge(record, mine => OwnInsights.Last(mine, id => ownTombstones.Find(Self, id))), others)
                : (own, others.Merge(record));
        }

        return ReferenceEquals(own, _own) && ReferenceEquals(others, _others) && ReferenceEquals(ownTombstones, _ownTombstones) && ReferenceEquals(othersTombstones, _othersTombstones)
            ? this
            : new PlaybookState(Self, own, others, ownTombstones, othersTombstones);
    }

    /// <summary>
    /// This peer's counters after a reflection: absolute values, in deltas that fit the rules. A run that a bullet was
    /// reflected on before does not count again; nor does credit for a bullet that nobody reflected (what runs show is
    /// credited by the runs). Empty when nothing changes.
    /// </summary>
    /// <param name="taskType">The task type.</param>
    /// <param name="reflection">Sentences and credits.</param>
    /// <param name="trajectoryId">The run that was reflected on, if it is one that has an id.</param>
    /// <param name="read">This state as it reads here: bullets of others are signed in the spelling that is shown.</param>
    public IReadOnlyList<PlaybookDelta> Reflect(string taskType, Reflection reflection, string? trajectoryId, Playbook read)
    {
        var counts = new Dictionary<string, BulletCount>(StringComparer.Ordinal);
        foreach (var insight in reflection.Insights)
        {
            Count(PlaybookRules.IdOf(taskType, insight.Section, insight.Text), insight.Effect, () => new BulletCount { Section = insight.Section, Text = insight.Text });
        }

        var known = reflection.Tags.Count == 0 ? [] : Records.Select(record => record.BulletId).ToHashSet(StringComparer.Ordinal);
        foreach (var tag in reflection.Tags)
        {
            if (known.Contains(tag.BulletId) && read.SpellingOf(tag.BulletId) is (var section, var text))
            {
                Count(tag.BulletId, tag.Effect, () => new BulletCount { Section = section, Text = text });
            }
        }

        return [.. counts.Values.Chunk(PlaybookRules.MaxBulletsPerDelta).Select(chunk => new PlaybookDelta { TaskType = taskType, Bullets = { chunk } })];

        void Count(string id, BulletEffect? effect, Func<BulletCount> fresh)
        {
            // Counters that gave way go on from what the tombstone covers, or they would be covered again.
            var mine = OwnRecord(id)?.Count ?? (_ownTombstones.Find(Self, id)?.Of(Self) is { } covered ? Covered(fresh(), covered) : null);
            if (counts.ContainsKey(id) || (mine is not null && (effect is null || (trajectoryId is not null && mine.Sources.Contains(trajectoryId)))))
            {
                return;
            }

            var count = mine?.Clone() ?? fresh();
            count.Helpful = Math.Min(PlaybookRules.MaxCount, count.Helpful + (effect == BulletEffect.Helpful ? 1UL : 0));
            count.Harmful = Math.Min(PlaybookRules.MaxCount, count.Harmful + (effect == BulletEffect.Harmful ? 1UL : 0));
            count.Neutral = Math.Min(PlaybookRules.MaxCount, count.Neutral + (effect == BulletEffect.Neutral ? 1UL : 0));
            if (trajectoryId is not null)
            {
                // The newest sources stay: they are the ones that may be reflected on again.
                count.Sources.Add(trajectoryId);
                while (count.Sources.Count > PlaybookRules.MaxSources)
                {
                    count.Sources.RemoveAt(0);
                }
            }

            counts[id] = count;
        }

        static BulletCount Covered(BulletCount count, BulletEvidence evidence)
        {
            (count.Helpful, count.Harmful, count.Neutral) = (evidence.Helpful, evidence.Harmful, evidence.Neutral);
            return count;
        }
    }

    /// <summary>
    /// Tombstones of this peer for what is judged to do no good, over all the evidence here of those who have earned that it
    /// counts: a tombstone stays when what is lent is taken back. Own tombstones are never dropped: when their pool is full,
    /// such bullets are hidden by their counters alone. Null when nothing changes.
    /// </summary>
    /// <param name="taskType">The task type.</param>
    /// <param name="read">This state as it reads here.</param>
    public PlaybookDelta? Prune(string taskType, Playbook read)
    {
        var earned = read.Weights.Earned;
        var records = Records.Where(record => earned.Of(record.Author) > 0).ToLookup(record => record.BulletId, StringComparer.Ordinal);
        var room = _ownTombstones.Room;
        var delta = new PlaybookDelta { TaskType = taskType };
        foreach (var id in read.All.Where(bullet => bullet.IsToBePruned).SelectMany(bullet => bullet.Members).Distinct(StringComparer.Ordinal))
        {
            var known = _ownTombstones.Find(Self, id);
            if (delta.Tombstones.Count < PlaybookRules.MaxBulletsPerDelta && (known is not null || room > 0)
                && TombstoneRecord.Covering(id, records[id], Self, known) is { } tombstone)
            {
                room -= known is null ? 1 : 0;
                delta.Tombstones.Add(tombstone);
            }
        }

        return delta.Tombstones.Count > 0 ? delta : null;
    }
}
