using System.Text;
using Google.Protobuf;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Noise;
using Hyperspace.Libp2p.Noise.Wire;
using NSec.Cryptography;

namespace Hyperspace.Fuzz;

/// <summary>
/// The Noise handshake. First byte: a raw message to either side; or a partner that keeps to Noise and encrypts the input as
/// its payload, alone or behind a valid identity, so that what lies behind the encryption is reached too.
/// </summary>
internal static class NoiseHandshakeTarget
{
    private static readonly KeyPair Ours = KeyPair.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly KeyPair Theirs = KeyPair.FromSeed(Enumerable.Repeat((byte)2, 32).ToArray());
    private static readonly string[] Muxers = ["/yamux/1.0.0", "/mplex/6.7.0"];

    public static FuzzTarget Create() => new("noise-handshake", Run, Seeds)
    {
        Expects = e => e is NoiseException,
        MaxLength = 2048,
        Dictionary = [[0x0a, 0x24], [0x12, 0x40], [0x22, 0x02], [0x12, 0x0c], [0x08, 0x01, 0x12, 0x20], Encoding.ASCII.GetBytes(Muxers[0])],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte() % 7;
        var weAreInitiator = mode is 1 or 2 or 4;
        using var handshake = new NoiseHandshake(weAreInitiator, Ours, Muxers, Theirs.PeerId);
        if (mode == 0)
        {
            handshake.Receive(reader.Rest);
            Invariant.Holds(handshake.NextMessage() is { Length: > 0 }, "A responder that took the first message has no answer.");
            return;
        }

        using var staticKey = NoiseXx.NewKey();
        using var partner = new NoiseXx(!weAreInitiator, staticKey, NoiseXx.NewKey(), []);
        var identity = Identity(staticKey);
        if (weAreInitiator)
        {
            partner.Read(handshake.NextMessage()!);
            handshake.Receive(mode switch
            {
                1 => reader.Rest,
                2 => partner.Write(reader.Rest),
                _ => partner.Write([.. identity, .. reader.Rest]),
            });
            partner.Read(handshake.NextMessage()!);
        }
        else
        {
            handshake.Receive(partner.Write(mode == 6 ? reader.Rest : []));
            partner.Read(handshake.NextMessage()!);
            handshake.Receive(mode switch
            {
                3 => partner.Write(reader.Rest),
                _ => partner.Write([.. identity, .. reader.Rest]),
            });
        }

        Invariant.Holds(handshake.IsComplete && partner.IsComplete, "The handshake took every message and is not complete.");
        var session = handshake.Finish();
        using (session.Send)
        using (session.Receive)
        {
            Invariant.Holds(session.RemotePeer == Theirs.PeerId, "The handshake ended with another peer than the one that signed.");
            Invariant.Holds(session.Muxer is null || Muxers.Contains(session.Muxer), "A muxer was chosen that was not offered.");
        }
    }

    private static byte[] Identity(Key staticKey) => new NoiseHandshakePayload
    {
        IdentityKey = ByteString.CopyFrom(Theirs.PublicKey.ToProtobuf()),
        IdentitySig = ByteString.CopyFrom(Theirs.Sign([.. "noise-libp2p-static-key:"u8, .. staticKey.PublicKey.Export(KeyBlobFormat.RawPublicKey)])),
    }.ToByteArray();

    private static IEnumerable<byte[]> Seeds()
    {
        var extensions = new NoiseHandshakePayload { Extensions = new NoiseExtensions { StreamMuxers = { "/mplex/6.7.0", "/yamux/1.0.0" } } }.ToByteArray();
        var forged = new NoiseHandshakePayload
        {
            IdentityKey = ByteString.CopyFrom(Theirs.PublicKey.ToProtobuf()),
            IdentitySig = ByteString.CopyFrom(Theirs.Sign([])),
        }.ToByteArray();
        yield return [0, .. Enumerable.Repeat((byte)9, 32)];
        yield return [1, .. Enumerable.Repeat((byte)9, 200)];
        yield return [2, .. forged];
        yield return [3, .. forged];
        yield return [4, .. extensions];
        yield return [5, .. extensions];
        yield return [6, 1, 2, 3];
    }
}
