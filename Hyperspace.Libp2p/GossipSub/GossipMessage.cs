using System.Buffers.Binary;
using System.Text;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>What is known of a message's signature.</summary>
internal enum Authenticity : byte
{
    /// <summary>Not looked at yet.</summary>
    Unchecked,

    /// <summary>The author signed exactly this.</summary>
    Valid,

    /// <summary>Unsigned, mis-signed, or a field that StrictSign asks for is missing or damaged.</summary>
    Invalid,

    /// <summary>The author's key is of a type that this peer does not know; not the forwarder's fault.</summary>
    Unsupported,
}

/// <summary>
/// A signed message <c>{from=1, data=2, seqno=3, topic=4, signature=5, key=6}</c>, kept as the bytes that travel: it is
/// forwarded, and its signature checked, without encoding it again. Unchangeable but for the cached verdict and id, both
/// of which any thread would compute alike; so thousands of simulated routers can share one.
/// </summary>
internal sealed class GossipMessage
{
    private const int AuthorLength = 38;
    private const int SignatureLength = 64;

    // The sign prefix stands in front of the message, so that the signed bytes lie in one piece.
    private readonly byte[] _buffer;
    private readonly int _seqno;
    private readonly int _data;
    private readonly int _dataLength;
    private readonly int _signedLength;
    private readonly bool _specForm;
    private Author? _author;
    private byte[]? _id;

    private GossipMessage(byte[] buffer, string topic, in Layout layout, MessageIdForm form, Authenticity authenticity, MessageIdFunction? custom = null)
    {
        _buffer = buffer;
        Topic = topic;
        _seqno = layout.Seqno;
        _data = layout.Data;
        _dataLength = layout.DataLength;
        _signedLength = layout.SignedLength;
        _specForm = form == MessageIdForm.AuthorAndSequence;
        Authenticity = authenticity;
        if (authenticity is not (Authenticity.Unchecked or Authenticity.Valid))
        {
            return;
        }

        if (custom is not null)
        {
            _id = custom(From, SequenceNumber, topic, Data.Span);
            if (_id.Length is 0 or > GossipRpcCodec.MaxIdLength)
            {
                throw new InvalidOperationException($"A message id has 1 to {GossipRpcCodec.MaxIdLength} bytes, not {_id.Length}.");
            }

            Key = MessageKey.Of(_id);
        }
        else
        {
            Span<byte> id = stackalloc byte[AuthorLength + 8];
            Key = MessageKey.Of(id[..WriteId(id)]);
        }
    }

    private static ReadOnlySpan<byte> SignPrefix => "libp2p-pubsub:"u8;

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>What caches know the message by; meaningless when <see cref="Authenticity"/> was bad from the start.</summary>
    public MessageKey Key { get; }

    /// <summary>What is known of the signature.</summary>
    public Authenticity Authenticity { get; private set; }

    /// <summary>The protobuf message.</summary>
    public ReadOnlyMemory<byte> Encoded => _buffer.AsMemory(SignPrefix.Length);

    /// <summary>The payload; absent and empty are alike.</summary>
    public ReadOnlyMemory<byte> Data => _buffer.AsMemory(_data, _dataLength);

    /// <summary>The author's peer id bytes; only when the message had a well-formed one.</summary>
    public ReadOnlySpan<byte> From => _buffer.AsSpan(SignPrefix.Length + 2, AuthorLength);

    /// <summary>The author's sequence number.</summary>
    public ulong SequenceNumber => BinaryPrimitives.ReadUInt64BigEndian(_buffer.AsSpan(_seqno));

    /// <summary>The message id, in the form that the message was read with.</summary>
    public ReadOnlyMemory<byte> Id
    {
        get
        {
            if (_id is null)
            {
                Span<byte> id = stackalloc byte[AuthorLength + 8];
                _id = id[..WriteId(id)].ToArray();
            }

            return _id;
        }
    }

    /// <summary>The author, once <see cref="Authenticity"/> is <see cref="Authenticity.Valid"/>.</summary>
    public PeerId Author => (_author ?? throw new InvalidOperationException("The author is known after the signature was checked.")).Peer;

    /// <summary>Signs a new message; <paramref name="author"/> is the holder of <paramref name="keys"/>. The key is left out: an Ed25519 peer id carries it.</summary>
    public static GossipMessage Sign(KeyPair keys, Author author, string topic, ReadOnlySpan<byte> data, ulong sequenceNumber, MessageIdForm form = MessageIdForm.KeyAndSequence, MessageIdFunction? custom = null)
    {
        Span<byte> seqno = stackalloc byte[8];
        Span<byte> unsigned = stackalloc byte[SignatureLength];
        BinaryPrimitives.WriteUInt64BigEndian(seqno, sequenceNumber);
        var topicBytes = Encoding.UTF8.GetBytes(topic);
        var buffer = Encode(author.Peer.Bytes.Span, data, true, seqno, topicBytes, unsigned, default, out var layout);
        keys.Sign(buffer.AsSpan(0, layout.SignedLength)).CopyTo(buffer, layout.SignedLength + 2);
        return new GossipMessage(buffer, topic, layout, form, Authenticity.Valid, custom) { _author = author };
    }

