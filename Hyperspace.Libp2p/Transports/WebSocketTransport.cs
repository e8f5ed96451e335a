using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Transports;

/// <summary>
/// WebSocket (libp2p/specs websockets): <c>/ip4|ip6|dns|dns4|dns6/…/tcp/…/ws</c> to dial, and <c>/wss</c> or <c>/tls/ws</c> in its place;
/// the plain IP forms to listen. It does not listen with TLS: that takes a certificate, and a proxy in front that has one.
/// </summary>
/// <param name="trust">Judges a TLS server's certificate; null: as the system does.</param>
internal sealed class WebSocketTransport(RemoteCertificateValidationCallback? trust = null) : ITransport
{
    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => TcpSockets.IsHostAndPort(address) && (IsPlain(address) || IsSecure(address));

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => TcpSockets.IsEndpoint(address) && IsPlain(address);

    /// <inheritdoc/>
    public async Task<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        var host = address.Components[0].Value!;
        Stream stream = new NetworkStream(await TcpSockets.ConnectAsync(address, cancellationToken).ConfigureAwait(false), ownsSocket: true);
        try
        {
            if (IsSecure(address))
            {
                var tls = new SslStream(stream, leaveInnerStreamOpen: false, trust);
                stream = tls;
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = host }, cancellationToken).ConfigureAwait(false);
            }

            var name = address.Components[0].Protocol == "ip6" ? $"[{host}]" : host;
            return new RawConnection(
                await WebSocketUpgrade.ConnectAsync(stream, $"{name}:{address.Components[1].Value}", cancellationToken).ConfigureAwait(false),
                address.WithoutPeer());
        }
        catch (Exception e)
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            if (e is AuthenticationException)
            {
                throw new IOException($"No TLS with {address}: {e.Message}", e);
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken) =>
        Task.FromResult<ITransportListener>(new Listener(TcpSockets.Listen(address)));

    private static bool IsPlain(Multiaddr address) => address.WithoutPeer().Components is [_, _, { Protocol: "ws" }];

    private static bool IsSecure(Multiaddr address) =>
        address.WithoutPeer().Components is [_, _, { Protocol: "wss" }] or [_, _, { Protocol: "tls" }, { Protocol: "ws" }];

    private static Multiaddr At(IPEndPoint endpoint) => Multiaddr.Parse($"{Multiaddr.FromTcp(endpoint)}/ws");

    private sealed class Listener(Socket socket) : ITransportListener
    {
        public IReadOnlyList<Multiaddr> Addresses { get; } = [.. TcpSockets.EndpointsOf(socket).Select(At)];

        public async ValueTask<RawConnection> AcceptAsync(CancellationToken cancellationToken)
        {
            var accepted = await TcpSockets.AcceptAsync(socket, cancellationToken).ConfigureAwait(false);
            var stream = new NetworkStream(accepted.Socket, ownsSocket: true);
            return new RawConnection(stream, At(accepted.Remote)) { Handshake = token => WebSocketUpgrade.AcceptAsync(stream, token) };
        }

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
