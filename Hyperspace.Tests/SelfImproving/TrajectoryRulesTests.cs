using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.SelfImproving;

public class TrajectoryRulesTests
{
    [Theory]
    [InlineData("docs-lookup", true)]
    [InlineData("a", true)]
    [InlineData("0.a_b-c", true)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("a/b", false)]
    [InlineData("a..b", false)]
    [InlineData("../a", false)]
    [InlineData(".a", false)]
    [InlineData("-a", false)]
    [InlineData("Docs", false)]
    [InlineData("a b", false)]
    [InlineData("ä", false)]
    [InlineData("a\n", false)]
    public void A_task_type_can_name_a_topic_and_an_entity(string? taskType, bool valid) =>
        Assert.Equal(valid, TrajectoryRules.IsTaskType(taskType));

    [Fact]
    public void A_task_type_has_at_most_64_characters()
    {
        Assert.True(TrajectoryRules.IsTaskType(new string('a', 64)));
        Assert.False(TrajectoryRules.IsTaskType(new string('a', 65)));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(-0.001, false)]
    [InlineData(1.001, false)]
    [InlineData(double.NaN, false)]
    [InlineData(double.PositiveInfinity, false)]
    [InlineData(double.NegativeInfinity, false)]
    public void A_reward_is_a_number_from_0_to_1(double reward, bool valid) =>
        Assert.Equal(valid, TrajectoryRules.Check(Run(run => run.Reward = reward)) is null);

    [Theory]
    [InlineData(0, 0, 0, 0UL, true)]
    [InlineData(3, 2, 32, 9UL, true)]
    [InlineData(2, 3, 0, 0UL, false)]
    [InlineData(TrajectoryRules.MaxTries + 1, 0, 0, 0UL, false)]
    [InlineData(0, 0, 31, 9UL, false)]
    [InlineData(0, 0, 32, 0UL, false)]
    [InlineData(0, 0, 0, 9UL, false)]
    public void Tries_and_the_name_of_a_body_fit_together(int tries, int successes, int hashBytes, ulong bodyBytes, bool valid) =>
        Assert.Equal(valid, TrajectoryRules.Check(Run(run =>
        {
            (run.Tries, run.Successes) = ((uint)tries, (uint)successes);
            (run.BodyHash, run.BodyBytes) = (Google.Protobuf.ByteString.CopyFrom(new byte[hashBytes]), bodyBytes);
        })) is null);

    [Theory]
    [InlineData("steps", ErrorCodes.TooLarge)]
    [InlineData("input", ErrorCodes.TooLarge)]
    [InlineData("output", ErrorCodes.TooLarge)]
    [InlineData("step output", ErrorCodes.TooLarge)]
    [InlineData("step name", ErrorCodes.TooLarge)]
    [InlineData("no kind", ErrorCodes.InvalidParams)]
    [InlineData("cost", ErrorCodes.InvalidAmount)]
    [InlineData("currency", ErrorCodes.InvalidAmount)]
    [InlineData("duration", ErrorCodes.InvalidParams)]
    [InlineData("time", ErrorCodes.InvalidParams)]
    public void Whatever_breaks_a_limit_is_refused_with_its_code(string what, string code)
    {
        var text = new string('é', (TrajectoryRules.MaxTextBytes / 2) + 1);
        var step = new TrajectoryStep { Kind = "tool", Name = "docs-search" };
        var refusal = TrajectoryRules.Check(Run(run =>
        {
            run.Steps.Add(step);
            _ = what switch
            {
                "steps" => Do(() => run.Steps.AddRange(Enumerable.Repeat(step, TrajectoryRules.MaxSteps))),
                "input" => Do(() => run.Input = text),
                "output" => Do(() => run.Output = text),
                "step output" => Do(() => step.Output = text),
                "step name" => Do(() => step.Name = new string('a', 257)),
                "no kind" => Do(() => step.Kind = ""),
                "cost" => Do(() => step.CostMicro = Amount.MaxMicroUnits + 1),
                "currency" => Do(() => step.Currency = "usd!"),
                "duration" => Do(() => step.DurationUs = ulong.MaxValue),
                _ => Do(() => run.RecordedMs = ulong.MaxValue),
            };
        }));
        Assert.Equal(code, refusal?.Code);
    }

    [Fact]
    public void A_run_at_the_limits_is_fine_and_survives_the_way_to_the_wire_and_back()
    {
        var record = new TrajectoryCommands.Record(
            Runs.TaskType, "what is yamux", [new("tool", "12D3/docs-search", "think", """{"query":"yamux"}""", "a muxer", Amount.MicroUsdc(3_000), TimeSpan.FromMilliseconds(12), true, null)], "a muxer", 0.9, "s1");
        var wire = TrajectoryWire.FromRecord(record, Runs.Now, out var refusal)!;
        Assert.Null(refusal);
        var envelope = Runs.Seal(1, EnvelopeTypes.Trajectory, wire);
        var view = TrajectoryWire.ToView(KeptTrajectory.Read(envelope, Runs.TaskType, out _)!);

        Assert.Equal(record.Steps, view.Steps);
        Assert.Equal((record.Input, record.Output, record.Reward, Runs.Now), (view.Input, view.Output, view.Reward, view.RecordedAt));
        Assert.Equal((envelope.Id, Runs.Author(1).PeerId.ToString()), (view.TrajectoryId, view.PeerId));
    }

    [Fact]
    public void A_step_with_a_negative_duration_or_without_a_name_is_refused()
    {
        Assert.Equal(ErrorCodes.InvalidParams, Refused(new("tool", "t", null, null, null, default, TimeSpan.FromTicks(-1), true, null)));
        Assert.Equal(ErrorCodes.InvalidParams, Refused(new("tool", null!, null, null, null, default, TimeSpan.Zero, true, null)));
    }

    private static string? Refused(TrajectoryStepView step)
    {
        TrajectoryWire.FromRecord(new TrajectoryCommands.Record(Runs.TaskType, null, [step], null, 1, null), Runs.Now, out var refusal);
        return refusal?.Code;
    }

    private static Trajectory Run(Action<Trajectory> change)
    {
        var run = new Trajectory { TaskType = Runs.TaskType, Reward = 0.5 };
        change(run);
        return run;
    }

    private static bool Do(Action action)
    {
        action();
        return true;
    }
}
