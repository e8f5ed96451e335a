using System.Diagnostics;
using Hyperspace.Actors.Identity;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Benchmarks.Loop;

/// <summary>What a verification costs, called over and over.</summary>
internal static class SignatureFigures
{
    private const int Warmup = 500;

    /// <summary>The envelope that everything stored or relayed is in.</summary>
    public static Figure Envelope(TimeSpan duration)
    {
        using var keys = KeyPair.Generate();
        var now = DateTimeOffset.UtcNow;
        var envelope = SignedEnvelope.Seal(keys, "bench", new byte[1024], new HybridTime((ulong)now.ToUnixTimeMilliseconds(), 0)).Bytes;
        return new Figure("envelope of 1 KiB, verify", Microseconds(duration, () => SignedEnvelope.Open(envelope, now, out _) is not null), "µs");
    }

    /// <summary>Microseconds that one verification takes; it must succeed.</summary>
    public static double Microseconds(TimeSpan duration, Func<bool> verify)
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
}
