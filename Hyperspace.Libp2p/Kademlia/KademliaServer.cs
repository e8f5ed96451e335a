using Google.Protobuf;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Kademlia.Wire;
using Hyperspace.Libp2p.Multiformats;
using static Hyperspace.Libp2p.Kademlia.Wire.Message.Types;

namespace Hyperspace.Libp2p.Kademlia;

/// <summary>What becomes of a request.</summary>
/// <param name="Reply">What to answer, or null for nothing.</param>
/// <param name="Refusal">Why it is refused; the stream is reset then.</param>
internal readonly record struct ServerReply(Message? Reply, string? Refusal)
{
    public static readonly ServerReply None;

    public static ServerReply Refused(string why) => new(null, why);

    public static implicit operator ServerReply(Message reply) => new(reply, null);
}

/// <summary>
/// What a peer holds of the DHT, and its answers: (message, sender, now) → reply. No I/O, no clock; not thread-safe.
/// </summary>
/// <param name="self">This peer.</param>
/// <param name="options">Limits and validators.</param>
/// <param name="addressesOf">Known addresses of a peer, this one included.</param>
internal sealed class KademliaServer(PeerId self, KademliaOptions options, Func<PeerId, IReadOnlyList<Multiaddr>> addressesOf)
{
    private readonly HashSet<DhtKey> _provided = [];

    /// <summary>Peers that serve the protocol.</summary>
    public RoutingTable Table { get; set; } = new(DhtKey.Of(self), options.K);

    /// <summary>Records held.</summary>
    public RecordStore Records { get; } = new(DhtKey.Of(self), options.MaxRecords, options.MaxRecordStoreBytes, options.RecordTimeToLive);

    /// <summary>Providers held, this peer excepted.</summary>
    public ProviderStore Providers { get; } = new(DhtKey.Of(self), options.MaxProviderKeys, options.MaxProvidersPerKey, options.MaxKeysPerProvider, options.ProviderTimeToLive);

    /// <summary>This peer provides a key from now on, or no longer.</summary>
    public void SetProvided(ReadOnlySpan<byte> multihash, bool provided)
    {
        var key = DhtKey.Of(multihash);
        _ = provided ? _provided.Add(key) : _provided.Remove(key);
    }

    /// <summary>Known providers of a key, this peer first if it is one.</summary>
    public IReadOnlyList<PeerAddresses> ProvidersOf(ReadOnlySpan<byte> multihash, DateTimeOffset now)
    {
        var others = Providers.Get(multihash, now);
        return _provided.Contains(DhtKey.Of(multihash)) ? [new PeerAddresses(self, addressesOf(self)), .. others] : others;
    }

    /// <summary>The validator of a key's namespace, if there is one.</summary>
    public IRecordValidator? ValidatorOf(ReadOnlySpan<byte> key) =>
        KademliaMessages.NamespaceOf(key) is { } name ? options.Validators.GetValueOrDefault(name) ?? options.OtherNamespaces : null;

    /// <summary>Drops what is too old.</summary>
    public void Expire(DateTimeOffset now)
    {
        Records.Expire(now);
        Providers.Expire(now);
    }

    /// <summary>
    /// Stores a value unless it is refused or the one that is held is better.
    /// Returns what is held afterwards, or why it was refused.
    /// </summary>
    public (ReadOnlyMemory<byte> Held, string? Refusal) Put(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, DateTimeOffset now, bool pinned = false)
    {
        if (key.Length > options.MaxKeyBytes || value.Length > options.MaxRecordBytes)
        {
            return (default, $"A record has a key of at most {options.MaxKeyBytes} and a value of at most {options.MaxRecordBytes} bytes.");
        }

        if (ValidatorOf(key.Span) is not { } validator)
        {
            return (default, "No validator is known for the key's namespace; keys have the form /namespace/name.");
        }

        if (!validator.IsValid(key.Span, value.Span))
        {
            return (default, "The validator of the key's namespace refuses the value.");
        }

        if (Records.Get(key.Span, now) is { } held && !held.Value.Span.SequenceEqual(value.Span) && validator.Select(key.Span, [held.Value, value]) == 0)
        {
            return (held.Value, null);
        }

        return Records.Put(key.Span, value.Span, now, pinned) ? (value, null) : (default, "The store is full of records that are closer.");
    }

