using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>A bullet, and what is to become of it here.</summary>
/// <param name="View">As callers see it.</param>
/// <param name="Members">Ids of the near-equal bullets that it stands for, its own among them.</param>
/// <param name="Evidence">Everyone's evidence that counts, weighed.</param>
/// <param name="IsHidden">It is not shown.</param>
/// <param name="IsToBePruned">The evidence of those who have earned that it counts is that it does no good, and this peer has no tombstone that says so.</param>
internal sealed record JudgedBullet(BulletView View, IReadOnlyList<string> Members, WeighedEvidence Evidence, bool IsHidden, bool IsToBePruned)
{
    /// <summary>What anybody says whose word counts before what nobody else says, what is proven first, then by score; a total order.</summary>
    public static IComparer<JudgedBullet> BestFirst { get; } = Comparer<JudgedBullet>.Create((a, b) =>
    {
        var order = (b.View.Authors > 0).CompareTo(a.View.Authors > 0);
        order = order != 0 ? order : b.Evidence.IsProven.CompareTo(a.Evidence.IsProven);
        order = order != 0 ? order : b.View.Score.CompareTo(a.View.Score);
        order = order != 0 ? order : b.Evidence.Helpful.CompareTo(a.Evidence.Helpful);
        return order != 0 ? order : string.CompareOrdinal(a.View.Id, b.View.Id);
    });
}

/// <summary>
/// Which bullets are shown; pure (docs/decisions, ADR-0021). Without a tombstone, a bullet is hidden when it does no good by
/// all the evidence, once there is enough. With one, what the tombstone has seen counts no more: the bullet stays hidden
/// until enough new evidence, of more than one author, speaks for it.
/// </summary>
internal static class Pruning
{
    /// <summary>Outcomes that must be in before a bullet is pruned, and new helpful ones before it is shown again.</summary>
    public const ulong MinimumEvidence = 3;

    /// <summary>Authors that must have seen it help before it is shown again, unless this peer itself has.</summary>
    public const int RevivingAuthors = 2;

    /// <summary>Trust that the authors of tombstones need together, in thousandths, before a peer that has none of its own follows them.</summary>
    public const ulong TombstoneWeight = WeighedEvidence.Unit / 2;

    /// <summary>Most tombstones of others that are looked at for one bullet: those of the most trusted authors.</summary>
    public const int MaxTombstones = 16;

    private const ulong Enough = MinimumEvidence * WeighedEvidence.Unit;

    /// <summary>Judges a group of near-equal bullets; the first one gives it its id and text.</summary>
    public static JudgedBullet Judge(IReadOnlyList<BulletDraft> group, AuthorWeights weights)
    {
        var (all, beyond, isPruned) = EvidenceOf(group, weights);
        var counted = Weigh(beyond, weights);
        var isHidden = isPruned ? !IsRevived(beyond, counted, weights) : DoesNoGood(counted);
        return new JudgedBullet(ViewOf(group, all, counted.Score, weights), [.. group.Select(draft => draft.Id)], counted, isHidden, IsToBePruned(group, weights.Earned));
    }

    /// <summary>ACE's "problematic" and "unused", once there is enough evidence for either.</summary>
    public static bool DoesNoGood(WeighedEvidence evidence) => evidence.IsProven
        ? evidence.Harmful >= evidence.Helpful && evidence.Helpful + evidence.Harmful >= Enough
        : evidence.Neutral >= Enough;

    private static bool IsToBePruned(IReadOnlyList<BulletDraft> group, AuthorWeights earned)
    {
        if (group.Any(draft => draft.IsDerived))
        {
            return false;
        }

        var (all, beyond, _) = EvidenceOf(group, earned);
        var isPrunedHere = group.All(draft => draft.Tombstones.Any(tombstone => tombstone.Author == earned.Self));
        return DoesNoGood(Weigh(beyond, earned)) || (!isPrunedHere && DoesNoGood(Weigh(all, earned)));
    }

    /// <summary>Everyone's evidence; what of it goes beyond the tombstones that hold; and whether any do.</summary>
    private static (Dictionary<string, BulletEvidence> All, Dictionary<string, BulletEvidence> Beyond, bool IsPruned) EvidenceOf(
        IReadOnlyList<BulletDraft> group, AuthorWeights weights)
    {
        var all = new Dictionary<string, BulletEvidence>(StringComparer.Ordinal);
        var beyond = new Dictionary<string, BulletEvidence>(StringComparer.Ordinal);
        var isPruned = false;
        foreach (var draft in group)
        {
            var standing = draft.IsDerived ? null : InEffect(draft, weights);
            isPruned |= standing is not null;
            foreach (var (author, evidence) in draft.Evidence)
            {
                all[author] = all.GetValueOrDefault(author).Plus(evidence);
                beyond[author] = beyond.GetValueOrDefault(author).Plus(standing is null ? evidence : evidence.Beyond(SeenOf(author, standing, weights)));
            }
        }

        return (all, beyond, isPruned);
    }

