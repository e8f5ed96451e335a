using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Interop;

/// <summary>A GossipSub message that a js node delivered.</summary>
public sealed record JsMessage(string Topic, string? From, byte[] Data);

/// <summary>A js-libp2p node in its own process, driven by JSON lines (see <c>js/peer-common.mjs</c> for the commands).</summary>
public sealed class JsPeer : IAsyncDisposable
{
    private readonly Channel<JsMessage> _messages = Channel.CreateUnbounded<JsMessage>();
    private readonly Task _sorting;

    private JsPeer(JsonLinesPeer lines)
    {
        Lines = lines;
        _sorting = SortAsync();
    }

    /// <summary>The process and its lines.</summary>
    public JsonLinesPeer Lines { get; }

    public PeerId PeerId => Lines.PeerId;

    /// <summary>Listen addresses, each with its <c>/p2p/…</c>.</summary>
    public IReadOnlyList<Multiaddr> Addresses => Lines.Addresses;

    /// <summary>Messages on the topics that the node subscribed to, in the order in which it delivered them.</summary>
    public ChannelReader<JsMessage> Messages => _messages.Reader;

    /// <summary>Starts a node; <paramref name="options"/> become its JSON argument (<c>listen</c>, <c>kadProtocol</c>, <c>earlyMuxer</c>, <c>gossip</c>).</summary>
    public static async Task<JsPeer> StartAsync(int line, object? options = null) =>
        new(await JsonLinesPeer.StartAsync($"js-libp2p {line}", new ProcessStartInfo("node", ["peer.mjs", JsonSerializer.Serialize(options ?? new { })])
        {
            WorkingDirectory = NpmFolder.PathOf($"libp2p-{line}"),
        }));

    /// <summary>Runs a command and returns its reply; a refusal or silence is an exception that carries the node's stderr.</summary>
    public Task<JsonElement> CallAsync(string cmd, object? arguments = null, TimeSpan? timeout = null) => Lines.CallAsync(cmd, arguments, timeout);

    public async Task<PeerId> DialAsync(Multiaddr address) =>
        PeerId.Parse((await CallAsync("dial", new { ma = address.ToString() })).GetProperty("peer").GetString()!);

    public async Task<TimeSpan> PingAsync(PeerId peer) =>
        TimeSpan.FromMilliseconds((await CallAsync("ping", new { peer = peer.ToString() })).GetProperty("rttsMs")[0].GetDouble());

    public async Task<byte[]> EchoAsync(PeerId peer, byte[] data) =>
        (await CallAsync("echo", new { peer = peer.ToString(), data = Convert.ToBase64String(data) })).GetProperty("data").GetBytesFromBase64();

    /// <summary>The protocols that the node's identify has stored for a peer (empty before that).</summary>
    public async Task<IReadOnlyList<string>> ProtocolsAsync(PeerId peer) =>
        Strings(await CallAsync("protocols", new { peer = peer.ToString() }), "protocols");

    public Task SubscribeAsync(string topic) => CallAsync("subscribe", new { topic });

    public Task<JsonElement> PublishAsync(string topic, byte[] data) =>
        CallAsync("publish", new { topic, data = Convert.ToBase64String(data) });

    /// <summary>A string array in a reply.</summary>
    public static IReadOnlyList<string> Strings(JsonElement reply, string property) =>
        [.. reply.GetProperty(property).EnumerateArray().Select(e => e.GetString()!)];

    public async ValueTask DisposeAsync()
    {
        await Lines.DisposeAsync();
        await _sorting;
    }

    private async Task SortAsync()
    {
        await foreach (var line in Lines.Events.ReadAllAsync())
        {
            if (line.TryGetProperty("event", out var name) && name.GetString() == "message")
            {
                _messages.Writer.TryWrite(new JsMessage(
                    line.GetProperty("topic").GetString()!,
                    line.GetProperty("from").GetString(),
                    line.GetProperty("data").GetBytesFromBase64()));
            }
        }

        _messages.Writer.TryComplete();
    }
}
