using System.Diagnostics;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Host.Net;

/// <summary>What the commands do: connections and streams here, gossip in <see cref="GossipCommands"/>, the DHT in <see cref="DhtCommands"/>.</summary>
internal sealed class NetCommands : IDisposable
{
    private const int MaxCount = 100_000;
    private readonly NetPeer _peer;
    private readonly GossipCommands _gossip;
    private readonly Dictionary<string, Func<NetRequest, CancellationToken, Task<NetReply>>> _commands;

    public NetCommands(NetPeer peer, NetOutput output)
    {
        _peer = peer;
        _gossip = new GossipCommands(peer.PubSub, output);
        var dht = new DhtCommands(peer.Routing);
        _commands = new(StringComparer.Ordinal)
        {
            ["dial"] = DialAsync,
            ["ping"] = PingAsync,
            ["echo"] = EchoAsync,
            ["perf"] = PerfAsync,
            ["stream"] = StreamAsync,
            ["peers"] = (_, _) => Task.FromResult<NetReply>(new PeersReply([.. _peer.Switch.Connections.GroupBy(c => c.Peer).Select(Line)])),
            ["close"] = CloseAsync,
            ["stats"] = (r, _) => Task.FromResult<NetReply>(Stats(r.Collect)),
            ["score"] = (r, _) => Task.FromResult(_gossip.Score(r, _peer.Switch.ConnectedPeers)),
            ["subscribe"] = (r, _) => Task.FromResult(_gossip.Subscribe(r)),
            ["unsubscribe"] = (r, _) => Task.FromResult(_gossip.Unsubscribe(r)),
            ["topic"] = (r, _) => Task.FromResult(_gossip.Topic(r)),
            ["received"] = (r, _) => Task.FromResult(_gossip.Received(r)),
            ["publish"] = _gossip.PublishAsync,
            ["dht.put"] = dht.PutAsync,
            ["dht.get"] = dht.GetAsync,
            ["dht.provide"] = dht.ProvideAsync,
            ["dht.findProviders"] = dht.FindProvidersAsync,
            ["dht.findPeer"] = dht.FindPeerAsync,
        };
    }

    /// <exception cref="NetRequestException">The request cannot be meant.</exception>
    public Task<NetReply> RunAsync(NetRequest request, CancellationToken cancellationToken) =>
        _commands.TryGetValue(request.Cmd ?? "", out var command)
            ? command(request, cancellationToken)
            : throw new NetRequestException($"cmd: '{request.Cmd}' is no command; give one of {string.Join(", ", _commands.Keys.Append("quit"))}.");

    public void Dispose() => _gossip.Dispose();

    /// <summary>A field that must be there.</summary>
    public static string Required(string? value, string name) =>
        value is { Length: > 0 } ? value : throw new NetRequestException($"{name}: give it.");

    /// <summary>The peer id in a field that must be there.</summary>
    public static PeerId PeerOf(NetRequest request) =>
        PeerId.TryParse(Required(request.Peer, "peer"), out var peer) ? peer : throw new NetRequestException($"peer: '{request.Peer}' is not a peer id, as 12D3KooW….");

    /// <summary>A number in a field that has bounds.</summary>
    public static int Within(int? value, string name, int fallback, int min, int max) =>
        (value ?? fallback) is var number && number >= min && number <= max ? number : throw new NetRequestException($"{name}: give a whole number from {min} to {max}.");

    private async Task<NetReply> DialAsync(NetRequest request, CancellationToken cancellationToken)
    {
        if (!Multiaddr.TryParse(Required(request.Ma, "ma"), out var address))
        {
            throw new NetRequestException($"ma: '{request.Ma}' is not a multiaddr, as /ip4/127.0.0.1/tcp/7421/p2p/12D3KooW….");
        }

        var start = Stopwatch.GetTimestamp();
        var peer = await _peer.Switch.DialAsync(address, cancellationToken);
        return new DialReply(peer.ToString(), Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private async Task<NetReply> PingAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var (peer, count) = (PeerOf(request), Within(request.Count, "count", 1, 1, MaxCount));
        var rtts = new List<double>();
        while (rtts.Count < count)
        {
            rtts.Add((await _peer.Ping.PingAsync(peer, cancellationToken)).TotalMilliseconds);
        }

        return new RoundTripsReply(rtts, Percentile(rtts, 0.5), Percentile(rtts, 0.99));
    }

    private async Task<NetReply> EchoAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var bytes = Within(request.Bytes, "bytes", 32, 0, 1 << 30);
        var count = Within(request.Count, "count", 1, 1, MaxCount);
        var start = Stopwatch.GetTimestamp();
        var rounds = await _peer.Echo.EchoAsync(PeerOf(request), bytes, count, cancellationToken);
        var milliseconds = rounds.Select(r => r.TotalMilliseconds).ToList();
        return new EchoReply(bytes, count, Stopwatch.GetElapsedTime(start).TotalMilliseconds, Percentile(milliseconds, 0.5), Percentile(milliseconds, 0.99));
    }

    private async Task<NetReply> PerfAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var result = await _peer.Perf.PerfAsync(PeerOf(request), request.Upload, request.Download, cancellationToken);
        return new PerfReply(request.Upload, request.Download, result.Upload.TotalMilliseconds, result.Download.TotalMilliseconds);
    }

    private async Task<NetReply> StreamAsync(NetRequest request, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await using var stream = await _peer.Switch.OpenStreamAsync(PeerOf(request), [Required(request.Protocol, "protocol")], cancellationToken);
        return new StreamReply(stream.Protocol, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    private async Task<NetReply> CloseAsync(NetRequest request, CancellationToken cancellationToken)
    {
        await _peer.Switch.DisconnectAsync(PeerOf(request)).WaitAsync(cancellationToken);
        return new NetReply();
    }

    private PeerLine Line(IGrouping<PeerId, Libp2p.Switch.ConnectionInfo> connections)
    {
        var known = _peer.Switch.Find(connections.Key);
        return new PeerLine(
            connections.Key.ToString(),
            known?.AgentVersion,
            [.. connections.Select(c => new ConnectionLine(c.RemoteAddress.ToString(), c.Inbound ? "inbound" : "outbound", c.Streams))],
            [.. known?.Addresses.Select(a => a.ToString()) ?? []],
            known?.Protocols ?? []);
    }

    private StatsReply Stats(bool collect)
    {
        using var process = Process.GetCurrentProcess();
        var connections = _peer.Switch.Connections;
        var gossip = _peer.PubSub.Counters;
        return new StatsReply(
            process.WorkingSet64,
            GC.GetTotalMemory(collect),
            process.Threads.Count,
            process.HandleCount,
            connections.Count,
            connections.Sum(c => c.Streams),
            _peer.Routing.RoutingTableSize,
            gossip.Delivered,
            gossip.Duplicates,
            gossip.Rejected,
            _peer.PubSub.Dropped);
    }

    private static double Percentile(List<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
    }
}
