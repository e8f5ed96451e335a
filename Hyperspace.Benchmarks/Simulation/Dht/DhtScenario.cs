using System.Diagnostics;
using System.Text;
using Hyperspace.Libp2p.Kademlia;

namespace Hyperspace.Benchmarks.Simulation.Dht;

/// <summary>One experiment: a DHT forms, then records are put by random peers and got by others, and it is counted what that took.</summary>
internal sealed record DhtScenario
{
    /// <summary>Between two lookups.</summary>
    private const int IntervalMs = 500;

    public int Peers { get; init; } = 1000;

    public int Lookups { get; init; } = 1000;

    public int Seed { get; init; } = 1;

    public NetworkModel Network { get; init; } = new();

    public ChurnModel? Churn { get; init; }

    public KademliaOptions Options { get; init; } = new();

    /// <summary>Runs it; <paramref name="progress"/> is told now and then where it stands.</summary>
    public DhtReport Run(Action<string>? progress = null)
    {
        var watch = Stopwatch.StartNew();
        var network = new DhtNetwork(Seed, Network, Options);
        for (var joined = 0; joined < Peers; joined += 1000)
        {
            network.Join(Math.Min(1000, Peers - joined));
            progress?.Invoke($"{network.Nodes.Count} of {Peers} peers joined, {watch.Elapsed.TotalSeconds:0.0} s.");
        }

        network.Refresh();
        progress?.Invoke($"Every peer looked itself up again, {watch.Elapsed.TotalSeconds:0.0} s.");
        var random = new Random(Seed);
        if (Churn is { } churn)
        {
            Leave(network, churn, random);
            network.Time.Run(60_000);
        }

        var (gets, requests) = (new List<DhtLookup>(), network.Requests);
        var (puts, stored, running) = (0, 0, 0);
        for (var i = 0; i < Lookups; i++)
        {
            byte[] key = [.. "/sim/"u8, .. Encoding.ASCII.GetBytes($"{Seed}/{i}")];
            running++;
            Put(network, key, holders =>
            {
                puts++;
                stored += holders;

                // Another peer asks once the record lies where it should.
                network.Time.After(IntervalMs, () => new DhtLookup(network, network.Any(), key)
                {
                    SeeksValue = true,
                    Done = get =>
                    {
                        gets.Add(get);
                        running--;
                    },
                }.Start());
            });
            network.Time.Run(IntervalMs);
            if ((i + 1) % Math.Max(1, Lookups / 5) == 0)
            {
                progress?.Invoke($"{i + 1} of {Lookups} lookups begun, {watch.Elapsed.TotalSeconds:0.0} s.");
            }
        }

        // Who leaves in the middle of a lookup never ends it; its query's time-out is over by then.
        network.Time.RunUntil(network.Time.Now + (2 * (long)Options.QueryTimeout.TotalMilliseconds), () => running == 0);
        var times = gets.Select(g => g.Milliseconds).Order().ToList();
        var first = gets.Where(g => g.FirstValue is not null).Select(g => g.FirstValue!.Value).Order().ToList();
        return new DhtReport
        {
            Peers = Peers,
            Lookups = Lookups,
            Seed = Seed,
            Loss = Network.Loss,
            Churn = Churn?.PerMinute ?? 0,
            DisjointPaths = Options.DisjointPaths,
            Success = (double)first.Count / Lookups,
            Hops = gets.Select(g => (double)g.Hops).DefaultIfEmpty().Average(),
            MaxHops = gets.Select(g => g.Hops).DefaultIfEmpty().Max(),
            Messages = gets.Select(g => 2.0 * g.Requests).DefaultIfEmpty().Average(),
            Holders = puts == 0 ? 0 : (double)stored / puts,
            P50Ms = Percentile(times, 0.5),
            P99Ms = Percentile(times, 0.99),
            FirstValueP50Ms = Percentile(first, 0.5),
            TableSize = network.Nodes.Where(n => n.Up).Average(n => n.Server.Table.Count),
            WallSeconds = watch.Elapsed.TotalSeconds,
            MemoryMiB = GC.GetTotalMemory(false) / (1024.0 * 1024),
        };
    }

    private static double Percentile(List<long> sorted, double share) => sorted.Count == 0 ? 0 : sorted[(int)Math.Ceiling(share * sorted.Count) - 1];

    private static void Put(DhtNetwork network, byte[] key, Action<int> done)
    {
        var from = network.Any();
        new DhtLookup(network, from, key)
        {
            Done = found =>
            {
                var holders = 0;
                foreach (var peer in found.Closest)
                {
                    network.Send(from, peer, remote => remote.Server.Put(key, "value"u8.ToArray(), from.Id, network.Time.GetUtcNow()).Refusal is null, took => holders += took ? 1 : 0);
                }

                network.Time.After((long)network.Options.RpcTimeout.TotalMilliseconds, () => done(holders));
            },
        }.Start();
    }

    private void Leave(DhtNetwork network, ChurnModel churn, Random random)
    {
        network.Time.After(churn.NextLeave(network.Nodes.Count(n => n.Up), random), () =>
        {
            var node = network.Any();
            node.Up = false;
            network.Time.After(churn.Absence(random), () => network.Return(node));
            Leave(network, churn, random);
        });
    }
}
