using System.Diagnostics;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Loop;

/// <summary>What verifying an envelope and a voucher costs; the voucher beside viem.</summary>
internal static class SignatureFigures
{
    private const int Warmup = 300;

    public static async Task<IReadOnlyList<Figure>> MeasureAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        using var keys = KeyPair.Generate();
        var now = DateTimeOffset.UtcNow;
        var envelope = SignedEnvelope.Seal(keys, "bench", new byte[1024], new HybridTime((ulong)now.ToUnixTimeMilliseconds(), 0)).Bytes;
        var envelopeMicroseconds = Measure(duration, () => SignedEnvelope.Open(envelope, now, out _) is not null);

        var wallet = Secp256k1Wallet.Generate();
        var address = ByteString.CopyFrom(wallet.Address.Span);
        var terms = new ChannelTerms { Payer = address, Payee = address, Token = address, Escrow = address, AuthorizedSigner = address, Salt = ByteString.CopyFrom(new byte[32]), ChainId = 808080, DepositMicro = 1_000_000, Currency = "USDC" };
        var voucher = new VoucherSigner(wallet).Sign(terms, 1000);
        var viem = await ViemAsync(duration, cancellationToken);
        var vouchers = Secp256k1.Available.Select(library => new Figure(
            $"voucher, whole verification by {library.Name}", Measure(duration, () => VoucherVerifier.IsSigned(terms, voucher, library)), "µs", viem, "viem"));
        return [new Figure("envelope of 1 KiB, verify", envelopeMicroseconds, "µs"), .. vouchers];
    }

    private static double Measure(TimeSpan duration, Func<bool> verify)
    {
        for (var i = 0; i < Warmup; i++)
        {
            Verify();
        }

        var count = 0;
        var clock = Stopwatch.StartNew();
        for (; clock.Elapsed < duration; count++)
        {
            Verify();
        }

        return clock.Elapsed.TotalMicroseconds / count;

        void Verify()
        {
            if (!verify())
            {
                throw new InvalidOperationException("A good signature was refused.");
            }
        }
    }

    private static async Task<double?> ViemAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        if (await NpmFolder.InstallAsync("viem") is { } missing)
        {
            await Console.Error.WriteLineAsync(missing);
            return null;
        }

        using var process = Process.Start(new ProcessStartInfo("node", ["bench.mjs", duration.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture)])
        {
            WorkingDirectory = NpmFolder.PathOf("viem"),
            RedirectStandardOutput = true,
        })!;
        var line = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        return JsonNode.Parse(line)!["verifyUs"]!.GetValue<double>();
    }
}
