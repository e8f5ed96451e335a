using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
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
