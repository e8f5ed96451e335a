using System.Diagnostics;
using System.Globalization;
using Hyperspace.Actors.Evm;

namespace Hyperspace.Tests.Interop;

/// <summary>An unmodified server on node that charges (folder <c>Interop/js/pay-servers</c>) and settles on a local chain. Ends with its process id.</summary>
internal sealed class PayServerPartner : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(60);
    private readonly Process _process;

    private PayServerPartner(Process process, Uri url, byte[] recipient)
    {
        _process = process;
        Url = url;
        Recipient = recipient;
    }

    /// <summary>What it sells, for 1000 token units.</summary>
    public Uri Url { get; }

    /// <summary>Who is paid.</summary>
    public byte[] Recipient { get; }

    /// <summary>Starts <c>mppx-server.mjs</c> or <c>x402-server.mjs</c>, or skips the test where it cannot be had.</summary>
    public static async Task<PayServerPartner> StartAsync(string script, LocalChain chain)
    {
        var missing = await NpmFolder.InstallAsync("pay-servers");
        Skip.If(missing is not null, missing);
        var key = Keccak256.Hash(System.Text.Encoding.UTF8.GetBytes(script));
        await chain.GiveAsync(Secp256k1.Library.AddressOf(key), 0);
        var recipient = Secp256k1.Library.AddressOf(Keccak256.Hash(key));
        var process = Process.Start(new ProcessStartInfo(
            "node",
            [
                script, chain.Options.RpcUrl.ToString(), chain.Options.ChainId.ToString(CultureInfo.InvariantCulture), "0x" + Hex.Checksummed(chain.Options.Token.Address.Span),
                "0x" + Hex.Checksummed(recipient), Hex.Of(key),
            ])
        {
            WorkingDirectory = NpmFolder.PathOf("pay-servers"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        using var timeout = new CancellationTokenSource(StartTimeout);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            return int.TryParse(await process.StandardOutput.ReadLineAsync(timeout.Token), CultureInfo.InvariantCulture, out var port)
                ? new PayServerPartner(process, new Uri($"http://127.0.0.1:{port}/paid"), recipient)
                : throw new InvalidOperationException($"{script} ended before it listened: {await errors}");
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
