using System.Net;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.MulticastDns;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>Packets of multicast DNS, which anybody on the local network can send.</summary>
internal static class MulticastDnsTarget
{
    private const string Service = "_p2p._udp.local";
    private static readonly PeerId Local = KeyPair.FromSeed(Enumerable.Repeat((byte)14, 32).ToArray()).PeerId;
    private static readonly PeerId Other = KeyPair.FromSeed(Enumerable.Repeat((byte)15, 32).ToArray()).PeerId;
    private static readonly IPAddress Source = IPAddress.Parse("192.168.0.7");
    private static readonly Multiaddr[] Addresses = [Multiaddr.Parse("/ip4/192.168.0.7/tcp/4001")];

    public static FuzzTarget Create() => new("multicast-dns", Run, Seeds)
    {
        Expects = e => e is DnsException,

        // A pointer of two bytes may name 255, so a message is worth more text than it has.
        MaxLength = 9100,
        AllocationPerByte = 2048,
        Dictionary = [[0xc0, 0x0c], [0xc0, 0x00], [0x84, 0x00], [0x00, 0x0c, 0x00, 0x01], [0x00, 0x10, 0x00, 0x01], "dnsaddr="u8.ToArray(), "/ip4/192.168.0.7/tcp/1/p2p/"u8.ToArray(), [0x04, .. "_p2p"u8], [0x05, .. "local"u8, 0x00]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var message = DnsReader.Read(input);
        Invariant.Holds(message.Questions.Count + message.Answers.Count + message.Additionals.Count <= DnsReader.MaxEntries, "More entries were read than the bound.");
        var responder = new MdnsResponder(Local, Service, "instance");
        var found = responder.Receive(input, Source);
        Invariant.Holds(found.All(f => f.Peer != Local && f.Addresses.Count is > 0 and <= 16 && f.Addresses.All(a => a.PeerId is null)), "A peer was found without addresses, or with too many, or it is this one.");
        if (responder.AnswerDue is { } due && responder.Answer(Addresses, due) is { } answer)
        {
            Invariant.Holds(DnsReader.Read(answer).IsResponse, "The answer to a question is no answer.");
        }
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var other = new MdnsResponder(Other, Service, "other");
        yield return other.Query();
        _ = other.Receive(new MdnsResponder(Local, Service, "instance").Query(), Source);
        yield return other.Answer(Addresses, DateTimeOffset.UnixEpoch)!;

        // The same answer with compressed names.
        yield return
        [
            0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0,
            4, .. "_p2p"u8, 4, .. "_udp"u8, 5, .. "local"u8, 0,
            0, 12, 0, 1, 0, 0, 0, 120, 0, 4, 1, (byte)'x', 0xc0, 12,
        ];
    }
}
