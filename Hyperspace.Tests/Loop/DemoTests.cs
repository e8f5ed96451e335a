using System.Diagnostics;
using System.Runtime.CompilerServices;
using Hyperspace.Host.Demo;

namespace Hyperspace.Tests.Loop;

public class DemoTests
{
    [Fact]
    public async Task Three_processes_discover_run_settle_learn_and_gossip()
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-demo-test-");
        try
        {
            var phases = new List<string>();
            using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(3));
            var report = await new DemoScenario(directory.FullName, Path.Combine(Root(), "docs"), step => phases.Add(step.Phase)).RunAsync(deadline.Token);

            Assert.Equal(["start", "start", "start", "offer", "discover", "fail alone", "discover", "run, settle", "gossip", "start from what A learned", "settle"], phases);
            Assert.True(DemoReport.RateOf(report.Before) < DemoReport.RateOf(report.After));
            Assert.Equal(1, DemoReport.RateOf(report.After));
            Assert.Equal(report.Money.Sum(m => m.PaidOverChannels), report.Money.Sum(m => m.Received));
            Assert.NotEmpty(report.Bullets);
            Assert.Empty(Process.GetProcesses().Where(p => CommandLineOf(p).Contains(directory.FullName, StringComparison.Ordinal)));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string CommandLineOf(Process process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.Id}/cmdline");
        }
        catch (IOException)
        {
            // It ended meanwhile, or this system has no /proc.
            return "";
        }
    }

    private static string Root([CallerFilePath] string thisFile = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));
}
