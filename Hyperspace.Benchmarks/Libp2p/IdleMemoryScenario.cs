using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>What an idle peer with 50 connections holds in memory. The 50 others live in this process, the same for both.</summary>
internal static class IdleMemoryScenario
{
    private const int Connections = 50;
    private const double MiB = 1 << 20;
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(10);

    public static async Task<IReadOnlyList<Comparison>> RunAsync(Contestant ours, Contestant theirs, CancellationToken cancellationToken)
    {
        var both = await Task.WhenAll(MeasureAsync(ours, cancellationToken), MeasureAsync(theirs, cancellationToken));
        return
        [
            new Comparison("resident memory, idle, no connection", "MiB", both[0].Before, both[1].Before),
            new Comparison("resident memory, idle, 50 connections", "MiB", both[0].After, both[1].After),
        ];
    }

    private static async Task<(double Before, double After)> MeasureAsync(Contestant contestant, CancellationToken cancellationToken)
    {
        await using var group = await contestant.StartAsync(1);
        var before = Resident(group);
        List<(Libp2pSwitch Switch, KeyPair Keys)> others = [];
        try
        {
            for (var i = 0; i < Connections; i++)
            {
                var keys = KeyPair.Generate();
                others.Add((new Libp2pSwitch(new SwitchOptions { KeyPair = keys }), keys));
                await others[^1].Switch.StartAsync(cancellationToken);
                await others[^1].Switch.DialAsync(Multiaddr.Parse($"{group[0].Addresses[0]}"), cancellationToken);
            }

            await group.UntilAsync("stats", new { }, r => r.GetProperty("connections").GetInt32() == Connections, cancellationToken);
            await Task.Delay(Idle, cancellationToken);
            return (before, Resident(group));
        }
        finally
        {
            foreach (var (other, keys) in others)
            {
                await other.DisposeAsync();
                keys.Dispose();
            }
        }
    }

    private static double Resident(PeerGroup group)
    {
        group[0].Process.Refresh();
        return group[0].Process.WorkingSet64 / MiB;
    }
}
