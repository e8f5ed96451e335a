using System.Net;

namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>How peers of the same network find each other.</summary>
public sealed record MdnsOptions
{
    /// <summary>The DNS-SD name of the service (libp2p/specs discovery/mdns); those with another name do not hear of each other.</summary>
    public string ServiceName { get; init; } = "_p2p._udp.local";

    /// <summary>The multicast group.</summary>
    public IPAddress Group { get; init; } = IPAddress.Parse("224.0.0.251");

    /// <summary>The UDP port.</summary>
    public int Port { get; init; } = 5353;

    /// <summary>This machine's IPv4 addresses on whose interfaces it asks and answers; empty: those of all interfaces that are up, loopback too.</summary>
    public IReadOnlyList<IPAddress> Interfaces { get; init; } = [];

    /// <summary>Between two questions.</summary>
    public TimeSpan QueryInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Peers that are remembered, so as not to dial each again at every answer.</summary>
    public int MaxPeers { get; init; } = 256;

    /// <summary>Packets of one host that are read per minute.</summary>
    public int PacketsPerMinutePerHost { get; init; } = 600;
}
