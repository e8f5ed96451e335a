using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Switch;

/// <summary>TCP sockets for multiaddrs.</summary>
internal static class TcpTransport
{
    private const int Backlog = 512;

    /// <summary>True for <c>/ip4|ip6|dns|dns4|dns6/…/tcp/…</c>, with or without <c>/p2p/…</c>.</summary>
    public static bool CanDial(Multiaddr address)
    {
        var components = address.WithoutPeer().Components;
        return components.Count == 2 && components[1].Protocol == "tcp" && components[0].Protocol is "ip4" or "ip6" or "dns" or "dns4" or "dns6";
    }

    /// <summary>Connects.</summary>
    /// <exception cref="IOException">Nobody answered there, or the address is not one that TCP can dial.</exception>
    public static async Task<Socket> ConnectAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        if (!CanDial(address))
        {
            throw new IOException($"'{address}' cannot be dialed: only /ip4, /ip6 and /dns addresses with /tcp can.");
        }

        var host = address.Components[0].Value!;
        var port = int.Parse(address.Components[1].Value!, System.Globalization.CultureInfo.InvariantCulture);
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
    /// <exception cref="IOException">The address is taken or not this machine's, or not an IP address with a TCP port.</exception>
    public static Socket Listen(Multiaddr address)
    {
        var components = address.WithoutPeer().Components;
        if (components.Count != 2 || components[0].Protocol is not ("ip4" or "ip6") || components[1].Protocol != "tcp")
        {
            throw new IOException($"'{address}' cannot be listened on: use /ip4/…/tcp/… or /ip6/…/tcp/….");
        }

        var endpoint = new IPEndPoint(IPAddress.Parse(components[0].Value!), int.Parse(components[1].Value!, System.Globalization.CultureInfo.InvariantCulture));
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

    /// <summary>The addresses a listening socket can be reached at: for the wildcard, one per interface address.</summary>
    public static IEnumerable<Multiaddr> AddressesOf(Socket listener)
    {
        var endpoint = (IPEndPoint)listener.LocalEndPoint!;
        if (!endpoint.Address.Equals(IPAddress.Any) && !endpoint.Address.Equals(IPAddress.IPv6Any))
        {
            return [Multiaddr.FromTcp(endpoint)];
        }

        return NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus == OperationalStatus.Up)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == endpoint.AddressFamily && !a.IsIPv6LinkLocal)
            .Select(a => Multiaddr.FromTcp(new IPEndPoint(a, endpoint.Port)));
    }

    /// <summary>Where a socket's other end is.</summary>
    public static Multiaddr RemoteAddressOf(Socket socket) => Multiaddr.FromTcp((IPEndPoint)socket.RemoteEndPoint!);
}
