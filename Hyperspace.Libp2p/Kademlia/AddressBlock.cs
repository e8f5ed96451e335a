using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>
/// Whoever owns one address of a block can easily own many: an IPv4 /16 or an IPv6 /32. Loopback, private and
/// link-local addresses belong to none, since a whole network may share a few of them.
/// </summary>
/// <param name="Prefix">The leading 16 or 32 bits.</param>
/// <param name="Family">4 or 6.</param>
internal readonly record struct AddressBlock(uint Prefix, int Family)
{
    /// <summary>The group of an address that a connection was seen to come from; null when it has none.</summary>
    public static AddressBlock? Of(IPAddress ip)
    {
        ip = ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
        if (IPAddress.IsLoopback(ip))
        {
            return null;
        }

        var bytes = ip.GetAddressBytes();
        return ip.AddressFamily == AddressFamily.InterNetwork
            ? IsPrivate(bytes) ? null : new AddressBlock(BinaryPrimitives.ReadUInt16BigEndian(bytes), 4)
            : ip.IsIPv6LinkLocal || ip.IsIPv6UniqueLocal ? null : new AddressBlock(BinaryPrimitives.ReadUInt32BigEndian(bytes), 6);
    }

    // RFC 1918 and RFC 3927.
    private static bool IsPrivate(byte[] ip) =>
        ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) || (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254);
}
