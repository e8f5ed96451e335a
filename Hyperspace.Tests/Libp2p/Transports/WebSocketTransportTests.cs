using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Transports;

public class WebSocketTransportTests
{
    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/1/ws", true, true)]
    [InlineData("/ip6/::1/tcp/1/ws/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp", true, true)]
    [InlineData("/dns4/example.org/tcp/1/ws", true, false)]
    [InlineData("/dns/example.org/tcp/443/wss", true, false)]
    [InlineData("/dns6/example.org/tcp/443/tls/ws", true, false)]
    [InlineData("/ip4/127.0.0.1/tcp/1", false, false)]
    [InlineData("/ip4/127.0.0.1/udp/1/ws", false, false)]
    [InlineData("/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp/p2p-circuit", false, false)]
    public void It_dials_and_listens_on_its_own_addresses_only(string address, bool dials, bool listens)
    {
        var transport = new WebSocketTransport();
        Assert.Equal((dials, listens), (transport.CanDial(Multiaddr.Parse(address)), transport.CanListen(Multiaddr.Parse(address))));
        Assert.False(dials && new TcpTransport().CanDial(Multiaddr.Parse(address)));
    }

    [Theory]
    [InlineData("/ip4/127.0.0.1/tcp/0/ws", null)]
    [InlineData("/ip6/::1/tcp/0/ws", null)]
    [InlineData("/ip4/127.0.0.1/tcp/0/ws", "/dns4/localhost")]
    public async Task Two_peers_talk_over_it(string listen, string? host)
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await StartAsync(listen);
        Assert.EndsWith($"/ws/p2p/{bob.PeerId}", bob.Address.ToString(), StringComparison.Ordinal);
        var address = host is null ? bob.Address : Multiaddr.Parse($"{host}/tcp/{bob.Address.ValueOf("tcp")}/ws/p2p/{bob.PeerId}");
        Assert.Equal(bob.PeerId, await alice.Switch.DialAsync(address));
        await bob.UntilIdentifiedAsync(alice.PeerId);
        foreach (var length in (int[])[0, 1, 1_000_000])
        {
            var data = RandomNumberGenerator.GetBytes(length);
            Assert.Equal(data, await alice.EchoAsync(bob.PeerId, data));
            Assert.Equal(data, await bob.EchoAsync(alice.PeerId, data));
        }

        Assert.Equal("ws", bob.Switch.RemoteAddressOf(alice.PeerId)!.Components[^1].Protocol);
        await alice.Switch.DisconnectAsync(bob.PeerId);
        await bob.UntilNewsAsync(news => news.Contains($"disconnected {alice.PeerId}"));
    }

    [Fact]
    public async Task Tls_is_dialed_where_the_certificate_is_trusted()
    {
        await using var inner = await StartAsync("/ip4/127.0.0.1/tcp/0/ws");
        using var certificate = Certificate();
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        using var stop = new CancellationTokenSource();
        var serving = TlsProxyAsync(proxy, certificate, Port(inner), stop.Token);
        var address = Multiaddr.Parse($"/dns4/localhost/tcp/{((IPEndPoint)proxy.LocalEndpoint).Port}/tls/ws");

        await Assert.ThrowsAnyAsync<IOException>(() => new WebSocketTransport().DialAsync(address, stop.Token));
        var presented = "";
        var raw = await new WebSocketTransport((_, shown, _, _) => (presented = shown!.GetCertHashString()).Length > 0).DialAsync(address, stop.Token);
        Assert.Equal(certificate.GetCertHashString(), presented);
        await using (raw.Stream)
        {
            var header = Encoding.ASCII.GetBytes("\u0013/multistream/1.0.0\n");
            await raw.Stream.WriteAsync(header, stop.Token);
            var answer = new byte[header.Length];
            await raw.Stream.ReadExactlyAsync(answer, stop.Token);
            Assert.Equal(header, answer);
        }

        await stop.CancelAsync();
        await serving;
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 426 ")]
    [InlineData("GET /secret HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("\u0013/multistream/1.0.0\n\r\n\r\n", "HTTP/1.1 400 ")]
    public async Task Who_does_not_ask_for_a_websocket_gets_an_http_error_and_the_next_is_served(string request, string answer)
    {
        await using var alice = await TestSwitch.StartAsync();
        await using var bob = await StartAsync("/ip4/127.0.0.1/tcp/0/ws");
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port(bob));
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith(answer, await reader.ReadToEndAsync().WaitAsync(TestSwitch.Patience), StringComparison.Ordinal);
        await alice.Switch.DialAsync(bob.Address);
        Assert.Equal([1], await alice.EchoAsync(bob.PeerId, [1]));
    }

    [Fact]
    public async Task A_head_that_never_ends_and_text_messages_end_the_connection()
    {
        await using var bob = await StartAsync("/ip4/127.0.0.1/tcp/0/ws", TimeSpan.FromMilliseconds(500));
        using var silent = new TcpClient();
        await silent.ConnectAsync(IPAddress.Loopback, Port(bob));
        await silent.GetStream().WriteAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        using var text = new ClientWebSocket();
        await text.ConnectAsync(new Uri($"ws://127.0.0.1:{Port(bob)}/"), CancellationToken.None);
        await text.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, CancellationToken.None);
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        await EndAsync(async () => await silent.GetStream().ReadAsync(new byte[100], timeout.Token));
        await EndAsync(async () => (await text.ReceiveAsync(new byte[100], timeout.Token)).MessageType == WebSocketMessageType.Close ? 0 : 1);
    }

    [Fact]
    public async Task A_server_that_answers_with_something_else_is_an_io_error_for_the_dialer()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var serving = Task.Run(async () =>
        {
            using var client = await server.AcceptTcpClientAsync();
            Assert.True(await client.GetStream().ReadAsync(new byte[1000]) > 0);
            await client.GetStream().WriteAsync("HTTP/1.1 403 Forbidden\r\n\r\n"u8.ToArray());
        });
        await using var alice = await TestSwitch.StartAsync();
        var error = await Assert.ThrowsAnyAsync<IOException>(() => alice.Switch.DialAsync(Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{((IPEndPoint)server.LocalEndpoint).Port}/ws")));
        Assert.Contains("403", error.Message, StringComparison.Ordinal);
        await serving;
    }

    private static Task<TestSwitch> StartAsync(string listen, TimeSpan? upgradeTimeout = null) =>
        TestSwitch.StartAsync(o => o with { ListenAddresses = [Multiaddr.Parse(listen)], UpgradeTimeout = upgradeTimeout ?? o.UpgradeTimeout });

    private static int Port(TestSwitch peer) => int.Parse(peer.Address.ValueOf("tcp")!, System.Globalization.CultureInfo.InvariantCulture);

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>What stands in front of a peer on the web: ends TLS and passes the bytes on.</summary>
    private static async Task TlsProxyAsync(TcpListener listener, X509Certificate2 certificate, int port, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(stop);
                await using var tls = new SslStream(client.GetStream());
                try
                {
                    await tls.AuthenticateAsServerAsync(certificate);
                    using var server = new TcpClient();
                    await server.ConnectAsync(IPAddress.Loopback, port, stop);
                    await Task.WhenAny(tls.CopyToAsync(server.GetStream(), stop), server.GetStream().CopyToAsync(tls, stop));
                }
                catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // A client that does not trust the certificate goes away.
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>The connection ends, orderly or not.</summary>
    private static async Task EndAsync(Func<Task<int>> read)
    {
        try
        {
            Assert.Equal(0, await read());
        }
        catch (Exception e) when (e is IOException or WebSocketException)
        {
        }
    }
}
