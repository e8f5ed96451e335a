using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Identity;

public class SignedEnvelopeTests
{
    private const ulong WallMs = 1_750_000_000_000;
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds((long)WallMs);

    private static readonly SignedEnvelope Sealed = SignedEnvelope.Seal(
        GoldenKeys.Keys, EnvelopeTypes.Trajectory, Encoding.UTF8.GetBytes("what was learned"), new HybridTime(WallMs, 7), TimeSpan.FromHours(1));

    [Fact]
    public void The_bytes_of_an_envelope_never_change() =>
        Assert.Equal(GoldenKeys.Envelope, Convert.ToHexStringLower(Sealed.Bytes.Span));

    [Fact]
    public void The_frozen_envelope_opens()
    {
        var opened = SignedEnvelope.Open(Convert.FromHexString(GoldenKeys.Envelope), Now, out var reason);
        Assert.Equal("", reason);
        Assert.Equal(GoldenKeys.EnvelopeId, opened!.Id);
        Assert.Equal(EnvelopeTypes.Trajectory, opened.Type);
        Assert.Equal(GoldenKeys.Keys.PeerId, opened.Author);
        Assert.Equal(new HybridTime(WallMs, 7), opened.Time);
        Assert.Equal("what was learned", Encoding.UTF8.GetString(opened.Payload.Span));
    }

    public static TheoryData<string, Action<Envelope>> Changes() => new()
    {
        { "version", e => e.Version = 2 },
        { "no version", e => e.Version = 0 },
        { "type", e => e.Type = EnvelopeTypes.Capabilities },
        { "no type", e => e.Type = "" },
        { "a byte moved from the payload to the type", e => (e.Type, e.Payload) = (e.Type + "w", e.Payload.Length > 0 ? ByteString.CopyFrom(e.Payload.Span[1..]) : e.Payload) },
        { "payload", e => e.Payload = ByteString.CopyFromUtf8("what was never learned") },
        { "author", e => e.Author = ByteString.CopyFrom(KeyPair.FromSeed(new byte[32]).PublicKey.ToProtobuf()) },
        { "no author", e => e.Author = ByteString.Empty },
        { "wall clock", e => e.WallMs-- },
        { "counter", e => e.Counter++ },
        { "expiry", e => e.ExpiresMs++ },
        { "no expiry", e => e.ExpiresMs = 0 },
        { "no signature", e => e.Signature = ByteString.Empty },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void An_envelope_with_a_changed_field_is_refused(string what, Action<Envelope> change)
    {
        var changed = Envelope.Parser.ParseFrom(Sealed.Bytes.Span);
        change(changed);
        Assert.True(SignedEnvelope.Open(changed.ToByteArray(), Now, out var reason) is null, what);
        Assert.NotEqual("", reason);
    }

    [Fact]
    public void Any_flipped_bit_is_refused() =>
        Assert.All(GoldenKeys.EachBitFlipped(Sealed.Bytes.ToArray()), flipped => Assert.Null(SignedEnvelope.Open(flipped, Now, out _)));

    [Property(MaxTest = 20)]
    public void Any_envelope_opens_as_it_was_sealed_and_with_no_bit_flipped(byte[] payload, NonEmptyString type, ushort counter)
    {
        var name = Convert.ToHexString(Encoding.UTF8.GetBytes(type.Get));
        var envelope = SignedEnvelope.Seal(GoldenKeys.Keys, name[..Math.Min(name.Length, 100)], payload, new HybridTime(WallMs, counter));
        var opened = SignedEnvelope.Open(envelope.Bytes, Now, out _);
        Assert.Equal((envelope.Id, envelope.Type, envelope.Author, envelope.Time), (opened!.Id, opened.Type, opened.Author, opened.Time));
        Assert.Equal(payload, opened.Payload.ToArray());
        Assert.All(GoldenKeys.EachBitFlipped(envelope.Bytes.ToArray()), flipped => Assert.Null(SignedEnvelope.Open(flipped, Now, out _)));
    }

    [Property]
    public void Random_bytes_are_refused_with_a_reason(byte[] bytes)
    {
        Assert.Null(SignedEnvelope.Open(bytes, Now, out var reason));
        Assert.NotEqual("", reason);
    }

    [Fact]
    public void An_expired_one_and_one_from_the_future_are_refused()
    {
        Assert.NotNull(SignedEnvelope.Open(Sealed.Bytes, Now.AddHours(1), out _));
        Assert.Null(SignedEnvelope.Open(Sealed.Bytes, Now.AddHours(1).AddMilliseconds(1), out var expired));
        Assert.Contains("expired", expired, StringComparison.Ordinal);
        Assert.NotNull(SignedEnvelope.Open(Sealed.Bytes, Now - SignedEnvelope.MaxClockSkew, out _));
        Assert.Null(SignedEnvelope.Open(Sealed.Bytes, Now - SignedEnvelope.MaxClockSkew - TimeSpan.FromMilliseconds(1), out var future));
        Assert.Contains("future", future, StringComparison.Ordinal);
    }

    [Fact]
    public void An_oversized_one_is_neither_sealed_nor_opened()
    {
        Assert.Throws<ArgumentException>(() => SignedEnvelope.Seal(GoldenKeys.Keys, EnvelopeTypes.Trajectory, new byte[SignedEnvelope.MaxBytes], new HybridTime(WallMs, 0)));
        Assert.Null(SignedEnvelope.Open(new byte[SignedEnvelope.MaxBytes + 1], Now, out _));
    }

    [Fact]
    public void What_a_stranger_added_is_not_carried_on()
    {
        // Field 99, length-delimited, 3 bytes: unknown, hence unsigned.
        byte[] added = [.. Sealed.Bytes.Span, 0x9a, 0x06, 0x03, 1, 2, 3];
        var opened = SignedEnvelope.Open(added, Now, out _);
        Assert.Equal(Sealed.Bytes.ToArray(), opened!.Bytes.ToArray());
        Assert.Equal(Sealed.Id, opened.Id);
    }
}