    private static bool IsRevived(Dictionary<string, BulletEvidence> beyond, WeighedEvidence counted, AuthorWeights weights) =>
        counted.Helpful > counted.Harmful && counted.Helpful >= Enough
        && (beyond.GetValueOrDefault(weights.Self).Helpful >= MinimumEvidence
            || beyond.Count(entry => entry.Value.Helpful > 0 && weights.Of(entry.Key) > 0) >= RevivingAuthors);

    /// <summary>
    /// The tombstones that hold here: the peer's own always; those of others when they are trusted enough together, unless
    /// this peer's own runs speak for the bullet. Null when none does.
    /// </summary>
    private static List<TombstoneRecord>? InEffect(BulletDraft draft, AuthorWeights weights)
    {
        var own = draft.Tombstones.FirstOrDefault(tombstone => tombstone.Author == weights.Self);
        var others = draft.Tombstones.Where(tombstone => tombstone != own && weights.Of(tombstone.Author) > 0)
            .OrderByDescending(tombstone => weights.Of(tombstone.Author)).ThenBy(tombstone => tombstone.Author, StringComparer.Ordinal)
            .Take(MaxTombstones).ToList();
        var mine = draft.Evidence.GetValueOrDefault(weights.Self);
        var holds = own is not null || (Sum(others, weights) >= TombstoneWeight && mine.Helpful <= mine.Harmful);
        return !holds ? null : own is null ? others : [own, .. others];
    }

    /// <summary>What is covered of an author's counters: as much as this peer's own tombstone says, or as enough trust says.</summary>
    private static BulletEvidence SeenOf(string author, List<TombstoneRecord> tombstones, AuthorWeights weights)
    {
        ulong Agreed(Func<BulletEvidence, ulong> counter)
        {
            ulong weight = 0;
            foreach (var (seen, by) in tombstones.Select(tombstone => (counter(tombstone.SeenOf(author)), tombstone.Author)).OrderByDescending(entry => entry.Item1))
            {
                weight += weights.Of(by);
                if (weight >= TombstoneWeight)
                {
                    return seen;
                }
            }

            return 0;
        }

        return new BulletEvidence(Agreed(e => e.Helpful), Agreed(e => e.Harmful), Agreed(e => e.Neutral));
    }

    private static ulong Sum(IEnumerable<TombstoneRecord> tombstones, AuthorWeights weights) =>
        tombstones.Aggregate(0UL, (sum, tombstone) => sum + weights.Of(tombstone.Author));

    private static WeighedEvidence Weigh(Dictionary<string, BulletEvidence> evidence, AuthorWeights weights) => evidence.Aggregate(
        default(WeighedEvidence), (sum, entry) => sum.Plus(entry.Value.CappedAt(Playbook.AuthorCap), weights.Of(entry.Key)));

    private static BulletView ViewOf(IReadOnlyList<BulletDraft> group, Dictionary<string, BulletEvidence> all, double score, AuthorWeights weights)
    {
        var heard = all.Where(entry => weights.Of(entry.Key) > 0).Select(entry => entry.Value).ToList();
        var sum = heard.Aggregate(default(BulletEvidence), (sum, evidence) => sum.Plus(evidence.CappedAt(Playbook.AuthorCap)));
        return new BulletView(group[0].Id, group[0].Section, group[0].Text, sum.Helpful, sum.Harmful, score, SourcesOf(group, weights), heard.Count);
    }

    /// <summary>Every author's first before anyone's second, those who count most first; nobody's who counts for nothing while others name any.</summary>
    private static IReadOnlyList<string> SourcesOf(IReadOnlyList<BulletDraft> group, AuthorWeights weights)
    {
        var mostTrusted = Comparer<BulletSource>.Create((a, b) =>
        {
            var order = weights.Of(b.Author).CompareTo(weights.Of(a.Author));
            order = order != 0 ? order : string.CompareOrdinal(a.Id, b.Id);
            return order != 0 ? order : string.CompareOrdinal(a.Author, b.Author);
        });
        var sources = weights.Heard([.. group.SelectMany(draft => draft.Sources).Distinct()], source => source.Author);
        return [.. FairShare.Order(sources, mostTrusted, source => source.Author).Select(source => source.Id).Distinct(StringComparer.Ordinal).Take(PlaybookRules.MaxSources).Order(StringComparer.Ordinal)];
    }
}
