using Hyperspace.Actors.Matrix;

namespace Hyperspace.Tests.Matrix;

/// <summary>Ranking by use, at the weights of the authors, and judging authors by own outcomes.</summary>
public class LearnedLegTests
{
    private static readonly uint[] Rain = MatrixTerms.Of("will it rain tomorrow in Lisbon");

    [Theory]
    [InlineData("Papers about turtles", "paper turtle")]
    [InlineData("Finding the stories I studied", "find story study")]
    [InlineData("PROCESSES; boxes, and classes!", "process box class")]
    public void Words_lose_case_stopwords_and_inflection(string text, string words) =>
        Assert.Equal(MatrixTerms.Of(words), MatrixTerms.Of(text));

    [Fact]
    public void A_term_is_the_hash_that_other_implementations_compute() => Assert.Equal(0x89A3B5D3u, MatrixTerms.Hash("rain"));

    [Fact]
    public void What_went_well_comes_first_and_what_went_wrong_last()
    {
        var model = new MatrixModel();
        var leg = new LearnedLeg(model, "me", _ => 1);
        for (var i = 0; i < 5; i++)
        {
            model.Record("me", "dora/weather", Rain, good: true);
            model.Record("me", "emil/search", Rain, good: false);
        }

        var ranked = leg.Rank(MatrixTerms.Of("rain in Lisbon?"));
        Assert.Equal(["dora/weather", "emil/search"], ranked.Select(s => s.Capability));
        Assert.InRange(ranked[0].Score, 0.1, 1);
        Assert.True(ranked[1].Score < 0);
    }

    [Fact]
    public void A_thousand_votes_of_one_identity_are_not_a_thousand_peers()
    {
        var model = new MatrixModel();
        var leg = new LearnedLeg(model, "me", _ => 1);
        for (var i = 0; i < 1000; i++)
        {
            model.Record("mallory", "evil/tool", Rain, good: true);
        }

        for (var i = 0; i < 200; i++)
        {
            model.Record($"peer{i % 10}", "dora/weather", Rain, good: true);
            model.Record($"peer{i % 10}", "evil/tool", Rain, good: false);
        }

        var ranked = leg.Rank(Rain);
        Assert.Equal("dora/weather", ranked[0].Capability);
        Assert.InRange(ranked[1].Score, 0, 0.6);
    }

    [Fact]
    public void Weights_are_applied_and_taken_back_without_a_rest()
    {
        var model = new MatrixModel();
        model.Record("alice", "dora/weather", Rain, good: true);
        model.Record("bob", "emil/search", Rain, good: true);
        var fresh = new LearnedLeg(model, "me", _ => 1).Rank(Rain);
        var leg = new LearnedLeg(model, "me", _ => 0.3);
        leg.Weigh(a => a == "bob" ? 0 : 1);
        Assert.Equal(["dora/weather"], leg.Rank(Rain).Select(s => s.Capability));
        model.Record("bob", "emil/search", Rain, good: true);
        Assert.Equal(["dora/weather"], leg.Rank(Rain).Select(s => s.Capability));
        model.Forget("bob");
        model.Record("bob", "emil/search", Rain, good: true);
        leg.Weigh(_ => 1);
        Assert.Equal(fresh, leg.Rank(Rain));
    }

    [Fact]
    public void Honest_authors_foretell_own_outcomes_and_liars_the_opposite()
    {
        var model = new MatrixModel();
        var own = new OwnOutcomes();
        foreach (var (query, right) in new[] { ("rain in Lisbon", "dora/weather"), ("papers on physics", "emil/search"), ("cook onions", "fay/cook") })
        {
            var terms = MatrixTerms.Of(query);
            foreach (var capability in new[] { "dora/weather", "emil/search", "fay/cook" })
            {
                model.Record("honest", capability, terms, capability == right);
                model.Record("liar", capability, terms, capability != right);
                own = own.With(new OwnOutcome(capability, [.. terms], capability == right));
            }
        }

        model.Record("stranger", "gus/other", Rain, good: true);
        var replays = own.Replay(model, "me", _ => 1);
        Assert.Equal(["honest", "liar"], replays.Select(r => r.PeerId));
        Assert.Equal((9, 0), (replays[0].Agreed, replays[0].Disagreed));
        Assert.Equal((0, 9), (replays[1].Agreed, replays[1].Disagreed));
    }

