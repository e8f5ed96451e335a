using System.Buffers;
using System.Text;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Reads and writes RPCs. Written by hand, not generated: counts are capped while reading (a generated parser turns 4 MiB
/// of two-byte items into millions of objects first), and a message is copied once and forwarded as it came.
/// </summary>
internal static class GossipRpcCodec
{
    /// <summary>Most items of each kind that are read from one RPC.</summary>
    public const int MaxItems = 5000;

    private const int MaxIdLength = 128;

    /// <summary>Reads an RPC (without its length prefix); null when it is no protobuf.</summary>
    public static GossipRpc? Decode(ReadOnlySpan<byte> encoded, TopicTable topics, GossipSubParameters parameters)
    {
        var rpc = new GossipRpc();
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            if (type != WireReader.LengthDelimited)
            {
                continue;
            }

            switch (field)
            {
                case 1 when Room(rpc, rpc.Subscriptions):
                    if (!ReadSubscription(rpc, bytes, topics, parameters.MaxTopicLength))
                    {
                        return null;
                    }

                    break;
                case 2 when Room(rpc, rpc.Messages):
                    if (GossipMessage.Parse(bytes, topics, parameters.MaxTopicLength, parameters.MessageIdForm) is not { } message)
                    {
                        return null;
                    }

                    (rpc.Messages ??= new List<GossipMessage>(1)).Add(message);
                    break;
                case 3:
                    if (!ReadControl(rpc, bytes, topics, parameters.MaxTopicLength))
                    {
                        return null;
                    }

                    break;
            }
        }

        return reader.Malformed ? null : rpc;
    }

    /// <summary>Length prefix and header of an RPC that carries just this message; the message's bytes follow them.</summary>
    public static int WriteMessageHeader(Span<byte> destination, GossipMessage message)
    {
        var length = message.Encoded.Length;
        var written = Varint.Write(destination, (ulong)(1 + Varint.SizeOf((ulong)length) + length));
        destination[written++] = (2 << 3) | WireReader.LengthDelimited;
        return written + Varint.Write(destination[written..], (ulong)length);
    }

    /// <summary>Writes all but the messages as length-prefixed RPCs of at most about <paramref name="maxSize"/> bytes each.</summary>
    public static List<byte[]> EncodeControl(GossipRpc rpc, int maxSize)
    {
        var frames = new List<byte[]>(1);
        var subscriptions = new ArrayBufferWriter<byte>();
        var control = new ArrayBufferWriter<byte>();
        var item = new ArrayBufferWriter<byte>();

        void FlushOver(int limit)
        {
            if (subscriptions.WrittenCount + control.WrittenCount > limit)
            {
                var body = new ArrayBufferWriter<byte>(subscriptions.WrittenCount + control.WrittenCount + 8);
                body.Write(subscriptions.WrittenSpan);
                if (control.WrittenCount > 0)
                {
                    PutBytes(body, 3, control.WrittenSpan);
                }

                var frame = new byte[Varint.SizeOf((ulong)body.WrittenCount) + body.WrittenCount];
                var prefix = Varint.Write(frame, (ulong)body.WrittenCount);
                body.WrittenSpan.CopyTo(frame.AsSpan(prefix));
                frames.Add(frame);
                subscriptions.ResetWrittenCount();
                control.ResetWrittenCount();
            }
        }

        void Add(ArrayBufferWriter<byte> to, int field)
        {
            PutBytes(to, field, item.WrittenSpan);
            item.ResetWrittenCount();
            FlushOver(maxSize);
        }

        void AddIds(int controlField, string? topic, int idField, IReadOnlyList<ReadOnlyMemory<byte>> ids)
        {
            for (var i = 0; i < ids.Count;)
            {
                if (topic is not null)
                {
                    PutText(item, 1, topic);
                }

                do
                {
                    PutBytes(item, idField, ids[i++].Span);
                }
                while (i < ids.Count && item.WrittenCount < maxSize / 2);

                Add(control, controlField);
            }
        }

        foreach (var subscription in rpc.Subscriptions ?? [])
        {
            PutNumber(item, 1, subscription.Subscribe ? 1u : 0u);
            PutText(item, 2, subscription.Topic);
            Add(subscriptions, 1);
        }

        foreach (var topic in rpc.Graft ?? [])
        {
            PutText(item, 1, topic);
            Add(control, 3);
        }

        foreach (var prune in rpc.Prune ?? [])
        {
            PutText(item, 1, prune.Topic);
            if (prune.BackoffSeconds is { } backoff)
            {
                PutNumber(item, 3, backoff);
            }

            Add(control, 4);
        }

        foreach (var ihave in rpc.IHave ?? [])
        {
            AddIds(1, ihave.Topic, 2, ihave.Ids);
        }

        AddIds(2, null, 1, rpc.IWant ?? []);
        FlushOver(0);
        return frames;
    }

    private static bool Room<T>(GossipRpc rpc, List<T>? list)
    {
        var room = list is null || list.Count < MaxItems;
        rpc.Excessive |= !room;
        return room;
    }

    private static bool ReadSubscription(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength)
    {
        var subscribe = false;
        string? topic = null;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out var value, out var bytes))
        {
            switch (field, type)
            {
                case (1, WireReader.VarintType):
                    subscribe = value != 0;
                    break;
                case (2, WireReader.LengthDelimited):
                    topic = Topic(bytes, topics, maxTopicLength);
                    break;
            }
        }

        if (topic is not null)
        {
            (rpc.Subscriptions ??= []).Add(new TopicSubscription(topic, subscribe));
        }

        return !reader.Malformed;
    }

    private static bool ReadControl(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength)
    {
        var ihaveIds = 0;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            var ok = (field, type) switch
            {
                (1, WireReader.LengthDelimited) when Room(rpc, rpc.IHave) => ReadIHave(rpc, bytes, topics, maxTopicLength, ref ihaveIds),
                (2, WireReader.LengthDelimited) => ReadIds(rpc, bytes, 1, rpc.IWant ??= []),
                (3, WireReader.LengthDelimited) when Room(rpc, rpc.Graft) => ReadTopicItem(rpc, bytes, topics, maxTopicLength, static (r, topic, _) => (r.Graft ??= []).Add(topic)),
                (4, WireReader.LengthDelimited) when Room(rpc, rpc.Prune) => ReadTopicItem(rpc, bytes, topics, maxTopicLength, static (r, topic, backoff) => (r.Prune ??= []).Add(new Prune(topic, backoff))),
                _ => true,
            };
            if (!ok)
            {
                return false;
            }
        }

        return !reader.Malformed;
    }

    private static bool ReadIHave(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength, ref int total)
    {
        string? topic = null;
        var ids = new List<ReadOnlyMemory<byte>>();
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            if (type == WireReader.LengthDelimited && field == 1)
            {
                topic = Topic(bytes, topics, maxTopicLength);
            }
            else if (type == WireReader.LengthDelimited && field == 2)
            {
                // Not excessive: an honest peer may announce thousands of ids for each of several topics.
                if (total < MaxItems && bytes.Length is > 0 and <= MaxIdLength)
                {
                    total++;
                    ids.Add(bytes.ToArray());
                }
            }
        }

        if (topic is not null && ids.Count > 0)
        {
            (rpc.IHave ??= []).Add(new IHave(topic, ids));
        }

        return !reader.Malformed;
    }

    private static bool ReadIds(GossipRpc rpc, ReadOnlySpan<byte> encoded, int idField, List<ReadOnlyMemory<byte>> ids)
    {
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            if (field != idField || type != WireReader.LengthDelimited)
            {
                continue;
            }

            if (ids.Count < MaxItems && bytes.Length is > 0 and <= MaxIdLength)
            {
                ids.Add(bytes.ToArray());
            }
        }

        return !reader.Malformed;
    }

    private static bool ReadTopicItem(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength, Action<GossipRpc, string, ulong?> add)
    {
        string? topic = null;
        ulong? backoff = null;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out var value, out var bytes))
        {
            switch (field, type)
            {
                case (1, WireReader.LengthDelimited):
                    topic = Topic(bytes, topics, maxTopicLength);
                    break;
                case (3, WireReader.VarintType):
                    backoff = value;
                    break;
            }
        }

        if (topic is not null)
        {
            add(rpc, topic, backoff);
        }

        return !reader.Malformed;
    }

    /// <summary>The topic's name; null when this peer would not take part in such a topic anyway.</summary>
    private static string? Topic(ReadOnlySpan<byte> utf8, TopicTable topics, int maxLength) =>
        utf8.Length == 0 || utf8.Length > maxLength ? null : topics.Find(utf8);

    private static void PutNumber(ArrayBufferWriter<byte> to, int field, ulong value)
    {
        Varint.Write(to, (ulong)(field << 3));
        Varint.Write(to, value);
    }

    private static void PutBytes(ArrayBufferWriter<byte> to, int field, ReadOnlySpan<byte> value)
    {
        Varint.Write(to, (ulong)((field << 3) | WireReader.LengthDelimited));
        Varint.Write(to, (ulong)value.Length);
        to.Write(value);
    }

    private static void PutText(ArrayBufferWriter<byte> to, int field, string value) => PutBytes(to, field, Encoding.UTF8.GetBytes(value));
}
