using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>What authors whose word counts for nothing, or is only lent, can do to a playbook as this peer reads it.</summary>
public class PlaybookTrustTests
{
    private const int Self = 5;
    private const int Friend = 1;
    private const int Stranger = 2;

    private static readonly AuthorWeights Weights = new(PeerId(Self), author => author == PeerId(Friend) ? 1 : 0);

    [Fact]
    public void A_stranger_spells_nothing_that_runs_show()
    {
        var derived = new ContrastReflector().Reflect(
        [
            Runs.Kept(Friend, 1.0, "one", 0, Runs.Call("docs-search", """{"mode":"any"}""")),
            Runs.Kept(Friend, 0.0, "two", 1, Runs.Call("docs-search", """{"mode":"all"}""")),
        ]);
        var advice = derived.Single(bullet => bullet.Section == ParameterAdvice.Section);
        var state = Of(Said(Stranger, ParameterAdvice.Section, advice.Text.ToUpperInvariant(), 9));
        foreach (var weights in new[] { Weights, AuthorWeights.Equal(PeerId(Self)) })
        {
            Assert.Equal(advice.Text, Playbook.Read(Runs.TaskType, derived, state, weights).Visible.Single(bullet => bullet.Section == ParameterAdvice.Section).Text);
        }
    }

    [Fact]
    public void A_stranger_spells_nothing_that_a_trusted_peer_says_and_names_no_sources_of_it()
    {
        var honest = Of(Said(Friend, "insights", "Set mode=any.", 4, new string('f', 64)));
        var strangers = Enumerable.Range(0, PlaybookRules.MaxSources).Select(i => new string('0', 62) + i.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        var read = Read(Merge(honest, Said(Stranger, "insights", "SET MODE=ANY.", 9, strangers)));
        var bullet = Assert.Single(read.Visible);
        Assert.Equal("Set mode=any.", bullet.Text);
        Assert.Equal([new string('f', 64)], bullet.Sources);
    }

    [Fact]
    public void Between_trusted_peers_the_one_who_counts_most_spells_and_all_name_sources()
    {
        var state = Of(
            Said(Friend, "insights", "Set mode=any.", 4, [.. Enumerable.Range(16, 16).Select(i => i.ToString("x64", System.Globalization.CultureInfo.InvariantCulture))]),
            Said(Stranger, "insights", "SET mode=any.", 4, [.. Enumerable.Range(0, 16).Select(i => i.ToString("x64", System.Globalization.CultureInfo.InvariantCulture))]));
        var bullet = Assert.Single(Read(state, new AuthorWeights(PeerId(Self), author => author == PeerId(Friend) ? 1 : 0.25)).Visible);
        Assert.Equal("Set mode=any.", bullet.Text);
        Assert.Equal(8, bullet.Sources.Count(source => string.CompareOrdinal(source, 16.ToString("x64", System.Globalization.CultureInfo.InvariantCulture)) >= 0));
    }

    [Fact]
    public void What_this_peer_credits_it_signs_in_the_spelling_that_it_was_shown()
    {
        var state = Of(Said(Friend, "insights", "Set mode=any.", 4), Said(Stranger, "insights", "SET MODE=ANY.", 9));
        var read = Read(state);
        var credit = new Reflection([new BulletTag(Assert.Single(read.Visible).Id, BulletEffect.Helpful)], []);
        var delta = Assert.Single(state.Reflect(Runs.TaskType, credit, trajectoryId: null, read));
        Assert.Equal("Set mode=any.", Assert.Single(delta.Bullets).Text);
    }

    [Theory]
    [InlineData(" Set mode=any.")]
    [InlineData("Set mode=any. ")]
    [InlineData("Set  mode=any.")]
    [InlineData("Set\u00a0mode=any.")]
    [InlineData("Set \u2003mode=any.")]
    public void Spaces_that_make_a_bullet_long_are_refused(string text)
    {
        Assert.False(PlaybookRules.IsText(text));
        Assert.Equal("Set mode=any.", PlaybookRules.Spaced(text));
        Assert.True(PlaybookRules.IsText(PlaybookRules.Spaced(text)));
    }

    [Fact]
    public void Those_whose_word_is_only_lent_hide_a_bullet_and_bury_none()
    {
        var lent = new AuthorWeights(PeerId(Self), author => author == PeerId(Friend) ? 1 : 0.25, author => author == PeerId(Friend) ? 1 : 0);
        var state = Of(Runs.Delta(2, "Ask for one page.", 0, 10), Runs.Delta(3, "Ask for one page.", 0, 10));
        Assert.Empty(Read(state, lent).Visible);
        Assert.Null(state.Prune(Runs.TaskType, Read(state, lent)));

        // Nor do their tombstones, which cover what others found good.
        state = Of(Runs.Delta(Friend, "Ask for one page.", 5, 3), Runs.Tombstone(2, "Ask for one page.", Friend, 1_000_000, 0), Runs.Tombstone(3, "Ask for one page.", Friend, 1_000_000, 0));
        Assert.Null(state.Prune(Runs.TaskType, Read(state, lent)));

        // Own experience does.
        state = Merge(state, Runs.Delta(Self, "Ask for one page.", 0, 9));
        Assert.NotNull(state.Prune(Runs.TaskType, Read(state, lent)));
    }

    [Fact]
    public void Strangers_with_large_counters_do_not_make_a_tombstone_cover_everyone()
    {
        var state = Of(Runs.Delta(Self, "Guess.", 0, 3), Runs.Delta(Friend, "Guess.", 1, 3));
        for (var i = 0; i < PlaybookRules.MaxAuthorsSeen + 1; i++)
        {
            var loud = new PlaybookDelta { TaskType = Runs.TaskType, Bullets = { new BulletCount { Section = "insights", Text = "Guess.", Helpful = PlaybookRules.MaxCount, Harmful = PlaybookRules.MaxCount, Neutral = PlaybookRules.MaxCount } } };
            state = Merge(state, SignedEnvelope.Seal(KeyPair.FromSeed([.. Enumerable.Repeat((byte)(100 + i), 32)]), EnvelopeTypes.PlaybookDelta, loud.ToByteArray(), new HybridTime(1, 1)));
        }

        var delta = state.Prune(Runs.TaskType, Read(state))!;
        var tombstone = Assert.Single(delta.Tombstones);
        Assert.Equal(new[] { PeerId(Self), PeerId(Friend) }.Order(StringComparer.Ordinal), tombstone.Seen.Select(seen => seen.Author));
        Assert.Null(tombstone.Others);

        // An honest peer whom it did not know is heard, and one that it knew says as much more.
        state = Merge(state, Runs.Seal(Self, EnvelopeTypes.PlaybookDelta, delta, 1));
        Assert.Empty(Read(state).Visible);
        state = Merge(Merge(state, Runs.Delta(Friend, "Guess.", 3, 3, 2)), Runs.Delta(3, "Guess.", 2, 0));
        Assert.Single(Read(state, new AuthorWeights(PeerId(Self), author => author == PeerId(Friend) || author == PeerId(3) ? 1 : 0)).Visible);
    }

    [Fact]
    public void A_tombstone_names_its_author_however_loud_the_others_are_and_never_covers_less()
    {
        var records = Enumerable.Range(1, 30).Select(n => new InsightRecord("id", "author" + n, new BulletCount { Harmful = 100 }, Runs.Delta(1, "x", 1, 0))).ToList();
        var first = new TombstoneRecord(TombstoneRecord.Covering("id", records, "self", known: null)!, Runs.Delta(1, "x", 1, 0));
        records.Add(new InsightRecord("id", "self", new BulletCount { Harmful = 1 }, Runs.Delta(1, "x", 1, 0)));
        var covering = TombstoneRecord.Covering("id", records, "self", first);

        // Whom the first one did not name it bounds; so it says nothing new before this peer counts beyond that.
        Assert.Null(covering);
        records[^1] = records[^1] with { Count = new BulletCount { Harmful = 101 } };
        var second = new TombstoneRecord(TombstoneRecord.Covering("id", records, "self", first)!, Runs.Delta(1, "x", 1, 0, 2));
        Assert.Equal(101UL, second.Of("self")!.Value.Harmful);
        Assert.True(TombstoneRecord.MostSeenFirst.Compare(second, first) < 0);
        Assert.All(records, record => Assert.Equal(0UL, record.Evidence.Beyond(second.SeenOf(record.Author)).Total));
    }

    [Fact]
    public void Runs_of_strangers_turn_no_contrast_round()
    {
        static KeptTrajectory Run(int author, bool good, string tool, string mode, int serial) =>
            Runs.Kept(author, good ? 1.0 : 0.0, "goal", serial, Runs.Call(tool, $$"""{"mode":"{{mode}}"}"""));
        var honest = Enumerable.Range(0, 5).SelectMany(i => new[] { Run(Friend, true, "docs-search", "any", i), Run(Friend, false, "docs-search", "all", 100 + i), Run(Friend, false, "docs-grep", "any", 200 + i) });
        var made = Enumerable.Range(0, 30).SelectMany(i => new[] { Run(Stranger, true, "docs-search", "all", i), Run(Stranger, false, "docs-search", "any", 100 + i), Run(Stranger, true, "docs-grep", "any", 200 + i) });
        var curated = PlaybookCuratorState.Empty(Runs.TaskType, PeerId(Self), new ContrastReflector()).WithRuns([.. honest.Concat(made).Order(KeptTrajectory.BestFirst)]);
        string[] Said(AuthorWeights weights) => [.. curated.Read(weights).Visible.Where(bullet => bullet.Section != PlaybookSections.Pitfalls).Select(bullet => bullet.Text)];

        string[] expected = ["""Call docs-search with mode="any"; mode="all" failed.""", "Use docs-search.", "Avoid docs-grep; runs that used it failed."];
        Assert.Equal(expected.Order(), Said(Weights).Order());

        // It is read anew when weights change, and from strangers' runs when there are no others.
        Assert.Contains("Use docs-grep.", Said(new AuthorWeights(PeerId(Self), author => author == PeerId(Stranger) ? 1 : 0)));
        Assert.Contains("Use docs-grep.", Said(new AuthorWeights(PeerId(Self), _ => 0)));
        Assert.Equal(expected.Order(), Said(Weights).Order());
    }

    [Fact]
    public void What_only_strangers_say_comes_after_own_proposals_with_no_counts_and_is_handed_out_only_while_there_is_nothing_else()
    {
        // Ids can be ground to be first.
        var spam = Enumerable.Range(0, 1_000).Select(i => $"Buy {i}.").MinBy(text => PlaybookRules.IdOf(Runs.TaskType, "insights", text), StringComparer.Ordinal)!;
        var foreign = Of([.. Enumerable.Range(2, 3).Select(author => Runs.Delta(author, spam, 1_000, 0))]);
        var state = Merge(foreign, Runs.Delta(Self, "Ask for one page.", 0, 0));
        var visible = Read(state).Visible;
        Assert.Equal(["Ask for one page.", spam], visible.Select(bullet => bullet.Text));
        Assert.Equal((0UL, 0, 0.5), (visible[1].Helpful, visible[1].Authors, visible[1].Score));
        Assert.Equal(1, visible[0].Authors);

        static IEnumerable<string> HandedOut(Playbook playbook) => ContextFit.Fit(playbook.Visible, [], maxBullets: 8, budget: null, text => text.Length).Bullets.Select(bullet => bullet.Text);
        Assert.Equal(["Ask for one page."], HandedOut(Read(state)));
        Assert.Equal([spam], HandedOut(Read(foreign)));
    }

    private static SignedEnvelope Said(int author, string section, string text, ulong helpful, params string[] sources) => Runs.Seal(
        author, EnvelopeTypes.PlaybookDelta, new PlaybookDelta { TaskType = Runs.TaskType, Bullets = { new BulletCount { Section = section, Text = text, Helpful = helpful, Sources = { sources } } } });

    private static PlaybookState Of(params SignedEnvelope[] envelopes) => envelopes.Aggregate(PlaybookState.Empty(PeerId(Self), PlaybookLimits.Default), Merge);

    private static PlaybookState Merge(PlaybookState state, SignedEnvelope envelope)
    {
        var next = state.Merge(envelope, Runs.TaskType, out var refusal);
        Assert.Null(refusal);
        return next;
    }

    private static Playbook Read(PlaybookState state, AuthorWeights? weights = null) => Playbook.Read(Runs.TaskType, [], state, weights ?? Weights);

    private static string PeerId(int author) => Runs.Author(author).PeerId.ToString();
}
