using System.Text;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Fuzz;

/// <summary>
/// The way in by WebSocket. First byte: the head of a request, as the listener answers it; the head of a response, as the dialer judges
/// it; a connection: request and frames in pieces. Second byte: size of the pieces.
/// </summary>
internal static class WebSocketTarget
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Request = "GET / HTTP/1.1\r\nHost: a:1\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + Key + "\r\n\r\n";

    public static FuzzTarget Create() => new("websocket", Run, Seeds)
    {
        Expects = e => e is IOException,

        // A head is read into a buffer of its largest size; the platform's WebSocket has its own.
        AllocationConstant = 256 * 1024,
        AllocationPerByte = 512,
        MaxLength = 9000,
        Dictionary = [.. new[] { "\r\n", "\r\n\r\n", "GET / HTTP/1.1", "HTTP/1.1 101 x", "Host: a", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: ", "Sec-WebSocket-Accept: ", Key, ":", "," }.Select(Encoding.ASCII.GetBytes), [0x82, 0x80, 0, 0, 0, 0], [0x82, 0xfe], [0x82, 0xff], [0x88, 0x80], [0x89, 0x80], [0x8a, 0x80]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte() % 3;
        var piece = reader.Byte() + 1;
        switch (mode)
        {
            case 0:
                var (status, fields) = WebSocketUpgrade.Answer(reader.Rest);
                Invariant.Holds(status.Length > 4 && (fields.EndsWith("\r\n", StringComparison.Ordinal) && !fields.Contains("\r\n\r\n", StringComparison.Ordinal)), "An answer's head is none.");
                Invariant.Holds(!status.StartsWith("101", StringComparison.Ordinal) || reader.Rest.EndsWith("\r\n\r\n"u8), "A head that does not end was answered with an upgrade.");
                break;
            case 1:
                Invariant.Holds(WebSocketUpgrade.Refusal(reader.Rest, Key) is not null || reader.Rest.IndexOf(Encoding.ASCII.GetBytes(WebSocketUpgrade.AcceptOf(Key))) >= 0, "An upgrade was taken without the proof.");
                break;
            default:
                Connection(new ByteStream(reader.Rest.ToArray(), piece));
                break;
        }
    }

    private static void Connection(ByteStream transport)
    {
        var sent = transport.Left;
        using var stream = WebSocketUpgrade.AcceptAsync(transport, default).Now();
        var buffer = new byte[512];
        for (var received = 0; ;)
        {
            var reading = stream.ReadAsync(buffer, default);
            if (!reading.IsCompleted)
            {
                // The platform takes leave of a WebSocket that broke the rules and waits a moment for an answer, which cannot come here.
                return;
            }

            var read = reading.Now();
            received += read;
            Invariant.Holds(received < sent, "More came out than went in.");
            if (read == 0)
            {
                return;
            }
        }
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var request = Encoding.ASCII.GetBytes(Request);
        yield return [0, 0, .. request];
        yield return [1, 0, .. Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {WebSocketUpgrade.AcceptOf(Key)}\r\n\r\n")];

        // Masked with zeros: three bytes, a ping, a fragmented message, a close.
        yield return [2, 255, .. request, 0x82, 0x83, 0, 0, 0, 0, 1, 2, 3, 0x89, 0x80, 0, 0, 0, 0, 0x02, 0x81, 0, 0, 0, 0, 9, 0x80, 0x81, 0, 0, 0, 0, 8, 0x88, 0x82, 0, 0, 0, 0, 3, 232];
        yield return [2, 3, .. request, 0x82, 0xfe, 0, 126, 0, 0, 0, 0, .. new byte[126]];
    }
}
