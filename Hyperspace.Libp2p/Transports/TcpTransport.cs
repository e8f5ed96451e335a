using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Transports;

/// <summary>Plain TCP: <c>/ip4|ip6|dns|dns4|dns6/…/tcp/…</c> to dial, the IP forms to listen.</summary>
internal sealed class TcpTransport : ITransport
{
    /// <inheritdoc/>
    public bool CanDial(Multiaddr address) => address.WithoutPeer().Components.Count == 2 && TcpSockets.IsHostAndPort(address);

    /// <inheritdoc/>
    public bool CanListen(Multiaddr address) => address.WithoutPeer().Components.Count == 2 && TcpSockets.IsEndpoint(address);

    /// <inheritdoc/>
    public async Task<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken) =>
        new(new NetworkStream(await TcpSockets.ConnectAsync(address, cancellationToken).ConfigureAwait(false), ownsSocket: true), address.WithoutPeer());

    /// <inheritdoc/>
    public Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken) =>
        Task.FromResult<ITransportListener>(new Listener(TcpSockets.Listen(address)));

    private sealed class Listener(Socket socket) : ITransportListener
    {
        public IReadOnlyList<Multiaddr> Addresses { get; } = [.. TcpSockets.EndpointsOf(socket).Select(Multiaddr.FromTcp)];

        public async ValueTask<RawConnection> AcceptAsync(CancellationToken cancellationToken)
        {
            var accepted = await TcpSockets.AcceptAsync(socket, cancellationToken).ConfigureAwait(false);
            return new RawConnection(new NetworkStream(accepted.Socket, ownsSocket: true), Multiaddr.FromTcp(accepted.Remote));
        }

        public ValueTask DisposeAsync()
        {
            socket.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
