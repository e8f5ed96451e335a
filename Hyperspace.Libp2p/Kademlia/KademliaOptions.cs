using Hyperspace.Libp2p.ContentRouting;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>Whether a peer holds part of the table for others.</summary>
public enum KademliaMode
{
    /// <summary>Answers requests, holds records and providers, stands in others' routing tables.</summary>
    Server,

    /// <summary>Only asks.</summary>
    Client,
}

/// <summary>Settings and limits of <see cref="KademliaService"/>; the defaults are libp2p's where it has one.</summary>
public sealed record KademliaOptions
{
    /// <summary>The protocol's id; peers with another one are another network.</summary>
    public string ProtocolId { get; init; } = "/hyperspace/kad/1.0.0";

    /// <summary>Server or client.</summary>
    public KademliaMode Mode { get; init; } = KademliaMode.Server;

    /// <summary>Validators of record namespaces: <c>hyperspace</c> for keys that start with <c>/hyperspace/</c>. Records of other namespaces are for <see cref="OtherNamespaces"/>.</summary>
    public IReadOnlyDictionary<string, IRecordValidator> Validators { get; init; } = new Dictionary<string, IRecordValidator>();

    /// <summary>Validator of the namespaces that <see cref="Validators"/> does not name; null refuses their records.</summary>
    public IRecordValidator? OtherNamespaces { get; init; }

    /// <summary>k: peers per bucket, and how many of the closest hold a record.</summary>
    public int K { get; init; } = 20;

    /// <summary>α: peers that one query asks at once.</summary>
    public int Alpha { get; init; } = 10;

    /// <summary>How long one peer may take to answer.</summary>
    public TimeSpan RpcTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a query may take.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(180);

    /// <summary>How much longer a query for a value or an address looks for a better one after the first.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Values from different peers after which a query for a value ends.</summary>
    public int Quorum { get; init; } = 16;

    /// <summary>Between refreshes of the routing table.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Between announcements of what this peer provides and of records that it put.</summary>
    public TimeSpan RepublishInterval { get; init; } = TimeSpan.FromHours(22);

    /// <summary>How long a provider is remembered after its announcement.</summary>
    public TimeSpan ProviderTimeToLive { get; init; } = TimeSpan.FromHours(48);

    /// <summary>How long a record is remembered after it was put.</summary>
    public TimeSpan RecordTimeToLive { get; init; } = TimeSpan.FromHours(48);

    /// <summary>How long a peer may leave a stream of requests idle, or leave an answer unread.</summary>
    public TimeSpan StreamIdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A full bucket's least recently seen peer is only doubted after this long.</summary>
    public TimeSpan QuestionableAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest message that is accepted, in bytes.</summary>
    public int MaxMessageBytes { get; init; } = 512 * 1024;

    /// <summary>The longest record value, in bytes.</summary>
    public int MaxRecordBytes { get; init; } = 128 * 1024;

    /// <summary>The longest key, in bytes.</summary>
    public int MaxKeyBytes { get; init; } = 512;

    /// <summary>Records held for others.</summary>
    public int MaxRecords { get; init; } = 16 * 1024;

    /// <summary>Bytes of records held for others.</summary>
    public long MaxRecordStoreBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Keys for which providers are held.</summary>
    public int MaxProviderKeys { get; init; } = 4096;

    /// <summary>Providers held per key.</summary>
    public int MaxProvidersPerKey { get; init; } = 64;

    /// <summary>Keys held per provider.</summary>
    public int MaxKeysPerProvider { get; init; } = 1024;

    /// <summary>Addresses that are read of one peer in a message; further ones are ignored.</summary>
    public int MaxAddressesPerPeer { get; init; } = 8;

    /// <summary>Streams of requests that one peer may have open at once.</summary>
    public int MaxInboundStreamsPerPeer { get; init; } = 32;
}
