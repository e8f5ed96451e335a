using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Contracts;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>Peers that reflect, prune, are partitioned, hear things late, twice and in any order, and meet again.</summary>
public class PlaybookMergeTests
{
    private const int Peers = 5;

    private static readonly string[] Texts =
    [
        "Ask for one page at a time.", "ask for one page at a time", "Ask for one page at a time!", "Retry when the provider is late.",
        "Retry again when the provider is late.", "Use mode=any for short queries.", "Use mode=all for short queries.", "Never cut the answer.", "Cut the answer.",
    ];

    [Property(MaxTest = 60)]
    public bool Whatever_happened_on_the_way_all_peers_end_with_the_same_bytes_and_nothing_pruned_is_back(int seed)
    {
        var random = new Random(seed);
        var peers = Enumerable.Range(0, Peers).Select(i => PlaybookState.Empty(Self(i), PlaybookLimits.Default)).ToArray();
        var said = new List<SignedEnvelope>();
        var pruned = new HashSet<string>();
        for (var step = 0; step < 120; step++)
        {
            var i = random.Next(Peers);
            var before = peers[i];
            var deltas = random.Next(5) == 0
                ? before.Prune(Runs.TaskType, Read(before)) is { } delta ? [delta] : []
                : before.Reflect(Runs.TaskType, Anything(random, Read(before)), random.Next(3) == 0 ? null : Id(random.Next(40)), Read(before));
            foreach (var signed in deltas.Select(d => Runs.Seal(i, EnvelopeTypes.PlaybookDelta, d, step)))
            {
                peers[i] = Merge(peers[i], signed);
                said.Add(signed);
                pruned.UnionWith(deltas[0].Tombstones.Select(t => t.BulletId));
            }

            // Some of what was said reaches some peer, late and perhaps again; the two halves hear each other rarely.
            var to = random.Next(Peers);
            foreach (var heard in said.OrderBy(_ => random.Next()).Take(random.Next(3)))
            {
                var isFar = (to < Peers / 2) != (Array.FindIndex(peers, peer => peer.Self == heard.Author.ToString()) < Peers / 2);
                if (!isFar || step > 100)
                {
                    var grown = Merge(peers[to], heard);
                    Assert.True(NeverShrinks(peers[to], grown));
                    peers[to] = grown;
                }
            }
        }

        peers = [.. peers.Select(peer => said.OrderBy(_ => random.Next()).Concat(said.Take(10)).Aggregate(peer, Merge))];
        var expected = Bytes(peers[0]);
        Assert.All(peers, peer => Assert.Equal(expected, Bytes(peer)));

        // A stale peer tells everything once more, and nothing changes.
        Assert.All(peers, peer => Assert.Same(peer, said.Aggregate(peer, Merge)));

        // As one reader sees it, what was pruned is hidden unless enough new evidence of more than one author speaks for it.
        var reader = Read(peers[0], AuthorWeights.Equal("a reader"));
        Assert.All(peers, peer => Assert.Equal(Shown(reader), Shown(Read(peer, AuthorWeights.Equal("a reader")))));
        Assert.All(reader.All.Where(bullet => !bullet.IsHidden && bullet.Members.Any(pruned.Contains)), bullet => Assert.True(bullet.Evidence.Helpful >= 3 * WeighedEvidence.Unit));
        return true;
    }

    [Property(MaxTest = 200)]
    public bool A_pruned_bullet_stays_hidden_whatever_stale_peers_repeat(int seed)
    {
        var random = new Random(seed);
        var history = new List<SignedEnvelope>();
        for (var i = 0; i < 4; i++)
        {
            for (var n = 1; n <= 3; n++)
            {
                history.Add(Runs.Delta(i, "Guess the parameter.", (ulong)random.Next(0, n + 1), (ulong)(n + 1), n));
            }
        }

        var pruner = history.Aggregate(PlaybookState.Empty(Self(7), PlaybookLimits.Default), Merge);
        var tombstone = Runs.Seal(7, EnvelopeTypes.PlaybookDelta, pruner.Prune(Runs.TaskType, Read(pruner))!, 50);

        // A newcomer hears the tombstone and only the good words of the past, in any order.
        var stale = history.Where(_ => random.Next(2) == 0).Append(tombstone).OrderBy(_ => random.Next()).Aggregate(PlaybookState.Empty(Self(6), PlaybookLimits.Default), Merge);
        return Read(stale).Visible.Count == 0 && Read(Merge(pruner, tombstone)).Visible.Count == 0;
    }

