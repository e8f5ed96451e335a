using System.Net;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.Switch;

/// <summary>How a <see cref="Libp2pSwitch"/> is set up.</summary>
public sealed record SwitchOptions
{
    /// <summary>This peer's identity; the switch does not dispose it.</summary>
    public required KeyPair KeyPair { get; init; }

    /// <summary>Where to listen, <c>/ip4/…/tcp/…</c> or <c>/ip6/…/tcp/…</c>, with <c>/ws</c> behind it for WebSocket (browsers); port 0 picks a free one. Empty: dial only.</summary>
    public IReadOnlyList<Multiaddr> ListenAddresses { get; init; } = [];

    /// <summary>Addresses that others are told besides those that are listened on: where a router or a proxy forwards from, for instance.</summary>
    public IReadOnlyList<Multiaddr> AnnounceAddresses { get; init; } = [];

    /// <summary>What Identify tells others that this peer runs.</summary>
    public string AgentVersion { get; init; } = "hyperspace/0.1.0";

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where to log.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Connections at once; more are closed after the upgrade.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>With more connections than this the least valuable ones are closed (see <see cref="ISwitch.Tag"/>); well below <see cref="MaxConnections"/>, so that newcomers find room.</summary>
    public int HighWater { get; init; } = 768;

    /// <summary>How many connections trimming leaves, if so many may be closed.</summary>
    public int LowWater { get; init; } = 640;

    /// <summary>How long a connection is not trimmed after it came up: protocols need some seconds to show what it is worth.</summary>
    public TimeSpan ConnectionGrace { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often it is looked whether there are too many connections.</summary>
    public TimeSpan TrimInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Connections with one peer at once (two peers that dial each other at the same moment need two).</summary>
    public int MaxConnectionsPerPeer { get; init; } = 8;

    /// <summary>Inbound connections at once from one IPv4 address or IPv6 /64: room for a household or an office behind one address, while one host cannot fill the table.</summary>
    public int MaxConnectionsPerIp { get; init; } = 32;

    /// <summary>Inbound connections that are being upgraded at once; more are closed at once.</summary>
    public int MaxInboundUpgrades { get; init; } = 64;

    /// <summary>The same for one IPv4 address or IPv6 /64: silent sockets of one host leave the others theirs.</summary>
    public int MaxInboundUpgradesPerIp { get; init; } = 8;

    /// <summary>Inbound connections that are taken per second on average, bursts of twice as many allowed; more are closed at once.</summary>
    public int InboundUpgradesPerSecond { get; init; } = 200;

    /// <summary>The same for one IPv4 address or IPv6 /64.</summary>
    public int InboundUpgradesPerSecondPerIp { get; init; } = 20;

    /// <summary>Networks that the limits per IP do not count: this machine by default, where proxies, clusters and tests come from.</summary>
    public IReadOnlyList<IPNetwork> ExemptNetworks { get; init; } = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>Dials under way at once; more wait for up to <see cref="ConnectTimeout"/>.</summary>
    public int MaxDials { get; init; } = 64;

    /// <summary>Addresses of one peer that are tried when it has to be reached.</summary>
    public int MaxAddressesPerDial { get; init; } = 8;

    /// <summary>How long an address of a peer is dialed alone before the next one is tried beside it (RFC 8305 recommends 250 ms).</summary>
    public TimeSpan DialStagger { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How long an address that failed is left alone after its first failure; each further one doubles it. Half to the whole of it is drawn at
    /// random. <see cref="ISwitch.DialAsync"/> does not wait, and any connection with the peer ends it.
    /// </summary>
    public TimeSpan DialBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that <see cref="DialBackoff"/> becomes.</summary>
    public TimeSpan MaxDialBackoff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For the whole upgrade: security and muxer.</summary>
    public TimeSpan UpgradeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For the TCP connect of one address.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For settling on a protocol on a stream.</summary>
    public TimeSpan NegotiationTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For asking a new connection's peer to identify itself.</summary>
    public TimeSpan IdentifyTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Peers whose addresses and protocols are remembered; the longest unused, unconnected one is forgotten first.</summary>
    public int MaxKnownPeers { get; init; } = 8192;

    /// <summary>How long an address is remembered after it was last seen, while its peer is not connected.</summary>
    public TimeSpan AddressTtl { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Addresses that are remembered per peer; the least sure go first.</summary>
    public int MaxAddressesPerPeer { get; init; } = 16;

    /// <summary>Offers the muxer in the Noise handshake, which saves a round trip.</summary>
    public bool EarlyMuxer { get; init; } = true;
}