    /// <summary>Answers a request.</summary>
    public ServerReply Handle(Message message, PeerId from, DateTimeOffset now)
    {
        if (message.Key.Length > options.MaxKeyBytes || (message.Key.IsEmpty && message.Type != MessageType.Ping))
        {
            return ServerReply.Refused($"A key has 1 to {options.MaxKeyBytes} bytes.");
        }

        return message.Type switch
        {
            MessageType.Ping => message,
            MessageType.FindNode => FindNode(message, from),
            MessageType.GetProviders => GetProviders(message, from, now),
            MessageType.AddProvider => AddProvider(message, from, now),
            MessageType.GetValue => GetValue(message, from, now),
            MessageType.PutValue => PutValue(message, now),
            _ => ServerReply.Refused("The message is of no known type."),
        };
    }

    private Message FindNode(Message message, PeerId from)
    {
        var reply = KademliaMessages.FindNode(message.Key.Span);
        var key = message.Key.Span;
        if (key.SequenceEqual(self.Bytes.Span))
        {
            reply.CloserPeers.Add(KademliaMessages.ToWire(new PeerAddresses(self, Cut(addressesOf(self)))));
        }

        AddCloser(reply, from, Target(key));
        return reply;
    }

    // A peer that is sought by its id may be known although it serves nothing: clients are found this way.
    private static PeerId? Target(ReadOnlySpan<byte> key)
    {
        try
        {
            return PeerId.FromBytes(key);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private Message GetProviders(Message message, PeerId from, DateTimeOffset now)
    {
        var reply = KademliaMessages.GetProviders(message.Key.Span);
        foreach (var provider in ProvidersOf(message.Key.Span, now))
        {
            reply.ProviderPeers.Add(KademliaMessages.ToWire(provider with { Addresses = Cut(provider.Addresses) }));
        }

        AddCloser(reply, from, null);
        return reply;
    }

    private ServerReply AddProvider(Message message, PeerId from, DateTimeOffset now)
    {
        if (message.Key.Length != 34 || message.Key[0] != 0x12 || message.Key[1] != 0x20)
        {
            return ServerReply.Refused("Only keys that are a SHA-256 multihash (34 bytes) can be provided.");
        }

        // A peer speaks only for itself; without an address nobody could reach it.
        foreach (var provider in KademliaMessages.FromWire(message.ProviderPeers, options.K, options.MaxAddressesPerPeer))
        {
            if (provider.Peer == from && provider.Addresses.Count > 0)
            {
                Providers.Add(message.Key.Span, provider, now);
            }
        }

        return ServerReply.None;
    }

    private Message GetValue(Message message, PeerId from, DateTimeOffset now)
    {
        var reply = KademliaMessages.GetValue(message.Key.Span);
        if (Records.Get(message.Key.Span, now) is { } held)
        {
            reply.Record = KademliaMessages.RecordOf(message.Key.Span, held.Value.Span, held.ReceivedAt);
        }

        AddCloser(reply, from, null);
        return reply;
    }

    private ServerReply PutValue(Message message, DateTimeOffset now)
    {
        if (message.Record is not { } record || record.Key != message.Key)
        {
            return ServerReply.Refused("A record must be there, and under the message's key.");
        }

        var (held, refusal) = Put(record.Key.Memory, record.Value.Memory, now);
        if (refusal is not null)
        {
            return ServerReply.Refused(refusal);
        }

        // The sender compares: it gets its record back as it came, or the better one.
        var reply = new Message { Type = MessageType.PutValue, Key = message.Key, Record = record };
        if (!held.Span.SequenceEqual(record.Value.Span))
        {
            reply.Record = KademliaMessages.RecordOf(record.Key.Span, held.Span, Records.Get(record.Key.Span, now)!.Value.ReceivedAt);
        }

        return reply;
    }

    private void AddCloser(Message reply, PeerId from, PeerId? target)
    {
        IEnumerable<PeerId> closest = Table.Closest(DhtKey.Of(reply.Key.Span), options.K + 2);
        closest = target is null ? closest : closest.Prepend(target).Distinct();
        var known = closest
            .Where(p => p != from && p != self)
            .Select(p => new PeerAddresses(p, Cut(addressesOf(p))))
            .Where(p => p.Addresses.Count > 0)
            .Take(options.K);
        reply.CloserPeers.AddRange(known.Select(KademliaMessages.ToWire));
    }

    private IReadOnlyList<Multiaddr> Cut(IReadOnlyList<Multiaddr> addresses) =>
        addresses.Count <= options.MaxAddressesPerPeer ? addresses : [.. addresses.Take(options.MaxAddressesPerPeer)];
}
