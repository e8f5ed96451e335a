namespace Hyperspace.Actors.Learning;

/// <summary>
/// Groups bullets that say the same in nearly the same words (ACE, arXiv:2510.04618), as a view: nothing is rewritten, and a
/// group falls apart again when the bullet that held it together goes. Greedy in one order, so that every peer groups alike:
/// a bullet joins the first one before it that it is near to, else it begins a group, which has its id.
/// </summary>
internal static class NearDuplicates
{
    /// <summary>Most bullets that are compared, those with most evidence; the rest stands alone.</summary>
    public const int MaxCompared = 512;

    /// <summary>The groups; the first of each gives the group its id and text.</summary>
    /// <param name="drafts">Distinct bullets.</param>
    /// <remarks>Only what somebody trusted speaks for or against is compared: a stranger must not put other words into a proven bullet's mouth.</remarks>
    public static IEnumerable<IReadOnlyList<BulletDraft>> Group(IReadOnlyList<BulletDraft> drafts)
    {
        var comparable = drafts.Where(draft => !draft.IsDerived)
            .Select(draft => (Draft: draft, Evidence: draft.Weigh()))
            .Where(entry => entry.Evidence.IsProven || entry.Evidence.Neutral > 0)
            .OrderByDescending(entry => entry.Evidence.Helpful + entry.Evidence.Harmful).ThenBy(entry => entry.Draft.Id, StringComparer.Ordinal)
            .Take(MaxCompared).Select(entry => entry.Draft).ToHashSet();
        var groups = new Dictionary<string, List<(BulletText Text, List<BulletDraft> Members)>>(StringComparer.Ordinal);
        foreach (var draft in comparable.OrderBy(draft => draft.Id, StringComparer.Ordinal))
        {
            var text = BulletText.Of(draft.Text);
            var bucket = draft.Section + '\n' + text.Key;
            var alike = groups.TryGetValue(bucket, out var known) ? known : groups[bucket] = [];
            var members = alike.Find(group => group.Text.IsNear(text)).Members;
            if (members is null)
            {
                alike.Add((text, [draft]));
            }
            else
            {
                members.Add(draft);
            }
        }

        return groups.Values.SelectMany(bucket => bucket).Select(group => (IReadOnlyList<BulletDraft>)group.Members)
            .Concat(drafts.Where(draft => !comparable.Contains(draft)).Select(draft => (IReadOnlyList<BulletDraft>)[draft]));
    }
}
