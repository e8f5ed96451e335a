using System.Collections.Concurrent;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Libp2p.GossipSub;

/// <summary>An author whose signature held once: id and imported key, so that neither is built again for each message.</summary>
internal sealed record Author(PeerId Peer, PublicKey Key)
{
    /// <summary>The holder of a key pair.</summary>
    public static Author Of(KeyPair keys) => new(keys.PeerId, keys.PublicKey);
}

/// <summary>Known authors by their <c>from</c> bytes; bounded, thread-safe.</summary>
internal sealed class AuthorCache
{
    private const int Capacity = 4096;
    private readonly ConcurrentDictionary<byte[], Author> _authors = new(BytesComparer.Instance);
    private int _count;

    /// <summary>The author of these <c>from</c> bytes, or null when they are no Ed25519 peer id.</summary>
    public Author? Find(ReadOnlySpan<byte> from, out bool known)
    {
        known = _authors.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(from, out var author);
        if (known)
        {
            return author;
        }

        try
        {
            var peer = PeerId.FromBytes(from);
            return new Author(peer, peer.PublicKey);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Remembers an author; called only after a signature held, so that forgeries cannot push out the real ones.</summary>
    public void Add(Author author)
    {
        // Starting over is as good as any eviction here: a miss costs one key import.
        if (Interlocked.Increment(ref _count) > Capacity)
        {
            _authors.Clear();
            Interlocked.Exchange(ref _count, 1);
        }

        _authors[author.Peer.Bytes.ToArray()] = author;
    }
}

/// <summary>Topic names by their bytes, so that a stream's messages share one string; bounded, for one reader.</summary>
internal sealed class TopicTable
{
    private const int Capacity = 512;
    private static readonly System.Text.UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private readonly Dictionary<byte[], string> _topics = new(BytesComparer.Instance);

    /// <summary>The topic's name, or null when the bytes are not UTF-8.</summary>
    public string? Find(ReadOnlySpan<byte> utf8)
    {
        var lookup = _topics.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.TryGetValue(utf8, out var topic))
        {
            return topic;
        }

        try
        {
            topic = Strict.GetString(utf8);
        }
        catch (System.Text.DecoderFallbackException)
        {
            return null;
        }

        if (_topics.Count == Capacity)
        {
            _topics.Clear();
        }

        lookup[utf8] = topic;
        return topic;
    }
}
