using System.Diagnostics;

namespace Hyperspace.Tests.Interop;

/// <summary>The compiled contracts that are checked in are what their sources compile to.</summary>
public class ContractsTests
{
    private static readonly TimeSpan CompileTimeout = TimeSpan.FromMinutes(2);

    [SkippableFact]
    public async Task The_artefacts_are_what_the_sources_compile_to()
    {
        var missing = await NpmFolder.InstallAsync(Contracts.Folder);
        Skip.If(missing is not null, missing);
        using var compile = Process.Start(new ProcessStartInfo("node", ["compile.mjs", "--check"]) { WorkingDirectory = Contracts.Folder, RedirectStandardError = true })!;
        using var timeout = new CancellationTokenSource(CompileTimeout);
        try
        {
            var said = await compile.StandardError.ReadToEndAsync(timeout.Token);
            await compile.WaitForExitAsync(timeout.Token);
            Assert.True(compile.ExitCode == 0, said);
        }
        finally
        {
            if (!compile.HasExited)
            {
                compile.Kill();
            }
        }
    }
}
