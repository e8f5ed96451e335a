using FsCheck.Xunit;
using Hyperspace.Actors.SelfImproving.Curation;

namespace Hyperspace.Tests.SelfImproving.Curation;

public class ExemplarVersionsTests
{
    [Fact]
    public void A_version_is_taken_whenever_the_own_runs_have_doubled()
    {
        var state = ExemplarVersions.None;
        var taken = new List<long>();
        for (var run = 1; run <= 100; run++)
        {
            var before = state.Version;
            state = state.Recorded(() => ["a"]);
            if (state.Version > before)
            {
                taken.Add(run);
            }
        }

        Assert.Equal([10, 20, 40, 80], taken);
        Assert.Equal(["a"], state.Settled);
    }

    [Fact]
    public void A_set_that_did_worse_is_taken_back_and_one_that_did_better_stays()
    {
        var first = Record(ExemplarVersions.None, 10, ["a"]);
        var worse = Record(Ended(first, settled: 3, settledRuns: 4, growing: 5, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a"], worse.Settled);
        Assert.Equal(["b"], worse.Aside);
        Assert.False(worse.Allows("b", settled: false));
        Assert.True(worse.Allows("c", settled: false));
        Assert.False(worse.Allows("c", settled: true));

        var better = Record(Ended(first, settled: 2, settledRuns: 4, growing: 5, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a", "b"], better.Settled);
        Assert.Empty(better.Aside);
        var unknown = Record(Ended(first, settled: 3, settledRuns: 3, growing: 0, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a", "b"], unknown.Settled);
    }

    [Fact]
    public void What_was_handed_out_before_a_checkpoint_does_not_judge_the_next_segment()
    {
        var first = Record(ExemplarVersions.None, 10, ["a"]);
        Assert.Same(first, first.Ended(version: 0, settled: false, success: false));
        Assert.Equal(1, first.Ended(version: 1, settled: false, success: false).OfGrowing.Runs);
    }

    [Fact]
    public void Every_fourth_context_comes_from_the_version_once_there_is_one()
    {
        var first = Record(ExemplarVersions.None, 10, ["a"]);
        Assert.Equal([false, false, false, true, false, false, false, true], Enumerable.Range(0, 8).Select(n => first.UsesSettled(n)));
        Assert.DoesNotContain(Enumerable.Range(0, 8), n => ExemplarVersions.None.UsesSettled(n));
    }

    [Property(MaxTest = 50)]
    public bool Both_sets_stay_bounded(int seed)
    {
        var random = new Random(seed);
        var state = ExemplarVersions.None;
        for (var i = 0; i < 2_000; i++)
        {
            state = state.Ended(state.Version, random.Next(4) == 0, random.Next(2) == 0).Recorded(() => Enumerable.Range(0, 700).Select(n => $"{i} {n}"));
            if (state.Settled.Count > ExemplarVersions.MaxExemplars || state.Aside.Count > ExemplarVersions.MaxExemplars)
            {
                return false;
            }
        }

        return state.Version == 8;
    }

    private static ExemplarVersions Record(ExemplarVersions state, int runs, string[] exemplars) =>
        Enumerable.Range(0, runs).Aggregate(state, (s, _) => s.Recorded(() => exemplars));

    private static ExemplarVersions Ended(ExemplarVersions state, int settled, int settledRuns, int growing, int growingRuns)
    {
        state = Enumerable.Range(0, settledRuns).Aggregate(state, (s, i) => s.Ended(s.Version, settled: true, success: i < settled));
        return Enumerable.Range(0, growingRuns).Aggregate(state, (s, i) => s.Ended(s.Version, settled: false, success: i < growing));
    }
}
