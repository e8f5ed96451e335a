using System.Buffers;
using System.Text;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

internal static partial class GossipRpcCodec
{
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
        var info = new ArrayBufferWriter<byte>();

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
            foreach (var (peer, record) in prune.Peers ?? [])
            {
                PutBytes(info, 1, peer.Bytes.Span);
                if (record is not null)
                {
                    PutBytes(info, 2, record);
                }

                PutBytes(item, 2, info.WrittenSpan);
                info.ResetWrittenCount();
            }

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
        AddIds(5, null, 1, rpc.IDontWant ?? []);
        FlushOver(0);
        return frames;
    }

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
