using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>Whom limits per address count as one: an IPv4 address, or the /64 of an IPv6 address, which one host has whole.</summary>
internal static class IpGroup
{
    /// <summary>The group of the address's host; null when the address does not begin with an IP address.</summary>
    public static string? Of(Multiaddr address) => IpOf(address) is not { } ip ? null
        : ip.AddressFamily == AddressFamily.InterNetwork ? ip.ToString()
        : Convert.ToHexString(ip.GetAddressBytes().AsSpan(0, 8));

    /// <summary>The IP address that a multiaddr begins with.</summary>
    public static IPAddress? IpOf(Multiaddr address) =>
        address.Components is [{ Protocol: "ip4" or "ip6", Value: { } text }, ..] && IPAddress.TryParse(text, out var ip)
            ? ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip
            : null;
}
