using System.Buffers;
using Google.Protobuf;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Identify.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>Identify. First byte: the message; an envelope inside a message; a peer record inside a well-signed envelope.</summary>
internal static class IdentifyTarget
{
    private static readonly KeyPair Keys = KeyPair.FromSeed(Enumerable.Repeat((byte)3, 32).ToArray());

    public static FuzzTarget Create() => new("identify", Run, Seeds)
    {
        Expects = e => e is IdentifyException,

        // The message is read, written and read again.
        AllocationPerByte = 512,
        Dictionary = [[0x0a, 0x24], [0x12], [0x1a], [0x22], [0x2a], [0x32], [0x42], [0x03, 0x01], [0x04, 127, 0, 0, 1, 0x06, 0x0f, 0xa1], [0xa5, 0x03, 0x26, 0x00, 0x24], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x98, 0x80]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var bytes = (reader.Byte() % 3) switch
        {
            0 => reader.Rest.ToArray(),
            1 => new Identify { SignedPeerRecord = ByteString.CopyFrom(reader.Rest) }.ToByteArray(),
            _ => new Identify { SignedPeerRecord = ByteString.CopyFrom(Envelope(reader.Rest)) }.ToByteArray(),
        };
        var message = IdentifyMessage.Decode(bytes, Keys.PeerId);
        Invariant.Holds(message.ListenAddresses.Count <= 64 && message.Protocols.Count <= 256, "More was read than the bounds allow.");
        Invariant.Holds(message.Protocols.All(p => p.Length is > 0 and <= 256), "A protocol's name has no or too many characters.");
        Invariant.Holds((message.AgentVersion?.Length ?? 0) <= 256, "The agent's version has too many characters.");

        var again = IdentifyMessage.Decode(message.Encode(Keys), Keys.PeerId);
        Invariant.Holds(again.ListenAddresses.SequenceEqual(message.ListenAddresses), "Addresses changed on the way.");
        Invariant.Holds(again.Protocols.SequenceEqual(message.Protocols), "Protocols changed on the way.");
        Invariant.Holds(Equals(again.ObservedAddress, message.ObservedAddress), "The observed address changed on the way.");
        Invariant.Holds(again.AgentVersion == (message.AgentVersion ?? ""), "The agent's version changed on the way.");
        Invariant.Holds(again.RecordSequence == (message.RecordSequence ?? 0), "The record's number changed on the way.");
    }

    /// <summary>A signed envelope (libp2p/specs RFC 0002), written by hand: what reads it must not be what wrote it.</summary>
    private static byte[] Envelope(ReadOnlySpan<byte> payload)
    {
        var signed = new ArrayBufferWriter<byte>();
        Put(signed, [], "libp2p-peer-record"u8);
        Put(signed, [], [0x03, 0x01]);
        Put(signed, [], payload);
        var envelope = new ArrayBufferWriter<byte>();
        Put(envelope, [0x0a], Keys.PublicKey.ToProtobuf());
        Put(envelope, [0x12], [0x03, 0x01]);
        Put(envelope, [0x1a], payload);
        Put(envelope, [0x2a], Keys.Sign(signed.WrittenSpan));
        return envelope.WrittenSpan.ToArray();
    }

    private static void Put(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> tag, ReadOnlySpan<byte> part)
    {
        to.Write(tag);
        Varint.Write(to, (ulong)part.Length);
        to.Write(part);
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var address = Multiaddr.Parse("/ip4/127.0.0.1/tcp/4001");
        var message = new IdentifyMessage([address, Multiaddr.Parse("/dns4/example.org/tcp/443/wss")], ["/ipfs/id/1.0.0", "/meshsub/1.1.0"], Multiaddr.Parse("/ip6/::1/tcp/9"), "agent/1", 7).Encode(Keys);
        var record = new SignedRecord
        {
            PeerId = ByteString.CopyFrom(Keys.PeerId.Bytes.Span),
            Seq = 9,
            Addresses = { new SignedRecord.Types.AddressInfo { Multiaddr = ByteString.CopyFrom(address.Bytes.Span) } },
        }.ToByteArray();
        yield return [0, .. message];
        yield return [1, .. Envelope(record)];
        yield return [2, .. record];
    }
}
