using System.Buffers;
using System.Text;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>GossipSub's RPCs and the messages in them. First byte: an RPC; a single message, with its signature checked.</summary>
internal static class GossipSubTarget
{
    private const int MaxFrame = 512 * 1024;
    private static readonly KeyPair Keys = KeyPair.FromSeed(Enumerable.Repeat((byte)4, 32).ToArray());
    private static readonly GossipSubParameters Parameters = new();

    public static FuzzTarget Create() => new("gossipsub", Run, Seeds)
    {
        // The codec throws nothing: what cannot be read is null, what cannot be trusted says so.
        Expects = _ => false,

        // Room for more items than are read of one RPC.
        MaxLength = 24 * 1024,
        AllocationPerByte = 256,
        Dictionary = [[0x0a], [0x12], [0x1a], [0x22], [0x2a], [0x08, 0x01], [0x0a, 0x26, 0x00, 0x24, 0x08, 0x01, 0x12, 0x20], [0x1a, 0x08], [0x2a, 0x40], [0x0a, 0x26, 0x00, 0x24], Encoding.ASCII.GetBytes("topic")],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var topics = new TopicTable();
        if ((reader.Byte() & 1) == 1)
        {
            if (GossipMessage.Parse(reader.Rest, topics, Parameters.MaxTopicLength, Parameters.MessageIdForm) is { } message)
            {
                Check(message, topics);
            }

            return;
        }

        if (GossipRpcCodec.Decode(reader.Rest, topics, Parameters) is not { } rpc)
        {
            return;
        }

        Check(rpc);
        foreach (var message in rpc.Messages ?? [])
        {
            Check(message, topics);
        }

        // Written and read again, the control part is the same.
        var again = new GossipRpc();
        foreach (var frame in GossipRpcCodec.EncodeControl(rpc, MaxFrame))
        {
            var length = Varint.Read(frame, out var prefix);
            Invariant.Holds(length == (ulong)(frame.Length - prefix), "A frame's prefix tells another length than it has.");
            var part = GossipRpcCodec.Decode(frame.AsSpan(prefix), topics, Parameters);
            Invariant.Holds(part is not null, "An RPC was written that cannot be read.");
            (again.Subscriptions ??= []).AddRange(part!.Subscriptions ?? []);
            (again.Graft ??= []).AddRange(part.Graft ?? []);
            (again.Prune ??= []).AddRange(part.Prune ?? []);
            (again.IWant ??= []).AddRange(part.IWant ?? []);
            (again.IDontWant ??= []).AddRange(part.IDontWant ?? []);
            (again.IHave ??= []).AddRange(part.IHave ?? []);
        }

        Invariant.Holds((again.Subscriptions ?? []).SequenceEqual(rpc.Subscriptions ?? []), "Subscriptions changed on the way.");
        Invariant.Holds((again.Graft ?? []).SequenceEqual(rpc.Graft ?? []), "GRAFTs changed on the way.");
        Invariant.Holds((again.Prune ?? []).Select(Text).SequenceEqual((rpc.Prune ?? []).Select(Text)), "PRUNEs changed on the way.");
        Invariant.Holds(Same(again.IWant, rpc.IWant), "IWANTs changed on the way.");
        Invariant.Holds(Same(again.IDontWant, rpc.IDontWant), "IDONTWANTs changed on the way.");
        Invariant.Holds((again.IHave ?? []).Sum(i => i.Ids.Count) == (rpc.IHave ?? []).Sum(i => i.Ids.Count), "IHAVEs changed on the way.");
    }

    private static void Check(GossipRpc rpc)
    {
        Invariant.Holds((rpc.Subscriptions?.Count ?? 0) <= GossipRpcCodec.MaxItems && (rpc.Messages?.Count ?? 0) <= GossipRpcCodec.MaxItems, "More items were read than the limit.");
        Invariant.Holds((rpc.IWant?.Count ?? 0) <= GossipRpcCodec.MaxItems && (rpc.Graft?.Count ?? 0) <= GossipRpcCodec.MaxItems && (rpc.Prune?.Count ?? 0) <= GossipRpcCodec.MaxItems, "More control was read than the limit.");
        Invariant.Holds((rpc.Subscriptions ?? []).All(s => s.Topic.Length is > 0 and <= 256), "A topic's name is empty or too long.");
        Invariant.Holds((rpc.IHave ?? []).All(i => i.Topic.Length is > 0 and <= 256 && i.Ids.Count > 0), "An IHAVE has no topic or no ids.");
    }

    private static void Check(GossipMessage message, TopicTable topics)
    {
        if (message.Authenticity == Authenticity.Unchecked)
        {
            var again = GossipMessage.Parse(message.Encoded.Span, topics, Parameters.MaxTopicLength, Parameters.MessageIdForm);
            Invariant.Holds(again is not null && again.Key == message.Key && again.Topic == message.Topic && again.SequenceNumber == message.SequenceNumber, "A forwarded message is another message.");
            Invariant.Holds(again!.Data.Span.SequenceEqual(message.Data.Span) && again.Encoded.Span.SequenceEqual(message.Encoded.Span), "A forwarded message's bytes change again.");
            Invariant.Holds(message.Authenticate(new AuthorCache()) is Authenticity.Valid or Authenticity.Invalid, "A checked message is neither valid nor invalid.");
        }
    }

    private static string Text(Prune prune) =>
        $"{prune.Topic} {prune.BackoffSeconds} {string.Join(' ', (prune.Peers ?? []).Select(p => $"{p.Peer} {Convert.ToHexString(p.SignedRecord ?? [])}"))}";

    private static bool Same(List<ReadOnlyMemory<byte>>? a, List<ReadOnlyMemory<byte>>? b) =>
        (a?.Count ?? 0) == (b?.Count ?? 0) && (a ?? []).Zip(b ?? []).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span));

    private static IEnumerable<byte[]> Seeds()
    {
        var author = Author.Of(Keys);
        var message = GossipMessage.Sign(Keys, author, "topic", "data"u8, 7);
        var empty = GossipMessage.Sign(Keys, author, "t", [], ulong.MaxValue);
        var control = new GossipRpc
        {
            Subscriptions = [new TopicSubscription("topic", true), new TopicSubscription("other", false)],
            Graft = ["topic"],
            Prune = [new Prune("other", 60, [new PxPeer(Keys.PeerId, [1, 2, 3]), new PxPeer(Keys.PeerId, null)]), new Prune("topic", null)],
            IHave = [new IHave("topic", [message.Id, empty.Id])],
            IWant = [message.Id],
            IDontWant = [empty.Id],
        };
        yield return [1, .. message.Encoded.Span];
        yield return [1, .. empty.Encoded.Span];
        var frame = GossipRpcCodec.EncodeControl(control, MaxFrame).Single();
        _ = Varint.Read(frame, out var prefix);
        yield return [0, .. frame.AsSpan(prefix)];
        var writer = new ArrayBufferWriter<byte>();
        foreach (var one in new[] { message, empty })
        {
            writer.Write((ReadOnlySpan<byte>)[0x12]);
            Varint.Write(writer, (ulong)one.Encoded.Length);
            writer.Write(one.Encoded.Span);
        }

        yield return [0, .. writer.WrittenSpan];
    }
}
