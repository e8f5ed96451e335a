using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.GossipSub;

public class GossipRpcCodecTests
{
    private static readonly GossipSubParameters Parameters = new();

    // Made by @libp2p/gossipsub 17.1.1's RPC.encode.
    private const string Js = "0a0508011201610a0508001201621a1e0a0b0a0161120301020312010412030a01091a030a016122050a0162183c";

    [Fact]
    public void An_rpc_that_js_wrote_is_read()
    {
        var rpc = GossipRpcCodec.Decode(Convert.FromHexString(Js), new TopicTable(), Parameters)!;
        Assert.Equal([new TopicSubscription("a", true), new TopicSubscription("b", false)], rpc.Subscriptions);
        var ihave = Assert.Single(rpc.IHave!);
        Assert.Equal("a", ihave.Topic);
        Assert.Equal([[1, 2, 3], [4]], ihave.Ids.Select(i => i.ToArray()));
        Assert.Equal([[9]], rpc.IWant!.Select(i => i.ToArray()));
        Assert.Equal(["a"], rpc.Graft);
        Assert.Equal([new Prune("b", 60)], rpc.Prune);
        Assert.False(rpc.Excessive);
    }

    [Fact]
    public void Control_is_written_as_js_reads_it()
    {
        var rpc = new GossipRpc { Subscriptions = [new("a", true), new("b", false)], Graft = ["a"], Prune = [new("b", 60)] };
        var frame = Assert.Single(GossipRpcCodec.EncodeControl(rpc, 1 << 20));
        Assert.Equal("1c" + "0a0508011201610a0508001201621a0c1a030a016122050a0162183c", Convert.ToHexStringLower(frame));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(1000)]
    [InlineData(1 << 20)]
    public void Split_control_says_the_same_and_each_part_keeps_to_the_size(int maxSize)
    {
        var ids = Enumerable.Range(0, 300).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes((long)i)).ToList();
        var rpc = new GossipRpc
        {
            Subscriptions = [.. Enumerable.Range(0, 200).Select(i => new TopicSubscription($"topic/{i}", i % 3 > 0))],
            Graft = [.. Enumerable.Range(0, 50).Select(i => $"graft/{i}")],
            Prune = [.. Enumerable.Range(0, 50).Select(i => new Prune($"prune/{i}", i == 7 ? null : (ulong)i))],
            IHave = [new IHave("x", ids[..100]), new IHave("y", ids[100..])],
            IWant = ids,
        };
        List<TopicSubscription> subscriptions = [];
        List<string> graft = [];
        List<Prune> prune = [];
        List<(string, long)> ihave = [];
        List<long> iwant = [];
        foreach (var frame in GossipRpcCodec.EncodeControl(rpc, maxSize))
        {
            var length = Varint.Read(frame, out var prefix);
            Assert.Equal(frame.Length - prefix, (int)length);
            Assert.InRange(frame.Length, 1, maxSize + (maxSize / 2) + 64);
            var part = GossipRpcCodec.Decode(frame.AsSpan(prefix), new TopicTable(), Parameters)!;
            subscriptions.AddRange(part.Subscriptions ?? []);
            graft.AddRange(part.Graft ?? []);
            prune.AddRange(part.Prune ?? []);
            ihave.AddRange((part.IHave ?? []).SelectMany(h => h.Ids.Select(i => (h.Topic, BitConverter.ToInt64(i.Span)))));
            iwant.AddRange((part.IWant ?? []).Select(i => BitConverter.ToInt64(i.Span)));
        }

