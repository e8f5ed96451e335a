using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>Scripts of the folder <c>pay-bench</c>, which drive mppx, viem and ethers.</summary>
internal static class NodeScripts
{
    private const string Folder = "pay-bench";

    /// <summary>Why they cannot be run here; null: they can.</summary>
    public static Task<string?> WhyMissingAsync() => NpmFolder.InstallAsync(Folder);

    /// <summary>Runs a script to its end and reads the JSON that it prints.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static async Task<JsonNode> RunAsync(string script, IEnumerable<object> arguments, CancellationToken cancellationToken)
    {
        using var process = Start(script, arguments);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? JsonNode.Parse(await output)! : throw new InvalidOperationException($"{script} failed: {await error}");
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Starts a server and reads the first line that it prints; it ends when it is disposed.</summary>
    public static async Task<NodeServer> StartServerAsync(string script, IEnumerable<object> arguments, CancellationToken cancellationToken)
    {
        var process = Start(script, arguments);
        _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var line = await process.StandardOutput.ReadLineAsync(cancellationToken) ?? throw new InvalidOperationException($"{script} ended before it was ready.");
        return new NodeServer(process, line);
    }

    private static Process Start(string script, IEnumerable<object> arguments) => Process.Start(
        new ProcessStartInfo("node", [script, .. arguments.Select(a => Convert.ToString(a, CultureInfo.InvariantCulture)!)])
        {
            WorkingDirectory = NpmFolder.PathOf(Folder),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
}

/// <summary>A server that a script runs.</summary>
internal sealed class NodeServer(Process process, string firstLine) : IAsyncDisposable
{
    /// <summary>What it printed when it was ready: its port.</summary>
    public string FirstLine => firstLine;

    public async ValueTask DisposeAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
