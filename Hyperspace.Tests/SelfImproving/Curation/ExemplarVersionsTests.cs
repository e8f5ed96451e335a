using FsCheck.Xunit;
using Hyperspace.Actors.SelfImproving.Curation;

namespace Hyperspace.Tests.SelfImproving.Curation;

public class ExemplarVersionsTests
{
    [Fact]
    public void A_set_that_did_worse_is_taken_back_and_one_that_did_better_stays()
    {
        var first = Add(ExemplarVersions.None, 10, ["a"]);
        var worse = Add(Ended(first, settled: 3, settledRuns: 4, growing: 5, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a"], worse.Settled);
        Assert.Equal(["b"], worse.Aside);
        Assert.False(worse.Allows("b", settled: false));
        Assert.True(worse.Allows("c", settled: false));
        Assert.False(worse.Allows("c", settled: true));

        var better = Add(Ended(first, settled: 2, settledRuns: 4, growing: 5, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a", "b"], better.Settled);
        Assert.Empty(better.Aside);
        var unknown = Add(Ended(first, settled: 3, settledRuns: 3, growing: 0, growingRuns: 8), 10, ["a", "b"]);
        Assert.Equal(["a", "b"], unknown.Settled);
    }

    [Fact]
    public void What_was_handed_out_before_a_checkpoint_does_not_judge_the_next_segment()
    {
        var first = Add(ExemplarVersions.None, 10, ["a"]);
        Assert.Same(first, first.Ended(version: 0, settled: false, success: false));
        Assert.Equal(1, first.Ended(version: 1, settled: false, success: false).OfGrowing.Runs);
    }

    [Fact]
    public void Every_fourth_context_comes_from_the_version_once_there_is_one()
    {
        var first = Add(ExemplarVersions.None, 10, ["a"]);
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
            state = Add(state.Ended(state.Version, random.Next(4) == 0, random.Next(2) == 0), 1, Enumerable.Range(0, 700).Select(n => $"{i} {n}"));
            if (state.Settled.Count > ExemplarVersions.MaxExemplars || state.Aside.Count > ExemplarVersions.MaxExemplars)
            {
                return false;
            }
        }

        return state.Version == 8;
    }

    private static ExemplarVersions Add(ExemplarVersions state, int more, IEnumerable<string> exemplars)
    {
        state = state.Counted(state.Own + more);
        return state.Own >= state.NextCheckpoint ? state.Checkpoint(exemplars) : state;
    }

    private static ExemplarVersions Ended(ExemplarVersions state, int settled, int settledRuns, int growing, int growingRuns)
    {
        state = Enumerable.Range(0, settledRuns).Aggregate(state, (s, i) => s.Ended(s.Version, settled: true, success: i < settled));
        return Enumerable.Range(0, growingRuns).Aggregate(state, (s, i) => s.Ended(s.Version, settled: false, success: i < growing));
    }
}