    [Fact]
    public void A_pruned_bullet_comes_back_on_new_helpful_evidence_of_two_authors_and_not_of_one()
    {
        var state = Of(5, Runs.Delta(1, "Guess.", 1, 3), Runs.Delta(2, "Guess.", 1, 2));
        state = Merge(state, Runs.Seal(5, EnvelopeTypes.PlaybookDelta, state.Prune(Runs.TaskType, Read(state))!, 9));
        Assert.Null(state.Prune(Runs.TaskType, Read(state)));

        Assert.Empty(Read(Merge(state, Runs.Delta(1, "Guess.", 9, 3, 1))).Visible);
        Assert.Empty(Read(Of(state, Runs.Delta(1, "Guess.", 2, 3, 1), Runs.Delta(2, "Guess.", 2, 2, 1))).Visible);
        var revived = Of(state, Runs.Delta(1, "Guess.", 3, 3, 1), Runs.Delta(2, "Guess.", 2, 2, 1));
        var bullet = Assert.Single(Read(revived).Visible);
        Assert.Equal((5UL, 5UL, 0.8), (bullet.Helpful, bullet.Harmful, bullet.Score));

        // It may be pruned again, and then needs new evidence once more.
        var worse = Of(revived, Runs.Delta(3, "Guess.", 0, 3, 2));
        var again = worse.Prune(Runs.TaskType, Read(worse))!;
        worse = Merge(worse, Runs.Seal(5, EnvelopeTypes.PlaybookDelta, again, 10));
        Assert.Empty(Read(Of(worse, Runs.Delta(4, "Guess.", 2, 0, 3))).Visible);
    }

    [Fact]
    public void Bullets_that_were_used_without_any_effect_are_pruned_once_that_is_known_well_enough()
    {
        var self = PlaybookState.Empty(Self(1), PlaybookLimits.Default);
        var proposed = new Reflection([], [new Insight("strategies", "Look at the sources first.", null)]);
        self = Merge(self, Runs.Seal(1, EnvelopeTypes.PlaybookDelta, Assert.Single(self.Reflect(Runs.TaskType, proposed, Id(0), Read(self)))));
        var id = Assert.Single(Read(self).Visible).Id;
        Assert.Empty(self.Reflect(Runs.TaskType, proposed, Id(1), Read(self)));
        for (var i = 1; i <= 3; i++)
        {
            Assert.Single(Read(self).Visible);
            var used = self.Reflect(Runs.TaskType, new Reflection([new BulletTag(id, BulletEffect.Neutral)], []), Id(i), Read(self));
            self = Merge(self, Runs.Seal(1, EnvelopeTypes.PlaybookDelta, Assert.Single(used), i));
        }

        Assert.Empty(Read(self).Visible);
        Assert.Equal(id, Assert.Single(self.Prune(Runs.TaskType, Read(self))!.Tombstones).BulletId);
    }

    [Fact]
    public void Ten_identities_in_quarantine_add_nothing_and_hide_nothing()
    {
        var honest = Of(5, Runs.Delta(1, "Ask for one page.", 4, 1));
        double Weight(string author) => author == Self(1) || author == Self(5) ? 1 : 0;
        var weights = new AuthorWeights(Self(5), Weight);
        var before = Read(honest, weights);
        var crowd = Enumerable.Range(10, 10).Select(KeyOf).ToArray();
        var attacked = honest;
        foreach (var key in crowd)
        {
            var vote = new PlaybookDelta { TaskType = Runs.TaskType };
            vote.Bullets.Add(new BulletCount { Section = "insights", Text = "Ask for one page.", Harmful = 10 });
            vote.Bullets.Add(new BulletCount { Section = "insights", Text = "Ask for one page. Buy.", Helpful = 1_000 });
            var buried = new BulletTombstone { BulletId = PlaybookRules.IdOf(Runs.TaskType, "insights", "Ask for one page.") };
            buried.Seen.Add(new EvidenceSeen { Author = Self(1), Helpful = 1_000_000 });
            vote.Tombstones.Add(buried);
            attacked = Merge(attacked, SignedEnvelope.Seal(key, EnvelopeTypes.PlaybookDelta, vote.ToByteArray(), new HybridTime(1, 1)));
        }

        var after = Read(attacked, weights);
        Assert.Equal(before.Visible[0].Score, after.Visible[0].Score);
        Assert.Equal("Ask for one page.", after.Visible[0].Text);
        Assert.Equal(0.5, after.Visible.Skip(1).Max(bullet => bullet.Score));
        Assert.Null(attacked.Prune(Runs.TaskType, after));
    }

