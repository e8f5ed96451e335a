using System.Buffers.Binary;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>Repeatable keys and messages for tests.</summary>
internal static class GossipKeys
{
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<int, KeyPair> Keys = new();

    public static KeyPair Key(int number) => Keys.GetOrAdd(number, static n =>
    {
        var seed = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(seed, n + 1);
        return KeyPair.FromSeed(seed);
    });

    public static PeerId Peer(int number) => Key(number).PeerId;

    public static GossipMessage Message(int author, string topic, ulong sequence, ReadOnlySpan<byte> data = default, MessageIdForm form = MessageIdForm.KeyAndSequence) =>
        GossipMessage.Sign(Key(author), Author.Of(Key(author)), topic, data, sequence, form);

    /// <summary>The message as a remote gets it: read from its bytes, not checked yet.</summary>
    public static GossipMessage Received(GossipMessage message, MessageIdForm form = MessageIdForm.KeyAndSequence) =>
        GossipMessage.Parse(message.Encoded.Span, new TopicTable(), 256, form)!;

    /// <summary>A copy whose payload was changed after signing.</summary>
    public static GossipMessage Forged(GossipMessage message)
    {
        var bytes = message.Encoded.ToArray();
        bytes[message.Encoded.Span.IndexOf(message.Data.Span)] ^= 1;
        return GossipMessage.Parse(bytes, new TopicTable(), 256, MessageIdForm.KeyAndSequence)!;
    }
}
