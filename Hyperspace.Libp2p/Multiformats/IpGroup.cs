using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>Whom limits per IP count together: an IPv4 address, or the /64 that one IPv6 host can choose its addresses from.</summary>
public static class IpGroup
{
    private const int HostBytes = 8;

    /// <summary>The group of an address, or null when it says nothing of where the remote is (a name, a relay).</summary>
    public static IPAddress? Of(Multiaddr address) => !address.IsRelayed && IpOf(address) is { } ip ? Of(ip) : null;

    /// <summary>The group of an IP address.</summary>
    public static IPAddress Of(IPAddress ip)
    {
        ip = ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
        if (ip.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return ip;
        }

        var bytes = ip.GetAddressBytes();
        bytes.AsSpan(HostBytes).Clear();
        return new IPAddress(bytes);
    }

    /// <summary>The IP address that a multiaddr begins with; of a relayed one, the relay's.</summary>
    public static IPAddress? IpOf(Multiaddr address) =>
        address.Components is [{ Protocol: "ip4" or "ip6", Value: { } text }, ..] && IPAddress.TryParse(text, out var ip)
            ? ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip
            : null;
}
