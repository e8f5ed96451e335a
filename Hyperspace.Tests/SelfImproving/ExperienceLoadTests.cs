using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.SelfImproving;

public class ExperienceLoadTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_is_read_after_a_restart_is_what_was_kept_before(int seed)
    {
        var limits = new TrajectoryLimits(Runs: 6, Failures: 3, LargeRuns: 2, LargeFailures: 1, SmallBytes: 400) { PerGoal = 2, Repairs = 3, LargeRepairs = 1 };
        var folder = Directory.CreateTempSubdirectory("hyperspace-load-").FullName;
        var self = Runs.Author(0).PeerId.ToString();
        var random = new Random(seed);
        try
        {
            var kept = TrajectoryState.Empty(self, limits, IsProven);
            await using (var store = new ExperienceStore(folder, self, new ExperienceLimits(), NullLogger.Instance, IsProven))
            {
                for (var i = 0; i < 120; i++)
                {
                    var input = $"goal {random.Next(4)}" + (random.Next(6) == 0 ? new string('x', 300) : "");
                    var run = random.Next(5) == 0
                        ? Runs.SealedRepair(random.Next(4), random.Next(11) / 10.0, input, Runs.Kept(1, 0))
                        : Runs.Sealed(random.Next(5), random.Next(11) / 10.0, input, i, Runs.TaskType, Runs.Call("t", $"{random.Next(3)}"));
                    await store.KeepAsync(run);
                    kept = kept.Add(Runs.Kept(run));
                }
            }

            await using var again = new ExperienceStore(folder, self, new ExperienceLimits(), NullLogger.Instance, IsProven);
            var read = (await again.LoadAsync(Runs.TaskType, limits)).Aggregate(TrajectoryState.Empty(self, limits, IsProven), (state, envelope) => state.Add(KeptTrajectory.Read(envelope, Runs.TaskType, out _)!));
            Assert.Equal(kept.BestFirst.Select(run => run.Id), read.BestFirst.Select(run => run.Id));
        }
        finally
        {
            ExperienceFile.Release(Path.Combine(folder, ExperienceFile.FileName));
            Directory.Delete(folder, recursive: true);
        }

        static bool IsProven(string author) => author == Runs.Author(2).PeerId.ToString();
    }
}
