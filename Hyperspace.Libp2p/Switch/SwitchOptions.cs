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

    /// <summary>Where to listen, <c>/ip4/…/tcp/…</c> or <c>/ip6/…/tcp/…</c>; port 0 picks a free one. Empty: dial only.</summary>
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

    /// <summary>Connections with one peer at once (two peers that dial each other at the same moment need two).</summary>
    public int MaxConnectionsPerPeer { get; init; } = 8;

    /// <summary>Inbound connections that are being upgraded at once; more are closed at once.</summary>
    public int MaxInboundUpgrades { get; init; } = 64;

    /// <summary>Inbound connections that are taken per second on average, bursts of twice as many allowed; more are closed at once.</summary>
    public int InboundUpgradesPerSecond { get; init; } = 200;

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

    /// <summary>Addresses that are remembered per peer.</summary>
    public int MaxAddressesPerPeer { get; init; } = 16;

    /// <summary>Offers the muxer in the Noise handshake, which saves a round trip.</summary>
    public bool EarlyMuxer { get; init; } = true;
}