        Assert.Equal(rpc.Subscriptions, subscriptions);
        Assert.Equal(rpc.Graft, graft);
        Assert.Equal(rpc.Prune, prune);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (i < 100 ? "x" : "y", (long)i)), ihave);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (long)i), iwant);
    }

    [Fact]
    public void A_message_after_its_header_is_an_rpc_of_one_message()
    {
        var message = GossipKeys.Message(1, "t", 1, new byte[300]);
        var header = new byte[16];
        var headerLength = GossipRpcCodec.WriteMessageHeader(header, message);
        byte[] frame = [.. header[..headerLength], .. message.Encoded.Span];
        var length = Varint.Read(frame, out var prefix);
        Assert.Equal(frame.Length - prefix, (int)length);
        var read = Assert.Single(GossipRpcCodec.Decode(frame.AsSpan(prefix), new TopicTable(), Parameters)!.Messages!);
        Assert.Equal(message.Key, read.Key);
    }

    [Fact]
    public void Items_beyond_the_limits_are_not_read_and_are_reported()
    {
        byte[] empty = [.. Enumerable.Repeat<byte[]>([0x12, 0x00], GossipRpcCodec.MaxItems + 100).SelectMany(b => b)];
        var rpc = GossipRpcCodec.Decode(empty, new TopicTable(), Parameters)!;
        Assert.Equal(GossipRpcCodec.MaxItems, rpc.Messages!.Count);
        Assert.True(rpc.Excessive);

        var ids = new GossipRpc { IWant = [.. Enumerable.Range(0, GossipRpcCodec.MaxItems + 100).Select(i => (ReadOnlyMemory<byte>)BitConverter.GetBytes(i))] };
        var frame = Assert.Single(GossipRpcCodec.EncodeControl(ids, 1 << 20));
        Varint.Read(frame, out var prefix);
        Assert.Equal(GossipRpcCodec.MaxItems, GossipRpcCodec.Decode(frame.AsSpan(prefix), new TopicTable(), Parameters)!.IWant!.Count);
    }

    [Fact]
    public void Introduced_peers_of_unknown_keys_and_unknown_fields_are_read_over()
    {
        // control{prune{topic b, peers{peerID}, backoff 5}, idontwant{id}, field 9}, field 20
        byte[] prune = [0x0a, 1, (byte)'b', 0x12, 3, 0x0a, 1, 7, 0x18, 5];
        byte[] control = [0x22, (byte)prune.Length, .. prune, 0x2a, 4, 0x0a, 2, 1, 2, 0x4a, 0];
        byte[] whole = [0x1a, (byte)control.Length, .. control, 0xa0, 1, 3];
        var read = GossipRpcCodec.Decode(whole, new TopicTable(), Parameters)!;
        Assert.Equal([new Prune("b", 5)], read.Prune);
        Assert.Equal([1, 2], Assert.Single(read.IDontWant!).ToArray());
        Assert.Null(read.IWant);
    }

    [Fact]
    public void Random_and_damaged_bytes_give_an_rpc_or_null_and_never_an_exception()
    {
        var random = new Random(7);
        byte[] good = [.. Convert.FromHexString(Js), 0x12, 0x80, 0x02, .. new byte[256]];
        var whole = new GossipRpc { Subscriptions = [new("a", true)], Graft = ["b"], IHave = [new("c", [new byte[44]])] };
        var frames = new[] { good, GossipRpcCodec.EncodeControl(whole, 1 << 20)[0][1..], GossipKeys.Message(1, "t", 9, "x"u8).Encoded.ToArray() };
        var router = new GossipSubRouter(GossipKeys.Peer(0), Parameters, random);
        List<GossipEffect> effects = [];
        router.AddPeer(GossipKeys.Peer(1), GossipSubVersion.V11, false, effects);
        router.Subscribe("a", 0, effects);
        var read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            byte[] bytes;
            if (i % 2 == 0)
            {
                bytes = new byte[random.Next(0, 80)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = (byte[])frames[random.Next(frames.Length)].Clone();
                for (var flips = random.Next(1, 4); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }
            }

            if (GossipRpcCodec.Decode(bytes, new TopicTable(), Parameters) is { } rpc)
            {
                read++;
                router.Receive(GossipKeys.Peer(1), rpc, i, effects);
                effects.Clear();
            }
        }

        Assert.InRange(read, 100, 19_900);
    }

    [Fact]
    public void A_graft_of_many_topics_counts_each_of_them()
    {
        byte[] topics = [.. Enumerable.Repeat<byte[]>([0x0a, 0x01, (byte)'t'], GossipRpcCodec.MaxItems + 100).SelectMany(b => b)];
        var rpc = GossipRpcCodec.Decode(Field(3, Field(3, topics)), new TopicTable(), Parameters)!;
        Assert.Equal(GossipRpcCodec.MaxItems, rpc.Graft!.Count);
        Assert.True(rpc.Excessive);

        static byte[] Field(int number, byte[] value)
        {
            var length = new byte[Varint.SizeOf((ulong)value.Length)];
            Varint.Write(length, (ulong)value.Length);
            return [(byte)((number << 3) | WireReader.LengthDelimited), .. length, .. value];
        }
    }
}
