using System.Text;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>Multiaddrs. An input that starts with '/' is text (no binary form does: 0x2f is no protocol); every other is binary.</summary>
internal static class MultiaddrTarget
{
    private static readonly string[] Valid =
    [
        "/ip4/127.0.0.1/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN",
        "/ip6/2001:db8::1/udp/4001/quic-v1",
        "/ip6/fe80::1/tcp/1/ws",
        "/dns4/example.org/tcp/443/tls/ws",
        "/dns/a/tcp/443/wss/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit",
        "/dnsaddr/bootstrap.example.org",
        "/dns6/x/tcp/0",
    ];

    public static FuzzTarget Create() => new("multiaddr", Run, Seeds)
    {
        Expects = e => e is FormatException,
        MaxLength = 2048,
        Dictionary = [.. Words().Select(Encoding.ASCII.GetBytes), [0x04], [0x06], [0x29], [0x35], [0x91, 0x02], [0xa2, 0x02], [0xa5, 0x03], [0xdd, 0x03], [0xcd, 0x03]],
    };

    private static string[] Words() =>
        ["/ip4/", "/ip6/", "/dns/", "/dns4/", "/dns6/", "/dnsaddr/", "/tcp/", "/udp/", "/ws", "/wss", "/tls", "/quic-v1", "/p2p/", "/ipfs/", "/p2p-circuit", "::1", "%1", "0x1", "::ffff:1.2.3.4"];

    private static void Run(ReadOnlySpan<byte> input)
    {
        var address = !input.IsEmpty && input[0] == '/'
            ? Multiaddr.Parse(Encoding.UTF8.GetString(input))
            : Multiaddr.FromBytes(input);
        Invariant.Holds(address.Bytes.Length is > 0 and <= Multiaddr.MaxLength, "An address of no or too many bytes was read.");
        Invariant.Holds(input[0] == '/' || address.Bytes.Span.SequenceEqual(input), "The binary form is not the bytes that were read.");
        Invariant.Holds(Multiaddr.FromBytes(address.Bytes.Span).ToString() == address.ToString(), "The binary form reads as another text.");
        Invariant.Holds(Multiaddr.Parse(address.ToString()).Equals(address), "The text form reads as another address.");
        if (address.PeerId is { } peer)
        {
            Invariant.Holds(address.WithPeer(peer).Equals(address), "Naming the peer that an address names changed it.");
        }

        Invariant.Holds(address.WithoutPeer().Components.Count > 0, "Nothing is left without the peer.");
    }

    private static IEnumerable<byte[]> Seeds() =>
        Valid.SelectMany(text => new[] { Encoding.ASCII.GetBytes(text), Multiaddr.Parse(text).Bytes.ToArray() });
}