    /// <summary>
    /// Reads a message; null when the bytes are no protobuf. A message that StrictSign refuses on sight comes back as
    /// <see cref="Authenticity.Invalid"/>, so that its bringer can be held to account.
    /// </summary>
    public static GossipMessage? Parse(ReadOnlySpan<byte> encoded, TopicTable topics, int maxTopicLength, MessageIdForm form, MessageIdFunction? custom = null)
    {
        ReadOnlySpan<byte> from = default, data = default, seqno = default, topic = default, signature = default, key = default;
        var hasData = false;
        var canonical = true;
        var last = 0;
        int dataStart = 0, seqnoStart = 0, signedLength = 0;
        var reader = new WireReader(encoded);
        while (reader.Next(out var field, out var type, out _, out var bytes))
        {
            canonical &= field > last && field <= 6 && type == WireReader.LengthDelimited;
            last = field;
            if (type != WireReader.LengthDelimited)
            {
                continue;
            }

            switch (field)
            {
                case 1:
                    from = bytes;
                    break;
                case 2:
                    data = bytes;
                    (hasData, dataStart) = (true, reader.ValueStart);
                    break;
                case 3:
                    seqno = bytes;
                    seqnoStart = reader.ValueStart;
                    break;
                case 4:
                    topic = bytes;
                    break;
                case 5:
                    signature = bytes;
                    signedLength = reader.FieldStart;
                    break;
                case 6:
                    key = bytes;
                    break;
            }
        }

        if (reader.Malformed)
        {
            return null;
        }

        var name = topic.Length is 0 || topic.Length > maxTopicLength ? null : topics.Find(topic);
        if (name is null || seqno.Length != 8 || signature.IsEmpty || from.IsEmpty)
        {
            return new GossipMessage([], name ?? "", default, form, Authenticity.Invalid);
        }

        if (from.Length != AuthorLength || !from.StartsWith("\x00\x24\x08\x01\x12\x20"u8))
        {
            return new GossipMessage([], name, default, form, Authenticity.Unsupported);
        }

        var wellFormed = signature.Length == SignatureLength && (key.IsEmpty || key.SequenceEqual(from[2..]));
        if (!wellFormed)
        {
            return new GossipMessage([], name, default, form, Authenticity.Invalid);
        }

        if (canonical && reader.Minimal)
        {
            var buffer = new byte[SignPrefix.Length + encoded.Length];
            SignPrefix.CopyTo(buffer);
            encoded.CopyTo(buffer.AsSpan(SignPrefix.Length));
            var offset = SignPrefix.Length;
            return new GossipMessage(buffer, name, new Layout(seqnoStart + offset, dataStart + offset, data.Length, signedLength + offset), form, Authenticity.Unchecked, custom);
        }

        // Fields out of order, twice or unknown: the signature covers the canonical form, and only that is passed on.
        var rewritten = Encode(from, data, hasData, seqno, topic, signature, key, out var layout);
        return new GossipMessage(rewritten, name, layout, form, Authenticity.Unchecked, custom);
    }

    /// <summary>Checks the signature, once; pure but for remembering the result.</summary>
    public Authenticity Authenticate(AuthorCache authors)
    {
        if (Authenticity != Authenticity.Unchecked)
        {
            return Authenticity;
        }

        var author = authors.Find(From, out var known);
        if (author is null || !author.Key.Verify(_buffer.AsSpan(0, _signedLength), _buffer.AsSpan(_signedLength + 2, SignatureLength)))
        {
            return Authenticity = Authenticity.Invalid;
        }

        if (!known)
        {
            authors.Add(author);
        }

        _author = author;
        return Authenticity = Authenticity.Valid;
    }

    private static byte[] Encode(ReadOnlySpan<byte> from, ReadOnlySpan<byte> data, bool hasData, ReadOnlySpan<byte> seqno, ReadOnlySpan<byte> topic, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> key, out Layout layout)
    {
        var signedLength = SignPrefix.Length + SizeOf(from) + (hasData ? SizeOf(data) : 0) + SizeOf(seqno) + SizeOf(topic);
        var buffer = new byte[signedLength + SizeOf(signature) + (key.IsEmpty ? 0 : SizeOf(key))];
        SignPrefix.CopyTo(buffer);
        var at = SignPrefix.Length;
        Put(buffer, ref at, 1, from);
        if (hasData)
        {
            Put(buffer, ref at, 2, data);
        }

        var dataStart = at - data.Length;
        Put(buffer, ref at, 3, seqno);
        var seqnoStart = at - seqno.Length;
        Put(buffer, ref at, 4, topic);
        Put(buffer, ref at, 5, signature);
        if (!key.IsEmpty)
        {
            Put(buffer, ref at, 6, key);
        }

        layout = new Layout(seqnoStart, dataStart, data.Length, signedLength);
        return buffer;
    }

    private static int SizeOf(ReadOnlySpan<byte> value) => 1 + Varint.SizeOf((ulong)value.Length) + value.Length;

    private static void Put(byte[] buffer, ref int at, int field, ReadOnlySpan<byte> value)
    {
        buffer[at++] = (byte)((field << 3) | WireReader.LengthDelimited);
        at += Varint.Write(buffer.AsSpan(at), (ulong)value.Length);
        value.CopyTo(buffer.AsSpan(at));
        at += value.Length;
    }

    private int WriteId(Span<byte> destination)
    {
        var author = _specForm ? From : From[2..];
        author.CopyTo(destination);
        _buffer.AsSpan(_seqno, 8).CopyTo(destination[author.Length..]);
        return author.Length + 8;
    }

    private readonly record struct Layout(int Seqno, int Data, int DataLength, int SignedLength);
}
