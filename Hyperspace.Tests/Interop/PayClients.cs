using System.Diagnostics;
using System.Text.Json;

namespace Hyperspace.Tests.Interop;

/// <summary>Unmodified clients of others that pay over HTTP: mppx and @x402/fetch, on node.</summary>
public sealed class PayClients : IAsyncLifetime
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(60);
    private string? _missing;

    public async Task InitializeAsync() => _missing = await NpmFolder.InstallAsync("pay-clients");

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Runs a script on one job, and gives its answer; skips the test when there is no node to run it with.</summary>
    public async Task<JsonElement> RunAsync(string script, object job)
    {
        Skip.If(_missing is not null, _missing);
        using var process = Process.Start(new ProcessStartInfo("node", [script])
        {
            WorkingDirectory = NpmFolder.PathOf("pay-clients"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(job).AsMemory(), timeout.Token);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            var answer = await process.StandardOutput.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return process.ExitCode == 0 ? JsonSerializer.Deserialize<JsonElement>(answer) : throw new InvalidOperationException($"{script} failed: {await error}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{script} gave no answer within {AnswerTimeout.TotalSeconds} seconds.");
        }
    }
}
