using System.Buffers;
using System.Text;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>
/// Reads and writes RPCs. Written by hand, not generated: counts are capped while reading (a generated parser turns 4 MiB
/// of two-byte items into millions of objects first), and a message is copied once and forwarded as it came.
/// </summary>
internal static partial class GossipRpcCodec
{
    /// <summary>Most items of each kind that are read from one RPC.</summary>
    public const int MaxItems = 5000;

    /// <summary>Longest message id, in bytes.</summary>
    public const int MaxIdLength = 128;

    // Each costs the reading of a key.
    private const int MaxPxPeers = 64;
    private const int MaxRecordLength = 8192;

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
                    if (GossipMessage.Parse(bytes, topics, parameters.MaxTopicLength, parameters.MessageIdForm, parameters.MessageId) is not { } message)
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
        int ihaveIds = 0, introduced = 0;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            var ok = (field, type) switch
            {
                (1, WireReader.LengthDelimited) when Room(rpc, rpc.IHave) => ReadIHave(rpc, bytes, topics, maxTopicLength, ref ihaveIds),
                (2, WireReader.LengthDelimited) => ReadIds(rpc.IWant ??= [], bytes),
                (3, WireReader.LengthDelimited) when Room(rpc, rpc.Graft) => ReadGraft(rpc, bytes, topics, maxTopicLength),
                (4, WireReader.LengthDelimited) when Room(rpc, rpc.Prune) => ReadPrune(rpc, bytes, topics, maxTopicLength, ref introduced),
                (5, WireReader.LengthDelimited) => ReadIds(rpc.IDontWant ??= [], bytes),
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

    /// <summary>The ids (field 1) of an IWANT or IDONTWANT.</summary>
    private static bool ReadIds(List<ReadOnlyMemory<byte>> ids, ReadOnlySpan<byte> encoded)
    {
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            if (field == 1 && type == WireReader.LengthDelimited && ids.Count < MaxItems && bytes.Length is > 0 and <= MaxIdLength)
            {
                ids.Add(bytes.ToArray());
            }
        }

        return !reader.Malformed;
    }

    private static bool ReadGraft(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength)
    {
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            // A GRAFT may name several topics: each counts.
            if (field == 1 && type == WireReader.LengthDelimited && Room(rpc, rpc.Graft) && Topic(bytes, topics, maxTopicLength) is { } topic)
            {
                (rpc.Graft ??= []).Add(topic);
            }
        }

        return !reader.Malformed;
    }

    private static bool ReadPrune(GossipRpc rpc, ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength, ref int introduced)
    {
        string? topic = null;
        ulong? backoff = null;
        List<PxPeer>? peers = null;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out var value, out var bytes))
        {
            switch (field, type)
            {
                case (1, WireReader.LengthDelimited):
                    topic = Topic(bytes, topics, maxTopicLength);
                    break;
                case (2, WireReader.LengthDelimited) when introduced < MaxPxPeers:
                    introduced++;
                    if (!ReadPxPeer(peers ??= [], bytes))
                    {
                        return false;
                    }

                    break;
                case (3, WireReader.VarintType):
                    backoff = value;
                    break;
            }
        }

        if (topic is not null)
        {
            (rpc.Prune ??= []).Add(new Prune(topic, backoff, peers is { Count: > 0 } ? peers : null));
        }

        return !reader.Malformed;
    }

    private static bool ReadPxPeer(List<PxPeer> peers, ReadOnlySpan<byte> encoded)
    {
        ReadOnlySpan<byte> id = default, record = default;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            switch (field, type)
            {
                case (1, WireReader.LengthDelimited):
                    id = bytes;
                    break;
                case (2, WireReader.LengthDelimited):
                    record = bytes;
                    break;
            }
        }

        try
        {
            // A record that is too large is as good as none.
            peers.Add(new PxPeer(PeerId.FromBytes(id), record.Length is > 0 and <= MaxRecordLength ? record.ToArray() : null));
        }
        catch (FormatException)
        {
            // A peer of a key type that is not known here could not be dialled either.
        }

        return !reader.Malformed;
    }

    /// <summary>The topic's name; null when this peer would not take part in such a topic anyway.</summary>
    private static string? Topic(ReadOnlySpan<byte> utf8, TopicTable topics, int maxLength) =>
        utf8.Length == 0 || utf8.Length > maxLength ? null : topics.Find(utf8);
}
