using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// A task type's playbook as one peer reads it: what the runs show and what peers reflected, joined by bullet id, near
/// duplicates together, pruned bullets hidden, every author's word weighed; pure. One author's word counts up to
/// <see cref="AuthorCap"/> times per bullet, however often it is repeated. Two peers with the same records and the same
/// weights read the same.
/// </summary>
internal sealed class Playbook
{
    /// <summary>Most bullets of a playbook.</summary>
    public const int MaxBullets = 512;

    /// <summary>Most that one author adds to any counter of a bullet.</summary>
    public const ulong AuthorCap = 10;

    private readonly Dictionary<string, JudgedBullet> _byId = new(StringComparer.Ordinal);

    private readonly Dictionary<string, (string Section, string Text)> _spellings;

    private Playbook(IReadOnlyList<JudgedBullet> all, Dictionary<string, (string Section, string Text)> spellings, AuthorWeights weights)
    {
        All = all;
        Weights = weights;
        _spellings = spellings;
        Visible = [.. all.Where(bullet => !bullet.IsHidden).Take(MaxBullets).Select(bullet => bullet.View)];
        foreach (var bullet in all)
        {
            foreach (var id in bullet.Members)
            {
                _byId[id] = bullet;
            }
        }
    }

    /// <summary>All bullets, best first, hidden ones included.</summary>
    public IReadOnlyList<JudgedBullet> All { get; }

    /// <summary>Whose word counted how much.</summary>
    public AuthorWeights Weights { get; }

    /// <summary>The playbook: bullets that are shown, best first.</summary>
    public IReadOnlyList<BulletView> Visible { get; }

    /// <summary>Reads the playbook.</summary>
    /// <param name="taskType">The task type.</param>
    /// <param name="derived">What the kept runs show.</param>
    /// <param name="reflected">What peers reflected.</param>
    /// <param name="weights">Whose word counts how much.</param>
    public static Playbook Read(string taskType, IEnumerable<DerivedBullet> derived, PlaybookState reflected, AuthorWeights weights)
    {
        var drafts = new Dictionary<string, BulletDraft>(StringComparer.Ordinal);
        foreach (var bullet in derived)
        {
            var draft = DraftOf(PlaybookRules.IdOf(taskType, bullet.Section, bullet.Text), bullet.Section);
            draft.Derive(bullet.Text);
            foreach (var run in bullet.Helpful)
            {
                draft.Count(run.Author, new BulletEvidence(1, 0, 0));
            }

            foreach (var run in bullet.Harmful)
            {
                draft.Count(run.Author, new BulletEvidence(0, 1, 0));
            }

            draft.Name(bullet.Helpful.Concat(bullet.Harmful).Concat(bullet.Context).Select(run => new BulletSource(run.Id, run.Author)));
        }

        foreach (var record in reflected.Records)
        {
            var draft = DraftOf(record.BulletId, record.Count.Section);
            draft.Spell(record.Count.Text, record.Author);
            draft.Count(record.Author, record.Evidence);
            draft.Name(record.Sources.Select(source => new BulletSource(source, record.Author)));
        }

        foreach (var tombstones in reflected.Tombstones.GroupBy(tombstone => tombstone.BulletId, StringComparer.Ordinal))
        {
            if (drafts.TryGetValue(tombstones.Key, out var draft))
            {
                draft.Tombstones = [.. tombstones];
            }
        }

        return new Playbook(
            [.. NearDuplicates.Group([.. drafts.Values]).Select(group => Pruning.Judge(group, weights)).Order(JudgedBullet.BestFirst)],
            drafts.Values.ToDictionary(draft => draft.Id, draft => (draft.Section, draft.Text), StringComparer.Ordinal),
            weights);

        BulletDraft DraftOf(string id, string section) => drafts.TryGetValue(id, out var known) ? known : drafts[id] = new BulletDraft(id, section, weights);
    }

    /// <summary>How a bullet is spelt here, hidden or not; null when it is unknown.</summary>
    public (string Section, string Text)? SpellingOf(string bulletId) => _spellings.TryGetValue(bulletId, out var spelling) ? spelling : null;

    /// <summary>The bullet of that id, or the one that it was joined to as a near duplicate.</summary>
    public BulletView? Find(string bulletId) => _byId.GetValueOrDefault(bulletId)?.View;
}
