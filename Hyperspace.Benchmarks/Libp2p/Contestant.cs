using System.Diagnostics;
using System.Text.Json;
using Hyperspace.Host;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Benchmarks.Libp2p;

/// <summary>A libp2p whose peers are processes that take the commands of <c>docs/net.md</c>.</summary>
/// <param name="Name">For the table.</param>
/// <param name="StartOneAsync">Starts a peer on loopback.</param>
internal sealed record Contestant(string Name, Func<Task<JsonLinesPeer>> StartOneAsync)
{
    /// <summary>This program's own <c>hyperspace net</c>, as it was built with the benchmarks.</summary>
    public static Contestant Hyperspace { get; } = new("Hyperspace", () =>
        JsonLinesPeer.StartAsync("hyperspace net", new ProcessStartInfo("dotnet", [typeof(ChildPeer).Assembly.Location, "net", "--listen", "/ip4/127.0.0.1/tcp/0"])));

    /// <summary>A version line of js-libp2p, in the harness of the interop tests.</summary>
    public static Contestant Js(int line) => new($"js-libp2p {line}", async () => (await JsPeer.StartAsync(line)).Lines);

    /// <summary>Starts several peers.</summary>
    public async Task<PeerGroup> StartAsync(int count)
    {
        var group = new PeerGroup();
        try
        {
            for (var i = 0; i < count; i++)
            {
                group.Peers.Add(await StartOneAsync());
            }

            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }
}

/// <summary>Peers that end together. A peer whose driver dies ends by itself, because its input ends.</summary>
internal sealed class PeerGroup : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public List<JsonLinesPeer> Peers { get; } = [];

    public JsonLinesPeer this[int i] => Peers[i];

    /// <summary>Connects everybody with everybody.</summary>
    public async Task DialAllAsync()
    {
        for (var i = 0; i < Peers.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                await Peers[i].CallAsync("dial", new { ma = $"{Peers[j].Addresses[0]}" }, Patience);
            }
        }
    }

    /// <summary>Subscribes all, counting only, and waits until each has all others in its mesh.</summary>
    public async Task JoinAsync(string topic, CancellationToken cancellationToken)
    {
        foreach (var peer in Peers)
        {
            await peer.CallAsync("subscribe", new { topic, quiet = true });
        }

        await UntilAsync("topic", new { topic }, r => r.GetProperty("mesh").GetArrayLength() == Peers.Count - 1, cancellationToken);
    }

    /// <summary>Waits until the answer of each peer to a command is as wanted.</summary>
    public async Task UntilAsync(string command, object arguments, Func<JsonElement, bool> wanted, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        foreach (var peer in Peers)
        {
            while (!wanted(await peer.CallAsync(command, arguments)))
            {
                if (clock.Elapsed > Patience)
                {
                    throw new TimeoutException($"Peers did not come to what '{command}' was asked for.");
                }

                await timer.WaitForNextTickAsync(cancellationToken);
            }
        }
    }

    /// <summary>Processor time of all together, in milliseconds.</summary>
    public double CpuMilliseconds() => Peers.Sum(p =>
    {
        p.Process.Refresh();
        return p.Process.TotalProcessorTime.TotalMilliseconds;
    });

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in Peers)
        {
            await peer.DisposeAsync();
        }
    }
}
