using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Tests.SelfImproving;

public class TrajectoryStateTests
{
    private static readonly TrajectoryLimits Small = new(Runs: 6, Failures: 3, LargeRuns: 2, LargeFailures: 1, SmallBytes: 400) { PerGoal = 2, Repairs = 8, LargeRepairs = 1 };

    /// <summary>A few authors, goals, rewards, ways and sizes, so that every bound is hit.</summary>
    private static readonly KeptTrajectory[] Pool =
    [
        .. Enumerable.Range(0, 120).Select(i => Runs.Kept(
            author: i % 5, reward: (i * 7 % 11) / 10.0, input: $"goal {(i / 5) % 4}" + (i % 6 == 0 ? new string('x', 300) : ""), serial: i, Runs.Call("t", $"{i % 3}"))),
        .. Enumerable.Range(0, 20).Select(i => Runs.Repair(i % 4, (i * 7 % 11) / 10.0, $"goal {i % 3}", Runs.Kept(i % 5, 0))),
    ];

    [Property(MaxTest = 300)]
    public bool The_same_runs_in_any_order_and_any_number_leave_the_same_runs(int seed, PositiveInt size)
    {
        var random = new Random(seed);
        var chosen = Enumerable.Range(0, Math.Min(size.Get * 3, Pool.Length)).Select(_ => Pool[random.Next(Pool.Length)]).ToArray();
        var shuffled = chosen.Concat(chosen.Take(chosen.Length / 2)).ToArray();
        random.Shuffle(shuffled);
        return Ids(Of(chosen)).SequenceEqual(Ids(Of(shuffled)));
    }

    [Property(MaxTest = 200)]
    public bool Runs_that_come_together_leave_what_they_leave_one_by_one(int seed)
    {
        var random = new Random(seed);
        var all = Pool.OrderBy(_ => random.Next()).Take(random.Next(1, Pool.Length)).ToArray();
        var cut = random.Next(all.Length);
        var together = Of([]).AddRange(all[..cut]).AddRange([.. all[cut..], all[0]]);
        return Ids(together).SequenceEqual(Ids(Of(all)));
    }

    [Property(MaxTest = 200)]
    public bool Two_halves_that_exchange_what_they_kept_agree_with_one_that_saw_everything(int seed)
    {
        var random = new Random(seed);
        var all = Pool.OrderBy(_ => random.Next()).Take(80).ToArray();
        var left = Of(all[..40]);
        var right = Of(all[40..]);
        var merged = right.BestFirst.Aggregate(left, (state, run) => state.Add(run));
        return Ids(merged).SequenceEqual(Ids(Of(all)));
    }

    [Property(MaxTest = 100)]
    public bool No_pool_is_ever_over_its_bound(int seed)
    {
        var random = new Random(seed);
        var state = TrajectoryState.Empty("nobody", Small);
        foreach (var run in Pool.OrderBy(_ => random.Next()))
        {
            state = state.Add(run);
            var kept = state.BestFirst;
            if (kept.Count(r => !r.IsFailure && !r.IsRepair) > Small.Runs + Small.LargeRuns || kept.Count(r => r.IsRepair) > Small.Repairs + Small.LargeRepairs
                || kept.GroupBy(r => (r.Author, r.Goal, r.IsFailure, r.IsRepair, r.Size > Small.SmallBytes)).Any(goal => goal.Count() > Small.PerGoal) || kept.Count(r => r.IsFailure) > Small.Failures + Small.LargeFailures)
            {
                return false;
            }
        }

        return state.BestFirst.Count > 0;
    }

    [Fact]
    public void A_run_that_is_there_already_changes_nothing()
    {
        var state = Of(Pool[..3]);
        Assert.Same(state, state.Add(Pool[1]));
    }

    [Fact]
    public void An_author_who_floods_displaces_neither_others_nor_this_peers_own_runs()
    {
        var self = Runs.Author(1).PeerId.ToString();
        var own = Runs.Kept(1, 0.8, "mine");
        var other = Runs.Kept(2, 0.75, "theirs");
        var state = TrajectoryState.Empty(self, Small).Add(own).Add(other);
        state = Enumerable.Range(0, 100).Aggregate(state, (s, i) => s.Add(Runs.Kept(3, 1.0, $"flood {i}", i)));

        Assert.Contains(own, state.BestFirst);
        Assert.Contains(other, state.BestFirst);
        Assert.Equal(Small.Runs + 1, state.BestFirst.Count);
    }

    [Fact]
    public void No_number_of_strangers_displaces_an_author_whose_word_counts_here()
    {
        var proven = Runs.Kept(2, 0.75, "proven");
        var state = TrajectoryState.Empty("nobody", Small, author => author == proven.Author).Add(proven);
        Assert.False(state.IsFull);
        state = Enumerable.Range(3, Small.Runs).Aggregate(state, (s, author) => s.Add(Runs.Kept(author, 1.0, "best", author)));
        Assert.Contains(proven, state.BestFirst);
        Assert.Equal((true, Small.Runs + 1), (state.IsFull, state.BestFirst.Count));
    }

