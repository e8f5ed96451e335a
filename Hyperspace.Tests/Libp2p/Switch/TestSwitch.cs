using System.Collections.Concurrent;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Switch;

/// <summary>A switch on loopback that serves ping and an echo, and notes what its observer hears.</summary>
internal sealed class TestSwitch : IAsyncDisposable, ISwitchObserver
{
    public const string Echo = "/hyperspace/echo/1.0.0";
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentQueue<string> _news = new();
    private readonly SemaphoreSlim _newsArrived = new(0);

    private TestSwitch(KeyPair keys, SwitchOptions options)
    {
        Keys = keys;
        Switch = new Libp2pSwitch(options);
        Ping = new PingService(Switch);
        Switch.Handle(Echo, EchoAsync, 1000);
        Switch.Observe(this);
    }

    public KeyPair Keys { get; }

    public Libp2pSwitch Switch { get; }

    public PingService Ping { get; }

    public PeerId PeerId => Switch.LocalPeer;

    public Multiaddr Address => Switch.ListenAddresses[0].WithPeer(PeerId);

    public IReadOnlyCollection<string> News => _news;

    public static async Task<TestSwitch> StartAsync(Func<SwitchOptions, SwitchOptions>? change = null)
    {
        var keys = KeyPair.Generate();
        var options = new SwitchOptions { KeyPair = keys, ListenAddresses = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/0")] };
        var peer = new TestSwitch(keys, change?.Invoke(options) ?? options);
        await peer.Switch.StartAsync();
        return peer;
    }

    public static async Task EchoAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }
    }

    /// <summary>Sends data over a new echo stream, closes the writing side and returns all that came back.</summary>
    public async Task<byte[]> EchoAsync(PeerId peer, byte[] data)
    {
        using var timeout = new CancellationTokenSource(Patience);
        await using var stream = await Switch.OpenStreamAsync(peer, [Echo], timeout.Token);
        var received = stream.ReadToEndAsync(timeout.Token);
        await stream.WriteAsync(data, timeout.Token);
        await stream.CloseWriteAsync(timeout.Token);
        return await received;
    }

    /// <summary>Waits until the observer's news satisfy the condition.</summary>
    public async Task UntilNewsAsync(Func<IReadOnlyCollection<string>, bool> condition)
    {
        while (!condition(News))
        {
            if (!await _newsArrived.WaitAsync(Patience))
            {
                Assert.Fail($"The observer heard only: {string.Join(", ", News)}");
            }
        }
    }

    public Task UntilIdentifiedAsync(PeerId peer) => UntilNewsAsync(news => news.Contains($"identified {peer}"));

    public void PeerIdentified(PeerRecord peer) => Note($"identified {peer.Peer}");

    public void PeerUpdated(PeerRecord peer) => Note($"updated {peer.Peer}");

    public void PeerDisconnected(PeerId peer) => Note($"disconnected {peer}");

    public async ValueTask DisposeAsync()
    {
        await Switch.DisposeAsync();
        Keys.Dispose();
        _newsArrived.Dispose();
    }

    private void Note(string news)
    {
        _news.Enqueue(news);
        _newsArrived.Release();
    }
}

internal static class StreamReading
{
    public static async Task<byte[]> ReadToEndAsync(this IPeerStream stream, CancellationToken cancellationToken = default)
    {
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }
}
