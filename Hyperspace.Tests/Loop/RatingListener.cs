using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Host;

namespace Hyperspace.Tests.Loop;

/// <summary>Hears the ratings that reach a peer, over its WebSocket.</summary>
internal sealed class RatingListener : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly ClientWebSocket _socket = new();

    private RatingListener()
    {
    }

    public static async Task<RatingListener> StartAsync(ChildPeer peer)
    {
        var listener = new RatingListener();
        listener._socket.Options.SetRequestHeader("Authorization", "Bearer " + peer.Token);
        await listener._socket.ConnectAsync(new UriBuilder(peer.ApiUrl) { Scheme = "ws", Path = "/ws" }.Uri, CancellationToken.None);
        var subscribe = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = "gossip.subscribe", ["params"] = new JsonObject { ["topic"] = Topics.Reputation } };
        await listener._socket.SendAsync(Encoding.UTF8.GetBytes(subscribe.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        Assert.NotNull((await listener.ReceiveAsync())["result"]);
        return listener;
    }

    /// <summary>The next rating, with the envelope that it came in.</summary>
    public async Task<(HeardRating Rating, byte[] Envelope)> NextAsync()
    {
        var envelope = Convert.FromBase64String((await ReceiveAsync())["params"]!["data"]!.GetValue<string>());
        return (Ratings.Read(envelope, DateTimeOffset.UtcNow, out var reason) ?? throw new InvalidDataException(reason), envelope);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<JsonNode> ReceiveAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        using var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        ValueWebSocketReceiveResult part;
        do
        {
            part = await _socket.ReceiveAsync(buffer.AsMemory(), deadline.Token);
            message.Write(buffer, 0, part.Count);
        }
        while (!part.EndOfMessage);
        return JsonNode.Parse(message.ToArray())!;
    }
}
