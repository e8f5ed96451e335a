using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Actors.Identity;

/// <summary>An envelope whose signature, version, size and times were checked.</summary>
/// <param name="Id">SHA-256 of its signed bytes, lower-case hex: the same on every peer.</param>
/// <param name="Type">One of <c>EnvelopeTypes</c>.</param>
/// <param name="Author">Who signed it.</param>
/// <param name="Time">When, by the author's hybrid clock.</param>
/// <param name="Payload">The protobuf inside.</param>
/// <param name="Bytes">The whole envelope in its canonical form, to be stored or relayed: nothing in it is unsigned.</param>
public sealed record SignedEnvelope(string Id, string Type, PeerId Author, HybridTime Time, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Largest envelope, in bytes; larger bodies are fetched by hash.</summary>
    public const int MaxBytes = 512 * 1024;

    /// <summary>How far ahead an author's clock may be.</summary>
    public static readonly TimeSpan MaxClockSkew = TimeSpan.FromMinutes(5);

    private const uint Version = 1;

    // Unknown fields are not signed: whoever relays an envelope must not carry a stranger's additions on.
    private static readonly MessageParser<Envelope> Parser = Envelope.Parser.WithDiscardUnknownFields(true);
    private static readonly byte[] Domain = Encoding.ASCII.GetBytes("hyperspace-envelope:1");

    /// <summary>Signs <paramref name="payload"/>.</summary>
    /// <exception cref="ArgumentException">The envelope would be over <see cref="MaxBytes"/>.</exception>
    public static SignedEnvelope Seal(KeyPair author, string type, ReadOnlyMemory<byte> payload, HybridTime time, TimeSpan? lifetime = null)
    {
        var envelope = new Envelope
        {
            Version = Version,
            Type = type,
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
            Author = ByteString.CopyFrom(author.PublicKey.ToProtobuf()),
            WallMs = time.WallMs,
            Counter = time.Counter,
            ExpiresMs = lifetime is { } life ? time.WallMs + (ulong)life.TotalMilliseconds : 0,
        };
        var signed = SignedBytesOf(envelope);
        envelope.Signature = ByteString.CopyFrom(author.Sign(signed));
        var bytes = envelope.ToByteArray();
        return bytes.Length <= MaxBytes
            ? new SignedEnvelope(IdOf(signed), type, author.PeerId, time, payload, bytes)
            : throw new ArgumentException($"The envelope has {bytes.Length} bytes; at most {MaxBytes} fit.", nameof(payload));
    }

    /// <summary>
    /// Opens an envelope that came from anywhere; pure. Returns null and a reason when it is damaged, oversized, of
    /// another version, unsigned, mis-signed, expired, or from too far in the future.
    /// </summary>
    public static SignedEnvelope? Open(ReadOnlyMemory<byte> bytes, DateTimeOffset now, out string reason)
    {
        if (bytes.Length is 0 or > MaxBytes)
        {
            reason = $"an envelope has 1 to {MaxBytes} bytes, not {bytes.Length}";
            return null;
        }

        Envelope envelope;
        PublicKey author;
        try
        {
            envelope = Parser.ParseFrom(bytes.Span);
            author = PublicKey.FromProtobuf(envelope.Author.Span);
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FormatException)
        {
            reason = "the bytes are no envelope: " + e.Message;
            return null;
        }

        var nowMs = (ulong)now.ToUnixTimeMilliseconds();
        var signed = SignedBytesOf(envelope);
        reason = envelope switch
        {
            { Version: not Version } => $"envelope version {envelope.Version} is not known",
            { Type.Length: 0 or > 128 } => "the type has 1 to 128 characters",
            _ when envelope.WallMs > nowMs + (ulong)MaxClockSkew.TotalMilliseconds => "it is from the future",
            _ when envelope.ExpiresMs != 0 && envelope.ExpiresMs < nowMs => "it has expired",
            _ when !author.Verify(signed, envelope.Signature.Span) => "the signature is not the author's",
            _ => "",
        };
        return reason.Length > 0
            ? null
            : new SignedEnvelope(IdOf(signed), envelope.Type, author.PeerId, new HybridTime(envelope.WallMs, envelope.Counter), envelope.Payload.Memory, envelope.ToByteArray());
    }

    /// <summary>
    /// Opens an envelope that was verified before it was stored under its id; null when it is not the one of that id. The
    /// hash is compared instead of the signature, and its times are not judged again: clocks may have been set since.
    /// </summary>
    public static SignedEnvelope? OpenStored(ReadOnlyMemory<byte> bytes, string id)
    {
        try
        {
            var envelope = Parser.ParseFrom(bytes.Span);
            return IdOf(SignedBytesOf(envelope)) == id
                ? new SignedEnvelope(id, envelope.Type, PublicKey.FromProtobuf(envelope.Author.Span).PeerId, new HybridTime(envelope.WallMs, envelope.Counter), envelope.Payload.Memory, bytes)
                : null;
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or FormatException)
        {
            return null;
        }
    }

    /// <summary>What the author signs (docs/protocol.md, "Envelopes"): neither protobuf's field order nor unknown fields matter.</summary>
    private static byte[] SignedBytesOf(Envelope envelope)
    {
        var writer = new ArrayBufferWriter<byte>(envelope.Payload.Length + 192);
        SignedBytes.Append(writer, Domain);
        SignedBytes.Append(writer, envelope.Version);
        SignedBytes.Append(writer, Encoding.UTF8.GetBytes(envelope.Type));
        SignedBytes.Append(writer, envelope.Payload.Span);
        SignedBytes.Append(writer, envelope.Author.Span);
        SignedBytes.Append(writer, envelope.WallMs);
        SignedBytes.Append(writer, envelope.Counter);
        SignedBytes.Append(writer, envelope.ExpiresMs);
        return writer.WrittenSpan.ToArray();
    }

    private static string IdOf(byte[] signed) => Convert.ToHexStringLower(SHA256.HashData(signed));
}