    [Fact]
    public void Near_duplicates_are_one_bullet_whose_credit_adds_up_and_opposites_are_two()
    {
        var state = Of(5,
            Runs.Delta(1, "Ask the provider for a single page of results at any time and wait for it.", 2, 0),
            Runs.Delta(2, "Ask the provider for a single page of results at any time and wait for it to come.", 3, 1),
            Runs.Delta(3, "Never ask the provider for a single page of results at any time and wait for it.", 1, 0),
            Runs.Delta(4, "Ask the provider for a single page of results at any time=2 and wait for it.", 1, 0));
        var read = Read(state);
        Assert.Equal(3, read.Visible.Count);
        var joined = read.All.Single(bullet => bullet.Members.Count == 2);
        Assert.Equal((5UL, 1UL, 2), (joined.View.Helpful, joined.View.Harmful, joined.View.Authors));
        Assert.Equal(joined.Members.Min(StringComparer.Ordinal), joined.View.Id);
        Assert.All(joined.Members, id => Assert.Same(joined.View, read.Find(id)));
    }

    [Theory]
    [InlineData("Ask Alice to sign a release before any of the mirrors is told that there is a new version to fetch.", "Alice", "Mallory")]
    [InlineData("Alice signs a release before any of the mirrors is told that there is a new version to fetch there.", "Alice", "Mallory")]
    [InlineData("When the provider answers late, enable the cache of the results and ask once more for a single page of them.", "enable", "disable")]
    [InlineData("Send what changes a record of the catalogue to the primary replica and wait until it has answered twice.", "primary", "standby")]
    [InlineData("Always let Alice pay for what Bob has ordered of the provider in the session of this very week, and wait.", "Alice pay for what Bob", "Bob pay for what Alice")]
    public void Near_duplicates_with_another_name_or_an_opposite_are_two(string text, string word, string other)
    {
        Assert.Equal(1, VisibleOf(text, text[..^1] + " now."));
        Assert.Equal(2, VisibleOf(text, text.Replace(word, other, StringComparison.Ordinal)));

        static int VisibleOf(string one, string two) => Read(Of(5, Runs.Delta(1, one, 3, 0), Runs.Delta(2, two, 3, 0))).Visible.Count;
    }

    [Fact]
    public void Own_tombstones_are_never_displaced_and_the_pool_ends_where_pruning_ends()
    {
        var limits = new PlaybookLimits(Own: 64, Others: 64, OwnTombstones: 2, OthersTombstones: 3);
        var state = PlaybookState.Empty(Self(5), limits);
        for (var i = 0; i < 4; i++)
        {
            state = Merge(state, Runs.Delta(1, $"Guess {i}.", 0, 5, i));
            if (state.Prune(Runs.TaskType, Read(state)) is { } delta)
            {
                state = Merge(state, Runs.Seal(5, EnvelopeTypes.PlaybookDelta, delta, i));
            }
        }

        Assert.Equal(2, state.Tombstones.Count);
        Assert.Empty(Read(state).Visible);
        foreach (var (author, i) in Enumerable.Range(0, 20).Select(i => (i % 4, i)))
        {
            var foreign = new PlaybookDelta { TaskType = Runs.TaskType };
            foreign.Tombstones.Add(new BulletTombstone { BulletId = PlaybookRules.IdOf(Runs.TaskType, "insights", $"x{i}"), Seen = { new EvidenceSeen { Author = "A", Harmful = 9 } } });
            state = Merge(state, Runs.Seal(author, EnvelopeTypes.PlaybookDelta, foreign, i));
        }

        Assert.Equal(5, state.Tombstones.Count);
        Assert.Equal(2, state.Tombstones.Count(tombstone => tombstone.Author == Self(5)));
    }

    [Fact]
    public void A_tombstone_of_many_authors_names_the_loudest_and_bounds_the_rest()
    {
        var records = Enumerable.Range(1, 60).Select(n => new InsightRecord("id", "author" + n, new BulletCount { Harmful = (ulong)n }, Runs.Delta(1, "x", 1, 0))).ToList();
        var tombstone = TombstoneRecord.Covering(new string('a', 32), records, "author60", known: null)!;
        Assert.Equal((PlaybookRules.MaxAuthorsSeen, 36UL), (tombstone.Seen.Count, tombstone.Others.Harmful));
        Assert.Null(PlaybookRules.Check(new PlaybookDelta { TaskType = Runs.TaskType, Tombstones = { tombstone } }));
        var known = new TombstoneRecord(tombstone, Runs.Delta(1, "x", 1, 0));
        Assert.All(records, record => Assert.Equal(0UL, record.Evidence.Beyond(known.SeenOf(record.Author)).Total));
        Assert.Null(TombstoneRecord.Covering("id", records, "author60", known));
    }