    [Fact]
    public void Within_one_author_every_goal_gets_its_turn()
    {
        var rare = Runs.Kept(3, 0.71, "rare goal");
        var state = Enumerable.Range(0, 50).Aggregate(Of([rare]), (s, i) => s.Add(Runs.Kept(3, 1.0, "common goal", i)));
        Assert.Contains(rare, state.BestFirst);
    }

    [Fact]
    public void Of_a_goal_different_ways_are_kept_before_a_second_run_of_the_best()
    {
        var other = Runs.Kept(3, 0.71, "goal", 99, Runs.Call("t", """{"mode":"any"}"""));
        var state = Enumerable.Range(0, 20).Aggregate(Of([other]), (s, i) => s.Add(Runs.Kept(3, 1.0, "goal", i, Runs.Call("t", """{"mode":"all"}"""))));
        Assert.Equal(Small.PerGoal, state.BestFirst.Count);
        Assert.Same(other, state.Find(other.Id));
    }

    [Fact]
    public void A_repaired_failure_displaces_no_run_and_is_displaced_by_none()
    {
        var failure = Runs.Kept(2, 0.0, "goal");
        var repair = Runs.Repair(2, 0.9, "goal", failure);
        var state = Enumerable.Range(0, 50).Aggregate(TrajectoryState.Empty("nobody", Small).AddRange([failure, repair]), (s, i) => s.Add(Runs.Kept(i, 1.0, $"g{i}", i)));
        Assert.Equal(Small.Runs + 2, state.BestFirst.Count);
        Assert.Same(repair, state.Find(repair.Id));
        Assert.Same(failure, state.Find(failure.Id));
    }

    [Fact]
    public void Failures_are_kept_beside_any_number_of_successes()
    {
        var failure = Runs.Kept(2, 0.0, "goal");
        var state = Enumerable.Range(0, 50).Aggregate(Of([failure]), (s, i) => s.Add(Runs.Kept(i, 1.0, $"g{i}", i)));
        Assert.Same(failure, state.Find(failure.Id));
    }

    [Fact]
    public void Retrieval_puts_the_nearest_input_first_and_then_the_reward()
    {
        var yamux = Runs.Kept(1, 0.8, "How does yamux flow control work?");
        var better = Runs.Kept(2, 1.0, "yamux: flow control?", 1);
        var noise = Runs.Kept(3, 1.0, "Which cipher does noise use?", 2);
        var failed = Runs.Kept(4, 0.1, "yamux flow control", 3);
        var state = TrajectoryState.Empty("nobody", TrajectoryLimits.Default).Add(noise).Add(yamux).Add(failed).Add(better);

        Assert.Equal([better, failed, yamux, noise], TrajectoryRetrieval.Query(state.BestFirst, "flow control of yamux", 10));
        Assert.Equal(1.0, TrajectoryRetrieval.Query(state.BestFirst, null, 1)[0].Reward);
    }

    [Fact]
    public void Goals_ignore_order_case_and_punctuation()
    {
        Assert.Equal(Runs.Kept(1, 1, "What is the Yamux window?").Goal, Runs.Kept(2, 1, "window, yamux").Goal);
        Assert.NotEqual(Runs.Kept(1, 1, "yamux").Goal, Runs.Kept(1, 1, "noise").Goal);
    }

    [Fact]
    public void A_rate_counts_each_author_within_a_window()
    {
        var rate = new AuthorRate(2, TimeSpan.FromMinutes(1), maxAuthors: 2);
        Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(_ => rate.Allows("a", Runs.Now)).ToArray());
        Assert.True(rate.Allows("b", Runs.Now));
        Assert.False(rate.Allows("c", Runs.Now));
        Assert.True(rate.Allows("a", Runs.Now.AddMinutes(1)));
    }

    [Fact]
    public void A_clock_that_was_put_back_begins_a_window()
    {
        var rate = new AuthorRate(1, TimeSpan.FromMinutes(1), maxAuthors: 2);
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(_ => rate.Allows("a", Runs.Now)).ToArray());
        Assert.Equal([true, false], Enumerable.Range(0, 2).Select(_ => rate.Allows("a", Runs.Now.AddHours(-1))).ToArray());
    }

    private static TrajectoryState Of(IEnumerable<KeptTrajectory> runs) =>
        runs.Aggregate(TrajectoryState.Empty("nobody", Small, author => author == Runs.Author(3).PeerId.ToString()), (state, run) => state.Add(run));

    private static IEnumerable<string> Ids(TrajectoryState state) => state.BestFirst.Select(run => run.Id);
}
