using System.Text;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Fuzz;

/// <summary>Peer ids and public keys. First byte: multihash bytes, text, public key protobuf, raw public key with a signature.</summary>
internal static class PeerIdTarget
{
    private static readonly KeyPair Keys = KeyPair.FromSeed(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());

    public static FuzzTarget Create() => new("peer-id", Run, Seeds)
    {
        Expects = e => e is FormatException,
        MaxLength = 512,
        Dictionary = [[0x00, 0x24], [0x08, 0x01, 0x12, 0x20], Encoding.ASCII.GetBytes("12D3KooW"), Encoding.ASCII.GetBytes("bafz"), Encoding.ASCII.GetBytes("Qm")],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        switch (reader.Byte() % 4)
        {
            case 0:
                var id = PeerId.FromBytes(reader.Rest);
                Invariant.Holds(id.Bytes.Span.SequenceEqual(reader.Rest), "The id's bytes are not those that were read.");
                Check(id);
                break;
            case 1:
                var text = Encoding.UTF8.GetString(reader.Rest);
                var tried = PeerId.TryParse(text, out var same);
                var parsed = PeerId.Parse(text);
                Invariant.Holds(tried && same == parsed, "TryParse and Parse disagree.");
                Check(parsed);
                break;
            case 2:
                var key = PublicKey.FromProtobuf(reader.Rest);
                Invariant.Holds(key.ToProtobuf().AsSpan().SequenceEqual(reader.Rest), "The key's bytes are not those that were read.");
                Check(key.PeerId);
                break;
            default:
                var raw = PublicKey.FromRaw(reader.Bytes(32));
                var verified = raw.Verify([], reader.Rest);
                Invariant.Holds(!verified || reader.Rest.Length == 64, "A signature of another length than 64 was taken.");
                Check(raw.PeerId);
                break;
        }
    }

    private static void Check(PeerId id)
    {
        Invariant.Holds(PeerId.Parse(id.ToString()) == id, "The text form reads as another id.");
        Invariant.Holds(PeerId.FromPublicKey(id.PublicKey) == id, "The key in the id has another id.");
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var id = Keys.PeerId;
        byte[] cid = [1, 0x72, .. id.Bytes.Span];
        yield return [0, .. id.Bytes.Span];
        yield return [1, .. Encoding.ASCII.GetBytes(id.ToString())];
        yield return [1, .. Encoding.ASCII.GetBytes("b" + SimpleBase.Base32.Rfc4648.Encode(cid).ToLowerInvariant())];
        yield return [2, .. Keys.PublicKey.ToProtobuf()];
        yield return [3, .. Keys.PublicKey.Raw.Span, .. Keys.Sign([])];
    }
}
