using Hyperspace.Actors.Tools.Mcp;

namespace Hyperspace.Tests.Tools;

public class McpProcessTests
{
    [SkippableFact]
    public async Task A_server_sees_nothing_of_the_peers_environment_but_what_it_needs_and_what_it_is_given()
    {
        Skip.If(OperatingSystem.IsWindows(), "The command 'env' is needed.");
        const string Secret = "HYPERSPACE_TEST_SECRET";
        Environment.SetEnvironmentVariable(Secret, "do not tell");
        try
        {
            await using var process = McpProcess.Start(new McpServerSpec("stdio://env", [], new Dictionary<string, string> { ["GIVEN"] = "yes", ["LANG"] = "C.test" }));
            using var reader = new StreamReader(process.Output, leaveOpen: true);
            var lines = (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Contains("GIVEN=yes", lines);
            Assert.Contains("LANG=C.test", lines);
            Assert.Contains($"PATH={Environment.GetEnvironmentVariable("PATH")}", lines);
            Assert.Empty(lines.Select(l => l.Split('=')[0]).Except(["PATH", "HOME", "LANG", "TMPDIR", "GIVEN"]));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Secret, null);
        }
    }
}
