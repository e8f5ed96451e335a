using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>Tells addresses of the public internet from others (IANA special-purpose address registries).</summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] Special =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.0.0.0/24"), IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("198.51.100.0/24"), IPNetwork.Parse("203.0.113.0/24"),
        IPNetwork.Parse("224.0.0.0/3"),
    ];

    // Everything that is given out so far lies in 2000::/3.
    private static readonly IPNetwork Global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork Documentation6 = IPNetwork.Parse("2001:db8::/32");

    /// <summary>True for addresses that are routed on the internet.</summary>
    public static bool Is(IPAddress ip) => ip.AddressFamily == AddressFamily.InterNetworkV6
        ? Global6.Contains(ip) && !Documentation6.Contains(ip)
        : !Array.Exists(Special, n => n.Contains(ip));
}