    [Fact]
    public void A_tool_that_fails_again_and_again_says_little_about_who_praised_it()
    {
        var model = new MatrixModel();
        var own = new OwnOutcomes();
        for (uint i = 0; i < 40; i++)
        {
            model.Record("honest", "dora/down", [i, 1000], good: true);
            own = own.With(new OwnOutcome("dora/down", [i, 1000], Good: false)).With(new OwnOutcome("dora/down", [i, 1000], Good: false));
        }

        var replay = Assert.Single(own.Replay(model, "me", _ => 1));
        Assert.Equal((0, 8), (replay.Agreed, replay.Disagreed));
        Assert.False(own.IsTelling(new OwnOutcome("dora/down", [7777], Good: false)));
        Assert.True(own.IsTelling(new OwnOutcome("emil/up", [7777], Good: false)));
        Assert.False(own.With(new OwnOutcome("emil/up", [7777], Good: false)).IsTelling(new OwnOutcome("emil/up", [7777], Good: false)));
        Assert.True(own.With(new OwnOutcome("emil/up", [7777], Good: false)).IsTelling(new OwnOutcome("emil/up", [7777], Good: true)));
    }

    [Fact]
    public void Ten_identities_that_praise_a_tool_move_it_no_further_than_one_that_does_ten_times_as_often()
    {
        double Praised(int identities, int each)
        {
            var model = new MatrixModel();
            for (var i = 0; i < identities * each; i++)
            {
                model.Record($"author{i % identities}", "mallory/tool", Rain, good: true);
            }

            return new LearnedLeg(model, "me", _ => 1).Rank(Rain)[0].Score;
        }

        Assert.Equal(Praised(1, 1000), Praised(10, 100), 1e-4);
        Assert.Equal(Praised(1, 640), Praised(640, 1), 1e-4);
    }

    [Fact]
    public void Own_outcomes_count_in_full_beside_a_crowd()
    {
        var model = new MatrixModel();
        for (var i = 0; i < 32; i++)
        {
            model.Record("me", "dora/weather", Rain, good: true);
            for (var author = 0; author < 40; author++)
            {
                model.Record($"author{author}", "dora/weather", Rain, good: i % 2 == 0);
            }
        }

        // 32 good ones of its own and, of the others, half of 64.
        var (score, length) = (new LearnedLeg(model, "me", _ => 1).Rank(Rain)[0].Score, Math.Sqrt(64));
        var words = Math.Sqrt(Rain.Length);
        var expected = (Math.Sqrt(64) / ((words * length) + 24)) - (0.25 * Math.Sqrt(32) / ((words * Math.Sqrt(32)) + 24));
        Assert.Equal(expected * words, score, 1e-9);
    }

    [Fact]
    public void Nobody_makes_a_word_worthless_alone()
    {
        var model = new MatrixModel();
        for (uint i = 0; i < 1000; i++)
        {
            model.Record($"honest{i % 16}", $"dora/{i % 50}", [i % 97, 500 + (i % 31)], good: true);
        }

        var leg = new LearnedLeg(model, "me", _ => 1);
        var before = leg.Rarity(5);
        for (uint i = 0; i < 4000; i++)
        {
            model.Record("mallory", $"invented/{i}", [5], good: true);
        }

        Assert.InRange(leg.Rarity(5), before / 6, before);

        // The order of what was told leaves no trace, and neither does what was forgotten.
        Assert.Equal(new LearnedLeg(model, "me", _ => 1).Rarity(5), leg.Rarity(5));
        model.Forget("mallory");
        Assert.Equal(before, leg.Rarity(5));
    }

    [Fact]
    public void A_crowd_of_strangers_shares_what_one_is_lent()
    {
        var weightOf = LentWeight.Shared(["known", "a", "b", "c", "d"], a => a == "known" ? 0.8 : a == "caught" ? 0 : 0.25, a => a == "known" ? 0.8 : 0);
        Assert.Equal((0.8, 0.0625, 0), (weightOf("known"), weightOf("a"), weightOf("caught")));
    }

    [Fact]
    public void Old_own_outcomes_make_room()
    {
        var own = new OwnOutcomes();
        for (var i = 0; i < OwnOutcomes.Capacity + 3; i++)
        {
            own = own.With(new OwnOutcome($"dora/{i}", [1], true));
        }

        Assert.Equal(OwnOutcomes.Capacity, own.Count);
        Assert.Equal("dora/3", own.All.Peek().Capability);
    }
}
