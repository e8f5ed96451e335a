using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;

namespace Hyperspace.Actors.Engine;

/// <summary>Which parts of the protocol a peer serves.</summary>
public enum PeerProfile
{
    /// <summary>Everything.</summary>
    Full,

    /// <summary>A client: DHT in client mode, serves no tools of its own.</summary>
    Light,

    /// <summary>As Light, and besides it carries connections to peers that others cannot dial, and serves the DHT.</summary>
    Relay,
}

/// <summary>Where a process listens for the other processes of its peer.</summary>
/// <param name="Host">An address of this machine that they reach.</param>
/// <param name="Port">A TCP port; 0: a free one.</param>
public sealed record ClusterEndpoint(string Host, int Port);

/// <summary>How a peer is set up; read once at start.</summary>
public sealed record PeerOptions
{
    /// <summary>Where keys, journals and the API token live.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>
    /// Where this process listens for others of the same peer, which must hold the same <c>cluster.pfx</c> in their data
    /// directory (mutual TLS). Null: it is the only one and opens no port for Akka.
    /// </summary>
    public ClusterEndpoint? Cluster { get; init; }

    /// <summary>Multiaddrs to listen on.</summary>
    public IReadOnlyList<Multiaddr> Listen { get; init; } = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/0")];

    /// <summary>Multiaddrs (with <c>/p2p/…</c>) of peers to join through.</summary>
    public IReadOnlyList<Multiaddr> Bootstrap { get; init; } = [];

    /// <summary>Which parts of the protocol this peer serves.</summary>
    public PeerProfile Profile { get; init; } = PeerProfile.Full;

    /// <summary>
    /// Multiaddrs (with <c>/p2p/…</c>) of relays to hold a reservation at, through which others reach this peer; not while AutoNAT finds
    /// that they can dial it.
    /// </summary>
    public IReadOnlyList<Multiaddr> Relays { get; init; } = [];

    /// <summary>What the relay of <see cref="PeerProfile.Relay"/> gives away.</summary>
    public RelayServiceOptions RelayService { get; init; } = new();

    /// <summary>Finds the peers of the same local network by multicast DNS, and tells them of this one.</summary>
    public bool Mdns { get; init; }

    /// <summary>The DHT's protocol id.</summary>
    public string KadProtocol { get; init; } = "/hyperspace/kad/1.0.0";

    /// <summary>Identify's agentVersion.</summary>
    public string AgentVersion { get; init; } = "hyperspace/0.1.0";

    /// <summary>Largest deposit that this peer accepts from a payer on trust, in micro-USDC.</summary>
    public ulong MaxCreditMicro { get; init; } = 10_000_000;

    /// <summary>Deposit that this peer states when it opens a channel, in micro-USDC; at most the payee's credit limit is used.</summary>
    public ulong ChannelDepositMicro { get; init; } = 5_000_000;

    /// <summary>Length of a round of settlements, in whole seconds; rounds begin at its multiples since 1970 in UTC, so peers can compare when theirs are equal.</summary>
    public TimeSpan SettlementPeriod { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Vouchers that may be in flight at once on one channel that this peer pays over. A payee that cheats keeps the prices of
    /// those at most; one alone makes the calls of a channel wait for each other.
    /// </summary>
    public int VoucherWindow { get; init; } = 64;

    /// <summary>Chain id of the EIP-712 domain of this peer's channels.</summary>
    public ulong ChainId { get; init; } = 808080;

    /// <summary>Chains to settle on, the preferred one first. Empty: balances live in the local ledger only.</summary>
    public IReadOnlyList<ChainOptions> Chains { get; init; } = [];

    /// <summary>A channel on chain that pays this peer is settled there once this much was accepted since the last time, in micro-units.</summary>
    public ulong SettleChannelAtMicro { get; init; } = 1_000_000;

    /// <summary>How priced tools are sold over HTTP (402); null: they are not.</summary>
    public PayOptions? Pay { get; init; }

    /// <summary>How this peer learns from its own runs and from others'.</summary>
    public LearningOptions Learning { get; init; } = new();
}
