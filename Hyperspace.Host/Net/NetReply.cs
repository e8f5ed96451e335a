using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperspace.Host.Net;

/// <summary>An answer: the command's id, and whether it went well.</summary>
internal record NetReply
{
    [JsonPropertyOrder(-2)]
    public JsonElement? Id { get; init; }

    [JsonPropertyOrder(-1)]
    public bool Ok => this is not FailureReply;
}

internal sealed record FailureReply(string Error) : NetReply;

internal sealed record DialReply(string Peer, double Ms) : NetReply;

internal sealed record RoundTripsReply(IReadOnlyList<double> RttsMs, double P50Ms, double P99Ms) : NetReply;

internal sealed record EchoReply(int Bytes, int Count, double Ms, double P50Ms, double P99Ms) : NetReply;

internal sealed record PerfReply(ulong Upload, ulong Download, double UploadMs, double DownloadMs) : NetReply;

internal sealed record StreamReply(string Protocol, double Ms) : NetReply;

internal sealed record PeersReply(IReadOnlyList<PeerLine> Peers) : NetReply;

internal sealed record PeerLine(string Peer, string? Agent, IReadOnlyList<ConnectionLine> Connections, IReadOnlyList<string> Addrs, IReadOnlyList<string> Protocols);

internal sealed record ConnectionLine(string Addr, string Direction, int Streams);

internal sealed record ScoreReply(IReadOnlyList<ScoreLine> Scores) : NetReply;

internal sealed record ScoreLine(string Peer, double Score);

internal sealed record TopicReply(IReadOnlyList<string> Mesh, IReadOnlyList<string> Subscribers) : NetReply;

internal sealed record PublishReply(int Count, double Ms, int Subscribers, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? MessageId) : NetReply;

internal sealed record ReceivedReply(long Count, long Bytes, double? P50Ms, double? P99Ms, double? MaxMs) : NetReply;

internal sealed record StoredReply(int Stored, double Ms) : NetReply;

internal sealed record ValueReply(bool Found, string? Value, double Ms, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] byte[]? ValueBase64) : NetReply;

internal sealed record ProvidersReply(IReadOnlyList<AddressesLine> Providers) : NetReply;

internal sealed record AddressesLine(string Peer, IReadOnlyList<string> Addrs);

internal sealed record FoundPeerReply(bool Found, string Peer, IReadOnlyList<string> Addrs) : NetReply;

internal sealed record StatsReply(long RssBytes, long HeapBytes, int Threads, int Handles, int Connections, int Streams, int DhtPeers, long Delivered, long Duplicates, long Rejected, long Dropped) : NetReply;

internal sealed record ListeningEvent(string PeerId, IReadOnlyList<string> Addrs)
{
    [JsonPropertyOrder(-1)]
    public string Event => "listening";
}

/// <summary>A gossip message: its text, or base64 when it is no UTF-8, or only a digest when it is long.</summary>
internal sealed record MessageEvent(string Topic, string From, string Seqno, int Size)
{
    [JsonPropertyOrder(-1)]
    public string Event => "message";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Data { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ReadOnlyMemory<byte>? DataBase64 { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Sha256 { get; init; }
}

/// <summary>Serializers made at compile time: nothing is reflected on at start-up.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NetRequest))]
[JsonSerializable(typeof(NetReply))]
[JsonSerializable(typeof(FailureReply))]
[JsonSerializable(typeof(DialReply))]
[JsonSerializable(typeof(RoundTripsReply))]
[JsonSerializable(typeof(EchoReply))]
[JsonSerializable(typeof(PerfReply))]
[JsonSerializable(typeof(StreamReply))]
[JsonSerializable(typeof(PeersReply))]
[JsonSerializable(typeof(ScoreReply))]
[JsonSerializable(typeof(TopicReply))]
[JsonSerializable(typeof(PublishReply))]
[JsonSerializable(typeof(ReceivedReply))]
[JsonSerializable(typeof(StoredReply))]
[JsonSerializable(typeof(ValueReply))]
[JsonSerializable(typeof(ProvidersReply))]
[JsonSerializable(typeof(FoundPeerReply))]
[JsonSerializable(typeof(StatsReply))]
[JsonSerializable(typeof(ListeningEvent))]
[JsonSerializable(typeof(MessageEvent))]
internal sealed partial class NetJson : JsonSerializerContext
{
    private static readonly JsonSerializerOptions Plain = new(JsonSerializerDefaults.Web) { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>With text as it is: what reads the lines is no browser.</summary>
    public static NetJson Lines { get; } = new(Plain);
}
