using System.Buffers.Text;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace Hyperspace.Libp2p.Transports;

/// <summary>
/// The HTTP exchange that opens a WebSocket (RFC 6455, section 4), both sides. What comes after it is the platform's:
/// <see cref="WebSocket.CreateFromStream(Stream, WebSocketCreationOptions)"/>.
/// </summary>
/// <remarks>Any Origin may connect: peers prove who they are by Noise, not by the page that they run in.</remarks>
internal static class WebSocketUpgrade
{
    private const string Magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const int KeyLength = 16;

    /// <summary>Asks for a WebSocket and gives its bytes.</summary>
    /// <param name="transport">The connection; it is owned by what is returned.</param>
    /// <param name="host">The Host field: name or address, and port.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The server refused, or does not speak WebSocket.</exception>
    public static async Task<Stream> ConnectAsync(Stream transport, string host, CancellationToken cancellationToken)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyLength));
        var request = $"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n";
        await transport.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken).ConfigureAwait(false);
        var (head, rest) = await HttpHead.ReadAsync(transport, cancellationToken).ConfigureAwait(false);
        return Refusal(head, key) is { } reason
            ? throw new IOException($"{host} did not open a WebSocket: {reason}")
            : Open(transport, rest, isServer: false);
    }

    /// <summary>Answers the request for a WebSocket and gives its bytes.</summary>
    /// <exception cref="IOException">The request was refused, with an HTTP error.</exception>
    public static async Task<Stream> AcceptAsync(Stream transport, CancellationToken cancellationToken)
    {
        var (head, rest) = await HttpHead.ReadAsync(transport, cancellationToken).ConfigureAwait(false);
        var (status, fields) = Answer(head);
        await transport.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{fields}\r\n"), cancellationToken).ConfigureAwait(false);
        return status.StartsWith("101", StringComparison.Ordinal)
            ? Open(transport, rest, isServer: true)
            : throw new IOException($"A request for a WebSocket was refused: {status}.");
    }

    /// <summary>The status and the header fields, a CRLF behind each, that answer a request's head.</summary>
    internal static (string Status, string Fields) Answer(ReadOnlySpan<byte> head)
    {
        const string Closing = "Connection: close\r\nContent-Length: 0\r\n";
        if (HttpHead.Parse(head) is not { } request || request.FirstLine.Split(' ') is not [var method, var target, "HTTP/1.1"] || request.Single("Host") is null)
        {
            return ("400 Bad Request", Closing);
        }

        if (method != "GET")
        {
            return ("405 Method Not Allowed", "Allow: GET\r\n" + Closing);
        }

        if (target != "/")
        {
            return ("404 Not Found", Closing);
        }

        if (!request.Has("Upgrade", "websocket") || !request.Has("Connection", "Upgrade") || request.Single("Sec-WebSocket-Version") != "13")
        {
            return ("426 Upgrade Required", "Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n");
        }

        return request.Single("Sec-WebSocket-Key") is { } key && Base64.IsValid(key, out var length) && length == KeyLength
            ? ("101 Switching Protocols", $"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {AcceptOf(key)}\r\n")
            : ("400 Bad Request", Closing);
    }

    /// <summary>Why a response's head opens no WebSocket, or null when it does.</summary>
    internal static string? Refusal(ReadOnlySpan<byte> head, string key)
    {
        if (HttpHead.Parse(head) is not { } response || !response.FirstLine.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
        {
            return "the answer is not HTTP/1.1.";
        }

        if (!response.FirstLine.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
        {
            return response.FirstLine;
        }

        // Extensions and subprotocols were not asked for, so none may be chosen.
        return response.Has("Upgrade", "websocket")
            && response.Has("Connection", "Upgrade")
            && response.Single("Sec-WebSocket-Accept") == AcceptOf(key)
            && response.Single("Sec-WebSocket-Extensions") is null or ""
            && response.Single("Sec-WebSocket-Protocol") is null
                ? null
                : "the answer does not fit the request.";
    }

    /// <summary>The server's proof that it read the key.</summary>
#pragma warning disable CA5350 // RFC 6455 prescribes SHA-1; it protects nothing.
    internal static string AcceptOf(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + Magic)));
#pragma warning restore CA5350

    private static WebSocketStream Open(Stream transport, byte[] rest, bool isServer)
    {
        var bytes = rest.Length == 0 ? transport : new PrefixedStream(rest, transport);

        // Yamux keeps the connection alive.
        return new WebSocketStream(WebSocket.CreateFromStream(bytes, new WebSocketCreationOptions { IsServer = isServer, KeepAliveInterval = TimeSpan.Zero }));
    }
}
