using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace Hyperspace.Tests.Interop;

/// <summary>A folder under <c>Interop/js</c>, with the packages of a partner that runs on node; installed once per checkout and again when its lock file changes.</summary>
internal static class NpmFolder
{
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);
    private static readonly SemaphoreSlim Installing = new(1);

    /// <summary>Where the folder lies in the source tree.</summary>
    public static string PathOf(string name) => Path.Combine(
        typeof(NpmFolder).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "InteropJsFolder").Value!, name);

    /// <summary>Installs the folder's packages by its lock file, unless they are there; returns why that cannot be done here, or null when they are installed.</summary>
    public static async Task<string?> InstallAsync(string name)
    {
        // Classes that run at once may want the same folder.
        await Installing.WaitAsync();
        try
        {
            return await InstallOnceAsync(name);
        }
        finally
        {
            Installing.Release();
        }
    }

    private static async Task<string?> InstallOnceAsync(string name)
    {
        var folder = PathOf(name);
        var lockHash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "package-lock.json"))));
        var stamp = Path.Combine(folder, "node_modules", ".installed-lock");
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == lockHash)
        {
            return await RunAsync(folder, "node", "--version") is (0, _) ? null : "node cannot be started: install Node.js 20 or newer to run the interop tests.";
        }

        if (await RunAsync(folder, "npm", "--version") is not (0, _))
        {
            return "npm cannot be started: install Node.js 20 or newer to run the interop tests.";
        }

        var (exitCode, output) = await RunAsync(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
        if (exitCode != 0)
        {
            return $"'npm ci' failed in {name}: {output}";
        }

        await File.WriteAllTextAsync(stamp, lockHash);
        return null;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string folder, string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        Process? process;
        try
        {
            process = Process.Start(start);
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            return (-1, e.Message);
        }

        using (process)
        {
            using var timeout = new CancellationTokenSource(InstallTimeout);
            var output = process!.StandardOutput.ReadToEndAsync(timeout.Token);
            var error = process.StandardError.ReadToEndAsync(timeout.Token);
            try
            {
                await process.WaitForExitAsync(timeout.Token);
                return (process.ExitCode, await output + await error);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (-1, $"{command} took longer than {InstallTimeout.TotalMinutes} minutes.");
            }
        }
    }
}
