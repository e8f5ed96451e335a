using Google.Protobuf;
using Hyperspace.Libp2p.Identify.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Records;

namespace Hyperspace.Libp2p.Identify;

/// <summary>An Identify message cannot be read, or is about another peer than the one that sent it.</summary>
public sealed class IdentifyException(string message, Exception? inner = null) : ProtocolViolationException(message, inner);

/// <summary>What a peer tells about itself (libp2p/specs identify).</summary>
/// <param name="ListenAddresses">Where it can be reached; from its signed record when it sent a valid one.</param>
/// <param name="Protocols">What it speaks.</param>
/// <param name="ObservedAddress">Where it sees the receiver, if it can be read.</param>
/// <param name="AgentVersion">What it runs.</param>
/// <param name="RecordSequence">The sequence number of its signed record, when it sent a valid one.</param>
internal sealed record IdentifyMessage(IReadOnlyList<Multiaddr> ListenAddresses, IReadOnlyList<string> Protocols, Multiaddr? ObservedAddress, string? AgentVersion, ulong? RecordSequence)
{
    /// <summary>Longest message that is accepted, in bytes.</summary>
    public const int MaxLength = 64 * 1024;

    // Kept for every peer, and passed on by peer exchange.
    private const int MaxRecordLength = 8192;
    private const string ProtocolVersion = "ipfs/0.1.0";
    private const int MaxAddresses = 64;
    private const int MaxProtocols = 256;
    private const int MaxTextLength = 256;
    private static readonly RecordEnvelope RecordSeal = new("libp2p-peer-record", new byte[] { 0x03, 0x01 });

    /// <summary>Its signed record as it came (an envelope), when it sent a valid one of moderate size.</summary>
    public byte[]? SealedRecord { get; init; }

    /// <summary>The message's bytes, with a peer record signed by <paramref name="keys"/>.</summary>
    public byte[] Encode(KeyPair keys)
    {
        var message = new Wire.Identify
        {
            PublicKey = ByteString.CopyFrom(keys.PublicKey.ToProtobuf()),
            ProtocolVersion = ProtocolVersion,
            AgentVersion = AgentVersion ?? "",
            SignedPeerRecord = ByteString.CopyFrom(Sign(keys)),
        };
        message.ListenAddrs.AddRange(ListenAddresses.Select(a => ByteString.CopyFrom(a.Bytes.Span)));
        message.Protocols.AddRange(Protocols);
        if (ObservedAddress is not null)
        {
            message.ObservedAddr = ByteString.CopyFrom(ObservedAddress.Bytes.Span);
        }

        return message.ToByteArray();
    }

    /// <summary>Reads a message. Addresses that this peer does not know how to read are left out, and so is whatever exceeds the bounds.</summary>
    /// <exception cref="IdentifyException">Damaged, or about another peer.</exception>
    public static IdentifyMessage Decode(ReadOnlySpan<byte> bytes, PeerId sender)
    {
        Wire.Identify message;
        try
        {
            message = Wire.Identify.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new IdentifyException($"The Identify message cannot be read: {e.Message}", e);
        }

        if (message.HasPublicKey && !message.PublicKey.Span.SequenceEqual(sender.PublicKey.ToProtobuf()))
        {
            throw new IdentifyException("The Identify message has another public key than its sender.");
        }

        var record = message.HasSignedPeerRecord ? Open(message.SignedPeerRecord.Span, sender) : null;
        var addresses = record is null ? message.ListenAddrs : record.Addresses.Select(a => a.Multiaddr);
        return new IdentifyMessage(
            [.. addresses.Take(MaxAddresses).Select(ReadAddress).OfType<Multiaddr>()],
            [.. message.Protocols.Where(p => p.Length is > 0 and <= MaxTextLength).Distinct().Take(MaxProtocols)],
            message.HasObservedAddr ? ReadAddress(message.ObservedAddr) : null,
            message.HasAgentVersion ? message.AgentVersion[..Math.Min(MaxTextLength, message.AgentVersion.Length)] : null,
            record?.Seq)
        {
            SealedRecord = record is not null && message.SignedPeerRecord.Length <= MaxRecordLength ? message.SignedPeerRecord.ToByteArray() : null,
        };
    }

    /// <summary>The addresses in a peer record's envelope that <paramref name="peer"/> signed about itself; null when it did not.</summary>
    public static IReadOnlyList<Multiaddr>? ReadRecord(ReadOnlySpan<byte> envelope, PeerId peer) =>
        Open(envelope, peer) is { } record ? [.. record.Addresses.Take(MaxAddresses).Select(a => ReadAddress(a.Multiaddr)).OfType<Multiaddr>()] : null;

    private static Multiaddr? ReadAddress(ByteString bytes)
    {
        try
        {
            return Multiaddr.FromBytes(bytes.Span);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static SignedRecord? Open(ReadOnlySpan<byte> bytes, PeerId sender)
    {
        if (!RecordSeal.TryOpen(bytes, sender, out var payload))
        {
            return null;
        }

        try
        {
            var record = SignedRecord.Parser.ParseFrom(payload);
            return record.PeerId.Span.SequenceEqual(sender.Bytes.Span) ? record : null;
        }
        catch (InvalidProtocolBufferException)
        {
            // As good as none: the unsigned addresses stand.
            return null;
        }
    }

    private byte[] Sign(KeyPair keys)
    {
        var record = new SignedRecord { PeerId = ByteString.CopyFrom(keys.PeerId.Bytes.Span), Seq = RecordSequence ?? 0 };
        record.Addresses.AddRange(ListenAddresses.Select(a => new SignedRecord.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(a.Bytes.Span) }));
        return RecordSeal.Seal(keys, record.ToByteArray());
    }
}
