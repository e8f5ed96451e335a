using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Google.Protobuf;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Records.Wire;

namespace Hyperspace.Libp2p.Records;

/// <summary>
/// A kind of signed envelope (libp2p/specs RFC 0002): the signature covers the domain, the payload's type and the payload, so
/// that a record signed for one purpose passes for no other.
/// </summary>
/// <param name="domain">What the signature is for.</param>
/// <param name="payloadType">The payload's multicodec.</param>
internal sealed class RecordEnvelope(string domain, ReadOnlyMemory<byte> payloadType)
{
    private readonly byte[] _domain = Encoding.ASCII.GetBytes(domain);

    /// <summary>The envelope's bytes around a payload.</summary>
    public byte[] Seal(KeyPair keys, byte[] payload) => new Envelope
    {
        PublicKey = ByteString.CopyFrom(keys.PublicKey.ToProtobuf()),
        PayloadType = ByteString.CopyFrom(payloadType.Span),
        Payload = ByteString.CopyFrom(payload),
        Signature = ByteString.CopyFrom(keys.Sign(SignedBytes(payload))),
    }.ToByteArray();

    /// <summary>Reads the payload of an envelope that <paramref name="signer"/> signed; false for damaged bytes, another signer, type or domain.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, PeerId signer, [NotNullWhen(true)] out ByteString? payload)
    {
        payload = null;
        Envelope envelope;
        try
        {
            envelope = Envelope.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }

        if (!envelope.PublicKey.Span.SequenceEqual(signer.PublicKey.ToProtobuf())
            || !envelope.PayloadType.Span.SequenceEqual(payloadType.Span)
            || !signer.PublicKey.Verify(SignedBytes(envelope.Payload.Span), envelope.Signature.Span))
        {
            return false;
        }

        payload = envelope.Payload;
        return true;
    }

    /// <summary>Domain, payload type and payload, each with its length in front.</summary>
    private byte[] SignedBytes(ReadOnlySpan<byte> payload)
    {
        var writer = new ArrayBufferWriter<byte>(payload.Length + 64);
        Append(writer, _domain);
        Append(writer, payloadType.Span);
        Append(writer, payload);
        return writer.WrittenSpan.ToArray();
    }

    private static void Append(ArrayBufferWriter<byte> writer, ReadOnlySpan<byte> part)
    {
        Varint.Write(writer, (ulong)part.Length);
        writer.Write(part);
    }
}
