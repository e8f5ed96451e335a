using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.SelfImproving;

public class OwnRunTests
{
    [Fact]
    public void A_kept_run_says_what_its_author_signed()
    {
        var run = Make(Record(0.8, "yamux window"), [], out _)!;
        Assert.Equal(Trajectory.Parser.ParseFrom(run.Envelope.Payload.Span), run.Run.Parse());
        Assert.Equal((run.Envelope.Id, 0.8, 1U, 1U, true), (run.Run.Id, run.Run.Reward, run.Run.Tries, run.Run.Successes, run.Run.HasInput));
        Assert.Equal(Terms.GoalOf(Terms.Of("yamux window")), run.Run.Goal);
        Assert.Equal(run.Envelope.Author.ToString(), run.Run.Author);
    }

    [Fact]
    public void Tries_go_on_from_this_peers_last_run_of_the_goal_and_never_from_anothers()
    {
        var first = Make(Record(0.0, "yamux window"), [], out _)!.Run;
        var second = Make(Record(1.0, "window, yamux"), [first], out _)!.Run;
        Assert.Equal((2U, 1U), (second.Tries, second.Successes));
        var third = Make(Record(0.5, "yamux window"), [second, first, Runs.Kept(2, 1.0, "yamux window")], out _)!.Run;
        Assert.Equal((3U, 1U), (third.Tries, third.Successes));
    }

    [Fact]
    public void Tries_are_counted_also_of_runs_that_are_not_kept_but_not_of_repairs()
    {
        var attempts = GoalAttempts.None;
        var failed = Make(Record(0.0, "yamux"), [], out _)!.Run;
        attempts = attempts.With(failed.Goal, new Attempts(failed.Tries, failed.Successes));
        for (var i = 0; i < 2; i++)
        {
            // As many recordings as come before the first of them is written.
            var run = Make(Record(0.1, "yamux"), [], out _, attempts)!.Run;
            attempts = attempts.With(run.Goal, new Attempts(run.Tries, run.Successes));
        }

        var repair = Make(Record(1.0, "yamux") with { Repairs = failed.Id }, [failed], out _, attempts)!.Run;
        Assert.Equal((0U, 0U), (repair.Tries, repair.Successes));
        var next = Make(Record(1.0, "yamux"), [failed, repair], out _, attempts)!.Run;
        Assert.Equal((4U, 1U), (next.Tries, next.Successes));
        Assert.Equal(new Attempts(2, 0), attempts.Without(failed.Goal, success: true).Find(failed.Goal));

        // Nothing was counted yet: what an older program said of repairs is no try either.
        Assert.Equal(2U, Make(Record(1.0, "yamux"), [failed, repair], out _)!.Run.Tries);
    }

    [Fact]
    public void The_goals_that_were_tried_last_are_counted()
    {
        var attempts = Enumerable.Range(0, 2 * GoalAttempts.MaxGoals).Aggregate(GoalAttempts.None, (known, i) => known.With("often", new Attempts((uint)i, 0)).With($"{i}", new Attempts(1, 1)));
        Assert.Null(attempts.Find("0"));
        Assert.Equal(new Attempts((2 * GoalAttempts.MaxGoals) - 1, 0), attempts.Find("often"));
        Assert.InRange(Enumerable.Range(0, 2 * GoalAttempts.MaxGoals).Count(i => attempts.Find($"{i}") is not null), GoalAttempts.MaxGoals - 1, GoalAttempts.MaxGoals * 17 / 16);
    }

    [Fact]
    public void A_repair_names_a_failed_run_of_its_goal()
    {
        var (failed, other, fine) = (Runs.Kept(2, 0.1, "yamux"), Runs.Kept(2, 0.1, "noise"), Runs.Kept(2, 0.9, "yamux", 1));
        Assert.True(Make(Record(0.9, "yamux") with { Repairs = failed.Id }, [failed, other, fine], out _)!.Run.IsVerifiedRepair);
        foreach (var wrong in (string[])[other.Id, fine.Id, new string('0', 64)])
        {
            Assert.Null(Make(Record(0.9, "yamux") with { Repairs = wrong }, [failed, other, fine], out var refusal));
            Assert.Equal(ErrorCodes.InvalidParams, refusal!.Code);
        }
    }

    [Theory]
    [InlineData(1.0, true, true, "good")]
    [InlineData(1.0, false, true, "bad")]
    [InlineData(0.0, true, true, "bad")]
    [InlineData(0.5, true, true, "")]
    [InlineData(0.5, false, true, "bad")]
    [InlineData(1.0, true, false, "")]
    public void A_step_that_failed_or_a_run_that_did_speaks_against_the_tool(double reward, bool ok, bool hasInput, string said)
    {
        var run = Make(Record(reward, hasInput ? "yamux" : null, ok), [], out _)!;
        Assert.Equal(said.Length == 0 ? [] : [new CapabilityOutcome("docs-search", said == "good")], OwnRun.OutcomesOf(run.Run, run.Signed));
    }

    private static OwnRun? Make(TrajectoryCommands.Record command, IReadOnlyCollection<KeptTrajectory> kept, out Refusal? refusal, GoalAttempts? attempts = null) =>
        OwnRun.Make(command, kept, attempts ?? GoalAttempts.None, Runs.Author(1), new Hyperspace.Actors.Identity.HybridTime((ulong)Runs.Now.ToUnixTimeMilliseconds(), 0), Runs.Now, out refusal);

    private static TrajectoryCommands.Record Record(double reward, string? input, bool ok = true) => new(
        Runs.TaskType, input, [new("tool", "docs-search", null, "{}", null, default, TimeSpan.Zero, ok, null), new("note", "n", null, null, null, default, TimeSpan.Zero, true, null)], "done", reward, null);
}
