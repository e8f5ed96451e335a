using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Payments;

/// <summary>What payments cost here, beside viem, ethers and mppx on the same machine in the same run.</summary>
internal static class PaymentsScenario
{
    // Where mppx's rates are best; and where ours are.
    private const int ClientConcurrency = 8;
    private const int ChannelConcurrency = 64;

    /// <summary>The parts that can be run alone.</summary>
    public static IReadOnlyList<string> PartNames { get; } = ["verify", "shop", "channel", "stream"];

    /// <summary>Runs the named parts, or all.</summary>
    public static async Task<LoopReport> RunAsync(IReadOnlyList<string> only, TimeSpan duration, Action<string> tell, CancellationToken cancellationToken)
    {
        if (await NodeScripts.WhyMissingAsync() is { } missing)
        {
            throw new InvalidOperationException($"The payments are measured beside mppx, viem and ethers: {missing}");
        }

        bool Runs(string part) => only.Count == 0 || only.Contains(part);
        var figures = new List<Figure>();
        if (Runs("verify"))
        {
            tell("voucher verification");
            figures.AddRange(await VerificationFigures.MeasureAsync(duration, cancellationToken));
        }

        double? mppx = null;
        double? mppxTokens = null;
        if (Runs("shop"))
        {
            tell("paid requests over HTTP");
            await using var shop = await ShopFigures.StartAsync(cancellationToken);
            foreach (var concurrency in (int[])[1, ClientConcurrency])
            {
                var (ours, theirs) = await shop.MppxClientAsync(concurrency, duration, cancellationToken);
                figures.Add(new Figure(
                    $"paid requests, one mppx client, {concurrency} at once, each settled later", ours["perSecond"]!.GetValue<double>(), "/s", theirs["perSecond"]!.GetValue<double>(), "the same client at an mppx server", RatioAtLeast: 3));
                figures.Add(new Figure($"the same, p50", ours["p50Ms"]!.GetValue<double>(), "ms", theirs["p50Ms"]!.GetValue<double>(), "the same client at an mppx server"));
                mppx = Math.Max(mppx ?? 0, theirs["perSecond"]!.GetValue<double>());
            }

            mppxTokens = await shop.MppxTokensAsync(1_000, cancellationToken);
            var (unpaid, paid) = await shop.LatencyAsync(duration, cancellationToken);
            figures.Add(new Figure("an unpaid call over HTTP, answered 402, p50", unpaid, "ms"));
            figures.Add(new Figure("what paying (x402, signed ahead) and running the tool add to it, p50", paid - unpaid, "ms", AtMost: 1));
        }

        if (Runs("channel") || Runs("stream"))
        {
            await using var channel = await ChannelFigures.StartAsync(cancellationToken);
            if (Runs("channel"))
            {
                tell("paid calls over a channel");
                var (perSecond, _) = await channel.CallsAsync(ChannelConcurrency, 0.000001m, duration, cancellationToken);
                var (_, paid) = await channel.CallsAsync(1, 0.000002m, duration, cancellationToken);
                var (_, free) = await channel.CallsAsync(1, 0m, duration, cancellationToken);
                var bare = await channel.BareCallsAsync(ChannelConcurrency, 0.000003m, duration, cancellationToken);
                figures.Add(new Figure($"paid calls over one channel between peers, {ChannelConcurrency} at once", bare, "/s", mppx, "mppx client at an mppx server", RatioAtLeast: mppx is null ? null : 10));
                figures.Add(new Figure("the same inside sessions, with budgets and traces", perSecond, "/s", mppx, "mppx client at an mppx server"));
                figures.Add(new Figure("a free call between peers, p50", free, "ms"));
                figures.Add(new Figure("what a voucher adds to it, p50", paid - free, "ms"));
            }

            if (Runs("stream"))
            {
                tell("tokens");
                figures.Add(new Figure(
                    "tokens of one stream between peers, one voucher each", await channel.TokensAsync(duration, cancellationToken), "/s", mppxTokens, "mppx session client at our peer", RatioAtLeast: mppxTokens is null ? null : 10));
            }
        }

        return new LoopReport(figures);
    }
}
