using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.MulticastDns;

namespace Hyperspace.Tests.Libp2p.MulticastDns;

/// <summary>Multicast on this machine's loopback, on a port of its own.</summary>
internal static class Multicast
{
    private static readonly IPAddress Group = IPAddress.Parse("224.0.0.251");

    /// <summary>Options that stay on loopback; skips the test when this machine has no multicast there.</summary>
    public static MdnsOptions OnLoopback()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(Group, IPAddress.Loopback));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
            socket.ReceiveTimeout = 5000;
            socket.SendTo([1], new IPEndPoint(Group, port));
            socket.Receive(new byte[1]);
        }
        catch (SocketException e)
        {
            Skip.If(true, $"Multicast does not work on this machine's loopback: {e.Message}");
        }

        return new MdnsOptions { Port = port, Group = Group, Interfaces = [IPAddress.Loopback], QueryInterval = TimeSpan.FromSeconds(1) };
    }
}
