using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// A task type's playbook: what the runs show, and what peers reflected, joined by bullet id; pure. One author's
/// word counts up to <see cref="AuthorCap"/> times per bullet, however often it is repeated.
/// </summary>
internal static class Playbook
{
    /// <summary>Most bullets of a playbook.</summary>
    public const int MaxBullets = 512;

    /// <summary>Most that one author adds to either counter of a bullet.</summary>
    public const ulong AuthorCap = 10;

    /// <summary>Counts that must be in before a bullet can be pruned.</summary>
    public const ulong MinimumEvidence = 3;

    /// <summary>All bullets, best first.</summary>
    public static IReadOnlyList<BulletView> Bullets(string taskType, IEnumerable<DerivedBullet> derived, IEnumerable<InsightRecord> insights)
    {
        var drafts = new Dictionary<string, Draft>(StringComparer.Ordinal);
        Draft DraftOf(string id, string section, string text)
        {
            var draft = drafts.TryGetValue(id, out var known) ? known : drafts[id] = new Draft(section, text);
            draft.Text = string.CompareOrdinal(text, draft.Text) < 0 ? text : draft.Text;
            return draft;
        }

        foreach (var bullet in derived)
        {
            var draft = DraftOf(PlaybookRules.IdOf(taskType, bullet.Section, bullet.Text), bullet.Section, bullet.Text);
            foreach (var run in bullet.Helpful)
            {
                draft.Count(run.Author, 1, 0);
            }

            foreach (var run in bullet.Harmful)
            {
                draft.Count(run.Author, 0, 1);
            }

            draft.Sources.UnionWith(bullet.Helpful.Concat(bullet.Harmful).Concat(bullet.Context).Select(run => run.Id));
        }

        foreach (var insight in insights)
        {
            var draft = DraftOf(insight.BulletId, insight.Count.Section, insight.Count.Text);
            draft.Count(insight.Author, insight.Count.Helpful, insight.Count.Harmful);
            draft.Sources.UnionWith(insight.Sources);
        }

        return [.. drafts.Select(entry => entry.Value.ToView(entry.Key))
            .OrderByDescending(bullet => bullet.Score).ThenByDescending(bullet => bullet.Helpful).ThenBy(bullet => bullet.Id, StringComparer.Ordinal)];
    }

    /// <summary>False for a bullet that did as much harm as good, once enough is known of it. Its counters stay, so it does not come back as new.</summary>
    public static bool IsVisible(BulletView bullet) =>
        bullet.Harmful < bullet.Helpful || bullet.Helpful + bullet.Harmful < MinimumEvidence;

    private sealed class Draft(string section, string text)
    {
        private readonly Dictionary<string, (ulong Helpful, ulong Harmful)> _counts = new(StringComparer.Ordinal);

        public string Text { get; set; } = text;

        public SortedSet<string> Sources { get; } = new(StringComparer.Ordinal);

        public void Count(string author, ulong helpful, ulong harmful)
        {
            var (h, m) = _counts.GetValueOrDefault(author);
            _counts[author] = (h + helpful, m + harmful);
        }

        public BulletView ToView(string id)
        {
            var helpful = _counts.Values.Aggregate(0UL, (sum, count) => sum + Math.Min(count.Helpful, AuthorCap));
            var harmful = _counts.Values.Aggregate(0UL, (sum, count) => sum + Math.Min(count.Harmful, AuthorCap));
            return new BulletView(id, section, Text, helpful, harmful, (helpful + 1.0) / (helpful + harmful + 2.0), [.. Sources.Take(PlaybookRules.MaxSources)]);
        }
    }
}
