using System.Text;
using FsCheck.Xunit;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Tests.Libp2p.Transports;

public class WebSocketUpgradeTests
{
    // The example of RFC 6455, section 1.3.
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";
    private const string Accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    private const string Request = "GET / HTTP/1.1\r\nHost: localhost:4001\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        + "Sec-WebSocket-Key: " + Key + "\r\nSec-WebSocket-Version: 13\r\nOrigin: https://example.org\r\n\r\n";

    private const string Response = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: upgrade\r\nsec-websocket-accept: " + Accept + "\r\n\r\n";

    [Fact]
    public void A_request_as_browsers_send_it_is_accepted_with_the_proof_of_the_rfc()
    {
        Assert.Equal(Accept, WebSocketUpgrade.AcceptOf(Key));
        var (status, fields) = WebSocketUpgrade.Answer(Encoding.ASCII.GetBytes(Request));
        Assert.Equal("101 Switching Protocols", status);
        Assert.Contains($"Sec-WebSocket-Accept: {Accept}\r\n", fields, StringComparison.Ordinal);
        Assert.Null(WebSocketUpgrade.Refusal(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\n{fields}\r\n"), Key));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1", "POST / HTTP/1.1", "405")]
    [InlineData("GET / HTTP/1.1", "GET /admin HTTP/1.1", "404")]
    [InlineData("GET / HTTP/1.1", "GET / HTTP/1.0", "400")]
    [InlineData("GET / HTTP/1.1", "GET  / HTTP/1.1", "400")]
    [InlineData("Host: localhost:4001\r\n", "", "400")]
    [InlineData("Host: localhost:4001\r\n", "Host: a\r\nHost: b\r\n", "400")]
    [InlineData("Host: localhost:4001\r\n", "Host: a\r\n folded: b\r\n", "400")]
    [InlineData("Host: localhost:4001\r\n", "Host: a\nX: b\r\n", "400")]
    [InlineData("Upgrade: websocket\r\n", "", "426")]
    [InlineData("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", "426")]
    [InlineData("keep-alive, Upgrade", "keep-alive", "426")]
    [InlineData("Version: 13", "Version: 8", "426")]
    [InlineData(Key, "c2hvcnQ=", "400")]
    [InlineData(Key, "not base64", "400")]
    public void Anything_else_is_refused_with_the_fitting_status(string part, string instead, string status)
    {
        var request = Request.Replace(part, instead, StringComparison.Ordinal);
        Assert.NotEqual(Request, request);
        Assert.StartsWith(status, WebSocketUpgrade.Answer(Encoding.ASCII.GetBytes(request)).Status, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("101 Switching", "200 OK")]
    [InlineData("HTTP/1.1", "HTTP/1.0")]
    [InlineData(Accept, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("upgrade: WebSocket\r\n", "")]
    [InlineData("connection: upgrade\r\n", "")]
    [InlineData("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")]
    [InlineData("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n")]
    public void A_response_that_does_not_fit_is_a_refusal(string part, string instead)
    {
        Assert.Null(WebSocketUpgrade.Refusal(Encoding.ASCII.GetBytes(Response), Key));
        Assert.NotNull(WebSocketUpgrade.Refusal(Encoding.ASCII.GetBytes(Response.Replace(part, instead, StringComparison.Ordinal)), Key));
    }

    [Property]
    public bool Random_bytes_in_a_request_are_answered_and_never_throw(byte[] noise, int at)
    {
        var request = Encoding.ASCII.GetBytes(Request);
        at = (int)((uint)at % (uint)request.Length);
        var (status, _) = WebSocketUpgrade.Answer([.. request.AsSpan(0, at), .. noise, .. request.AsSpan(at)]);
        var (alone, _) = WebSocketUpgrade.Answer(noise);
        return int.TryParse(status.AsSpan(0, 3), out _) && alone == "400 Bad Request";
    }

    [Property]
    public bool A_head_is_read_alike_in_pieces_of_any_size_and_what_follows_is_kept(byte[] behind, byte seed)
    {
        var head = Encoding.ASCII.GetBytes(Request);
        using var stream = new Trickle([.. head, .. behind], new Random(seed));
        var read = HttpHead.ReadAsync(stream, CancellationToken.None).GetAwaiter().GetResult();
        using var rest = new MemoryStream();
        stream.CopyTo(rest);
        return read.Head.SequenceEqual(head) && read.Behind.Concat(rest.ToArray()).SequenceEqual(behind);
    }

    [Theory]
    [InlineData(HttpHead.MaxLength + 1)]
    [InlineData(100)]
    public async Task A_head_that_is_too_long_or_cut_off_is_an_io_error(int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)'a');
        using var stream = new MemoryStream(bytes);
        await Assert.ThrowsAnyAsync<IOException>(() => HttpHead.ReadAsync(stream, CancellationToken.None));
    }

    /// <summary>Gives its bytes in pieces.</summary>
    private sealed class Trickle(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, random.Next(1, 100))], cancellationToken);
    }
}
