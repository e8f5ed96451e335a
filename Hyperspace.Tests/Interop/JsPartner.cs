using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace Hyperspace.Tests.Interop;

/// <summary>Marks tests that need js-libp2p; they run one class at a time, after its packages are installed.</summary>
[CollectionDefinition(Name)]
public sealed class JsPartnerCollection : ICollectionFixture<JsPartner>
{
    public const string Name = "js-libp2p";
}

/// <summary>
/// Installs js-libp2p's version lines (folders <c>Interop/js/libp2p-2</c> and <c>libp2p-3</c>) once per checkout, and
/// again when a lock file changes. Without node and npm the tests are skipped with the reason.
/// </summary>
public sealed class JsPartner : IAsyncLifetime
{
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);
    private string? _missing;

    public static string Folder(int line) => Path.Combine(
        typeof(JsPartner).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "InteropJsFolder").Value!,
        $"libp2p-{line}");

    public async Task InitializeAsync()
    {
        foreach (var line in (int[])[2, 3])
        {
            _missing ??= await InstallAsync(Folder(line));
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Starts a node of the line (2 or 3), or skips the test when there is no node to start it with.</summary>
    public async Task<JsPeer> StartAsync(int line, object? options = null)
    {
        Skip.If(_missing is not null, _missing);
        return await JsPeer.StartAsync(line, options);
    }

    /// <summary>Returns why the line cannot be installed here, or null when it is installed.</summary>
    private static async Task<string?> InstallAsync(string folder)
    {
        var lockHash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "package-lock.json"))));
        var stamp = Path.Combine(folder, "node_modules", ".installed-lock");
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == lockHash)
        {
            return await RunAsync(folder, "node", "--version") is (0, _) ? null : "node cannot be started: install Node.js 20 or newer to run the js-libp2p tests.";
        }

        if (await RunAsync(folder, "npm", "--version") is not (0, _))
        {
            return "npm cannot be started: install Node.js 20 or newer to run the js-libp2p tests.";
        }

        var (exitCode, output) = await RunAsync(folder, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts");
        if (exitCode != 0)
        {
            return $"'npm ci' failed in {Path.GetFileName(folder)}: {output}";
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
