using Google.Protobuf;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>
/// Kademlia's messages and records: a stream of length-prefixed requests (first byte 0), each answered by a server whose
/// stores the earlier ones filled; or one reply (1), read as a query reads it.
/// </summary>
internal static class KademliaTarget
{
    private static readonly PeerId Self = Peer(5);
    private static readonly PeerId Sender = Peer(6);
    private static readonly PeerId[] Known = [Peer(7), Peer(8), Peer(9)];
    private static readonly Multiaddr Address = Multiaddr.Parse("/ip4/10.0.0.1/tcp/4001");
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly KademliaOptions Options = new()
    {
        Validators = new Dictionary<string, IRecordValidator> { ["v"] = new LongestWins() },
        MaxRecords = 8,
        MaxProviderKeys = 8,
    };

    public static FuzzTarget Create() => new("kademlia", Run, Seeds)
    {
        // Whoever reads a stream of the protocol takes a damaged message for the end of it: it is an IOException.
        Expects = e => e is InvalidProtocolBufferException or MessageFramingException or EndOfStreamException,

        // A server per input, and for each two bytes of a reply's peers an object.
        AllocationConstant = 512 * 1024,
        AllocationPerByte = 1024,
        Dictionary = [[0x08, 0x00], [0x08, 0x01], [0x08, 0x02], [0x08, 0x03], [0x08, 0x04], [0x08, 0x05], [0x12, 0x22, 0x12, 0x20], [0x0a, 0x26, 0x00, 0x24], [0x42], [0x4a], "/v/"u8.ToArray(), "/pk/"u8.ToArray()],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        if ((reader.Byte() & 1) == 1)
        {
            var reply = Message.Parser.ParseFrom(reader.Rest);
            Check(KademliaMessages.FromWire(reply.CloserPeers, Options.K, Options.MaxAddressesPerPeer));
            Check(KademliaMessages.FromWire(reply.ProviderPeers, Options.K, Options.MaxAddressesPerPeer));
            Invariant.Holds(Message.Parser.ParseFrom(reply.ToByteArray()).Equals(reply), "A message changed on the way.");
            return;
        }

        var server = new KademliaServer(Self, Options, _ => [Address]);
        var stream = new ByteStream(reader.Rest.ToArray(), int.MaxValue);
        while (stream.ReadMessageAsync(Options.MaxMessageBytes).Now() is { } bytes)
        {
            var (reply, _) = server.Handle(Message.Parser.ParseFrom(bytes), Sender, Now);
            if (reply is not null)
            {
                Invariant.Holds(reply.CalculateSize() <= Options.MaxMessageBytes, "A reply is larger than a peer would read.");
                Invariant.Holds(reply.CloserPeers.Count <= Options.K + 1, "A reply names too many peers.");
                Invariant.Holds(Message.Parser.ParseFrom(reply.ToByteArray()).Equals(reply), "A reply changed on the way.");
            }
        }
    }

    private static void Check(IReadOnlyList<PeerAddresses> peers)
    {
        Invariant.Holds(peers.Count <= Options.K && peers.All(p => p.Addresses.Count <= Options.MaxAddressesPerPeer), "More peers or addresses were read than the bounds allow.");
        Invariant.Holds(peers.Select(p => p.Peer).Distinct().Count() == peers.Count, "A peer was read twice.");
        Invariant.Holds(peers.All(p => p.Addresses.All(a => a.PeerId is null)), "An address still names a peer.");
    }

    private static PeerId Peer(byte seed) => KeyPair.FromSeed(Enumerable.Repeat(seed, 32).ToArray()).PeerId;

    private static IEnumerable<byte[]> Seeds()
    {
        byte[] multihash = [0x12, 0x20, .. new byte[32]];
        var record = "/v/name"u8.ToArray();
        Message[] requests =
        [
            KademliaMessages.PutValue(record, "value"u8, Now),
            KademliaMessages.PutValue(record, "longer value"u8, Now),
            KademliaMessages.GetValue(record),
            KademliaMessages.AddProvider(multihash, new PeerAddresses(Sender, [Address])),
            KademliaMessages.GetProviders(multihash),
            KademliaMessages.FindNode(Known[0].Bytes.Span),
            KademliaMessages.FindNode(Self.Bytes.Span),
            KademliaMessages.Ping(),
        ];
        yield return [0, .. requests.SelectMany(r => r.ToLengthPrefixed())];
        foreach (var request in requests)
        {
            yield return [0, .. request.ToLengthPrefixed()];
        }

        var reply = KademliaMessages.GetValue(record);
        reply.Record = KademliaMessages.RecordOf(record, "value"u8, Now);
        reply.CloserPeers.AddRange(Known.Select(p => KademliaMessages.ToWire(new PeerAddresses(p, [Address, Address.WithPeer(p)]))));
        reply.ProviderPeers.Add(KademliaMessages.ToWire(new PeerAddresses(Sender, [])));
        yield return [1, .. reply.ToByteArray()];
    }

    /// <summary>Any value is valid; a longer one is better.</summary>
    private sealed class LongestWins : IRecordValidator
    {
        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => true;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values) => values.Index().MaxBy(v => v.Item.Length).Index;
    }
}
