using System.Diagnostics;
using System.Text.Json;

namespace Hyperspace.Tests.Interop;

/// <summary>viem on node: a second implementation of keccak256, secp256k1 and EIP-712 that signs and verifies with ours.</summary>
public sealed class ViemPartner : IAsyncLifetime
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(30);
    private string? _missing;

    public async Task InitializeAsync() => _missing = await NpmFolder.InstallAsync("viem");

    public Task DisposeAsync() => Task.CompletedTask;

    /// <summary>Runs <c>partner.mjs</c> on one request, or skips the test when there is no node to run it with.</summary>
    public async Task<JsonElement> AskAsync(object request)
    {
        Skip.If(_missing is not null, _missing);
        using var process = Process.Start(new ProcessStartInfo("node", ["partner.mjs"])
        {
            WorkingDirectory = NpmFolder.PathOf("viem"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var timeout = new CancellationTokenSource(AnswerTimeout);
        await process.StandardInput.WriteAsync(JsonSerializer.Serialize(request).AsMemory(), timeout.Token);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            var answer = await process.StandardOutput.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return process.ExitCode == 0 ? JsonSerializer.Deserialize<JsonElement>(answer) : throw new InvalidOperationException("viem's partner failed: " + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"viem's partner gave no answer within {AnswerTimeout.TotalSeconds} seconds.");
        }
    }
}
