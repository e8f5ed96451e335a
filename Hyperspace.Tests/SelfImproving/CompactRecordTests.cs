using System.Security.Cryptography;
using System.Text;
using FsCheck.Xunit;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.SelfImproving;

public class CompactRecordTests
{
    [Property(MaxTest = 60)]
    public void The_record_of_any_run_fits_keeps_the_rules_and_names_the_whole(int seed)
    {
        var run = Random(new Random(seed));
        var before = run.Clone();
        var (record, body) = CompactRecord.Of(run);
        Assert.Equal(before, run);
        Assert.InRange(record.CalculateSize(), 1, CompactRecord.MaxBytes);
        Assert.Null(TrajectoryRules.Check(record));
        (record.Tries, record.Successes) = (TrajectoryRules.MaxTries, TrajectoryRules.MaxTries);
        Assert.InRange(Runs.Seal(1, EnvelopeTypes.Trajectory, record).Bytes.Length, 1, 16 * 1024);
        var (again, none) = CompactRecord.Of(record);
        Assert.Same(record, again);
        Assert.Null(none);
        if (body is null)
        {
            Assert.Same(run, record);
            return;
        }

        Assert.Equal(SHA256.HashData(body.Bytes.Span), record.BodyHash.ToByteArray());
        Assert.Equal((ulong)body.Bytes.Length, record.BodyBytes);
        Assert.Equal(before, RunBodies.Read(record, body.Bytes).Whole);
    }

    [Fact]
    public void A_run_at_the_limit_stays_whole_and_one_byte_more_is_shortened()
    {
        var run = new Trajectory { TaskType = Runs.TaskType, Input = new string('i', 100), Steps = { Runs.Call("t", new string('x', 14_000)) } };
        run.Output = new string('o', CompactRecord.MaxBytes - run.CalculateSize() - 3);
        Assert.Equal(CompactRecord.MaxBytes, run.CalculateSize());
        Assert.Null(CompactRecord.Of(run).Body);
        run.Output += "o";
        var (record, body) = CompactRecord.Of(run);
        Assert.NotNull(body);
        Assert.Equal((run.Input, CompactRecord.MaxHeadBytes), (record.Input, record.Steps[0].Input.Length + 2));
    }

    [Theory]
    [InlineData("short", 5, "short")]
    [InlineData("longer", 5, "lo…")]
    [InlineData("éééé", 6, "é…")]
    [InlineData("😀😀", 7, "😀…")]
    [InlineData("😀😀", 6, "…")]
    [InlineData("abc", 2, "")]
    [InlineData("", 0, "")]
    public void A_head_ends_between_characters(string text, int max, string head) => Assert.Equal(head, CompactRecord.Head(text, max));

    [Theory]
    [InlineData("reward")]
    [InlineData("task type")]
    [InlineData("steps")]
    [InlineData("rules")]
    [InlineData("noise")]
    public void A_whole_that_contradicts_its_record_is_refused(string what)
    {
        var run = new Trajectory { TaskType = Runs.TaskType, Reward = 0.5, Output = new string('o', 16_000), Steps = { Runs.Call("t", "x"), Runs.Call("t", "y") } };
        var record = CompactRecord.Of(run).Record;
        Assert.NotNull(RunBodies.Read(record, Google.Protobuf.MessageExtensions.ToByteArray(run)).Whole);
        switch (what)
        {
            case "reward":
                run.Reward = 1;
                break;
            case "task type":
                run.TaskType = "other";
                break;
            case "steps":
                run.Steps.RemoveAt(1);
                break;
            default:
                run.Output = new string('o', 17_000);
                break;
        }

        var (whole, refusal) = RunBodies.Read(record, what == "noise" ? new byte[] { 0xff, 0xff } : Google.Protobuf.MessageExtensions.ToByteArray(run));
        Assert.Null(whole);
        Assert.NotNull(refusal);
    }

    private static Trajectory Random(Random random)
    {
        string[] alphabet = ["a", "é", "語", "😀"];
        var most = random.Next(3) switch { 0 => 50, 1 => 800, _ => 16_000 };
        var steps = random.Next(4) == 0 ? TrajectoryRules.MaxSteps : random.Next(1, 12);
        string Text(int max)
        {
            var letter = alphabet[random.Next(alphabet.Length)];
            return new StringBuilder().Insert(0, letter, random.Next(0, max) / Encoding.UTF8.GetByteCount(letter)).ToString();
        }

        var run = new Trajectory { TaskType = Runs.TaskType, Reward = random.NextDouble(), RecordedMs = 1, Input = Text(most), Output = Text(most), SessionId = Text(256) };
        for (var i = 0; i < steps; i++)
        {
            run.Steps.Add(new TrajectoryStep
            {
                Kind = "tool",
                Name = "n" + Text(255),
                Thought = Text(most),
                Input = Text(most),
                Output = Text(most),
                Error = Text(most),
                CostMicro = 3_000,
                Currency = "USDC",
                DurationUs = 1_000_000,
            });
            if (run.CalculateSize() > TrajectoryRules.MaxEnvelopeBytes)
            {
                run.Steps.RemoveAt(i);
                break;
            }
        }

        return run;
    }
}