    [Theory]
    [InlineData("two\nlines", "two lines")]
    [InlineData("hidden\u200b\u202etext \U000E0041", "hiddentext")]
    [InlineData("  mail   jane@example.org  ", "mail [redacted:email]")]
    [InlineData("\u26a0\ufe0f ask\U000E0148\U000E0153 first\u3164\u2800", "\u26a0 ask first")]
    public void Sentences_of_a_model_are_put_on_one_line_without_what_nobody_sees(string text, string expected)
    {
        Assert.Equal(expected, PlaybookRules.Sanitise(text));
        Assert.True(PlaybookRules.IsText(expected));
    }

    [Theory]
    [InlineData("two\nlines")]
    [InlineData("hidden\u200b")]
    [InlineData("turned \u202e round")]
    [InlineData("tags \U000E0041")]
    [InlineData("half of a pair \ud800")]
    [InlineData("selected\ufe00")]
    [InlineData("selected\ufe0f")]
    [InlineData("selected\U000E0100")]
    [InlineData("selected\U000E01EF")]
    [InlineData("joined\u034f")]
    [InlineData("filled\u115f")]
    [InlineData("filled\u1160")]
    [InlineData("filled\u3164")]
    [InlineData("filled\uffa0")]
    [InlineData("Khmer\u17b4")]
    [InlineData("Khmer\u17b5")]
    [InlineData("Mongolian\u180b")]
    [InlineData("Mongolian\u180d")]
    [InlineData("Mongolian\u180f")]
    [InlineData("no dots\u2800")]
    public void A_bullet_with_what_nobody_sees_is_no_bullet(string text) => Assert.False(PlaybookRules.IsText(text));

    [Theory]
    [InlineData("Gr\u00fc\u00dfe f\u00fcr e\u0301t\u00e9")]
    [InlineData("\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab")]
    [InlineData("\u1781\u17d2\u1798\u17c2\u179a \u182e\u1823")]
    [InlineData("\u2801 \U0001f600 \u26a0")]
    public void Letters_marks_and_signs_that_are_seen_may_be_in_a_bullet(string text)
    {
        Assert.True(PlaybookRules.IsText(text));
        Assert.Equal(text, PlaybookRules.Sanitise(text));
    }

    private static Reflection Anything(Random random, Playbook seen)
    {
        var effects = Enum.GetValues<BulletEffect>();
        return new Reflection(
            [.. seen.All.OrderBy(_ => random.Next()).Take(random.Next(3)).Select(bullet => new BulletTag(bullet.View.Id, effects[random.Next(3)]))],
            [.. Enumerable.Range(0, random.Next(2)).Select(_ => new Insight("insights", Texts[random.Next(Texts.Length)], random.Next(3) == 0 ? null : effects[random.Next(3)]))]);
    }

    /// <summary>Every counter of every author, and what every tombstone covers.</summary>
    private static bool NeverShrinks(PlaybookState before, PlaybookState after)
    {
        var counts = after.Records.ToDictionary(record => (record.Author, record.BulletId));
        var covers = after.Tombstones.ToDictionary(tombstone => (tombstone.Author, tombstone.BulletId));
        return before.Records.All(record => record.Evidence.Beyond(counts[(record.Author, record.BulletId)].Evidence).Total == 0)
            && before.Tombstones.All(tombstone => Enumerable.Range(0, Peers).All(i => tombstone.SeenOf(Self(i)).Beyond(covers[(tombstone.Author, tombstone.BulletId)].SeenOf(Self(i))).Total == 0));
    }

    private static PlaybookState Of(int self, params SignedEnvelope[] envelopes) => Of(PlaybookState.Empty(Self(self), PlaybookLimits.Default), envelopes);

    private static PlaybookState Of(PlaybookState state, params SignedEnvelope[] envelopes) => envelopes.Aggregate(state, Merge);

    private static PlaybookState Merge(PlaybookState state, SignedEnvelope envelope)
    {
        var next = state.Merge(envelope, Runs.TaskType, out var refusal);
        Assert.Null(refusal);
        return next;
    }

    private static Playbook Read(PlaybookState state, AuthorWeights? weights = null) => Playbook.Read(Runs.TaskType, [], state, weights ?? AuthorWeights.Equal(state.Self));

    private static string Shown(Playbook playbook) => System.Text.Json.JsonSerializer.Serialize(playbook.All);

    private static byte[] Bytes(PlaybookState state) => [.. state.Envelopes.OrderBy(e => e.Id, StringComparer.Ordinal).SelectMany(e => e.Bytes.ToArray())];

    private static string Self(int author) => Runs.Author(author).PeerId.ToString();

    private static KeyPair KeyOf(int seed) => KeyPair.FromSeed([.. Enumerable.Repeat((byte)seed, 32)]);

    private static string Id(int i) => i.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);
}
