using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Transports;

/// <summary>TCP sockets for the first two components of multiaddrs, which say the host and the port.</summary>
internal static class TcpSockets
{
    private const int Backlog = 512;

    /// <summary>True when the address begins with <c>/ip4|ip6|dns|dns4|dns6/…/tcp/…</c>.</summary>
    public static bool IsHostAndPort(Multiaddr address) =>
        address.Components is [{ Protocol: "ip4" or "ip6" or "dns" or "dns4" or "dns6" }, { Protocol: "tcp" }, ..];

    /// <summary>True when the address begins with <c>/ip4|ip6/…/tcp/…</c>.</summary>
    public static bool IsEndpoint(Multiaddr address) => address.Components is [{ Protocol: "ip4" or "ip6" }, { Protocol: "tcp" }, ..];

    /// <summary>Connects.</summary>
    /// <exception cref="IOException">Nobody answered there, or the name has no address.</exception>
    public static async Task<Socket> ConnectAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        if (!IsHostAndPort(address))
        {
            throw new IOException($"'{address}' does not begin with a host and a TCP port.");
        }

        var host = address.Components[0].Value!;
        var port = int.Parse(address.Components[1].Value!, CultureInfo.InvariantCulture);
        var family = address.Components[0].Protocol switch
        {
            "ip4" or "dns4" => AddressFamily.InterNetwork,
            "ip6" or "dns6" => AddressFamily.InterNetworkV6,
            _ => AddressFamily.Unspecified,
        };
        Socket? socket = null;
        try
        {
            var addresses = IPAddress.TryParse(host, out var ip) ? [ip] : await Dns.GetHostAddressesAsync(host, family, cancellationToken).ConfigureAwait(false);
            socket = new Socket(addresses is [{ AddressFamily: var only }] ? only : family is AddressFamily.Unspecified ? AddressFamily.InterNetworkV6 : family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            if (addresses.Length > 1 && family is AddressFamily.Unspecified)
            {
                socket.DualMode = true;
            }

            await socket.ConnectAsync(addresses, port, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch (Exception e)
        {
            socket?.Dispose();
            if (e is SocketException)
            {
                throw new IOException($"No connection to {address}: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Binds and listens.</summary>
    /// <exception cref="IOException">The address is taken or not this machine's, or does not begin with an IP address and a TCP port.</exception>
    public static Socket Listen(Multiaddr address)
    {
        if (!IsEndpoint(address))
        {
            throw new IOException($"'{address}' does not begin with an IP address and a TCP port.");
        }

        var endpoint = new IPEndPoint(IPAddress.Parse(address.Components[0].Value!), int.Parse(address.Components[1].Value!, CultureInfo.InvariantCulture));
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }

            socket.Bind(endpoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"Cannot listen on {address}: {e.Message}", e);
        }
    }

    /// <summary>Takes the next connection that is still there when it is taken.</summary>
    /// <exception cref="IOException">Out of file handles, for instance.</exception>
    /// <exception cref="ObjectDisposedException">The listener was closed.</exception>
    public static async ValueTask<(Socket Socket, IPEndPoint Remote)> AcceptAsync(Socket listener, CancellationToken cancellationToken)
    {
        while (true)
        {
            Socket accepted;
            try
            {
                accepted = await listener.AcceptAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                ObjectDisposedException.ThrowIf(listener.SafeHandle.IsClosed, listener);
                throw new IOException($"Accepting a connection failed: {e.Message}", e);
            }

            try
            {
                accepted.NoDelay = true;
                return (accepted, (IPEndPoint)accepted.RemoteEndPoint!);
            }
            catch (SocketException)
            {
                // It was gone before it was taken; that says nothing of the listener.
                accepted.Dispose();
            }
        }
    }

    /// <summary>Where a listening socket can be reached: for the wildcard, at each of the interfaces' addresses.</summary>
    public static IEnumerable<IPEndPoint> EndpointsOf(Socket listener)
    {
        var endpoint = (IPEndPoint)listener.LocalEndPoint!;
        if (!endpoint.Address.Equals(IPAddress.Any) && !endpoint.Address.Equals(IPAddress.IPv6Any))
        {
            return [endpoint];
        }

        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus == OperationalStatus.Up)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == endpoint.AddressFamily && !a.IsIPv6LinkLocal)
            .Select(a => new IPEndPoint(a, endpoint.Port));
    }
}
