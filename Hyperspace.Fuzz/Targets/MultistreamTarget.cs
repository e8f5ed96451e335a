using System.Buffers;
using System.Text;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Multistream;

namespace Hyperspace.Fuzz;

/// <summary>multistream-select. First byte: tokens, the dialer, the listener; second: size of the pieces that arrive.</summary>
internal static class MultistreamTarget
{
    private const string Spoken = "/noise";
    private static readonly string[] Proposals = ["/yamux/1.0.0", Spoken, "/ipfs/ping/1.0.0"];

    public static FuzzTarget Create() => new("multistream", Run, Seeds)
    {
        Expects = e => e is MultistreamException,

        // A listener may be offered 64 protocols by 3 bytes each, and answers each; tokens grow to 1 KiB by two bytes.
        MaxLength = 8192,
        AllocationPerByte = 1024,
        Dictionary = [.. new[] { "/multistream/1.0.0", "na", "ls", Spoken, Proposals[0], Proposals[2] }.Select(Token), [0x80, 0x08], [0x81, 0x08]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte() % 3;
        var piece = reader.Byte() + 1;
        switch (mode)
        {
            case 0:
                RunTokens(reader.Rest, piece);
                break;
            case 1:
                Negotiate(new MultistreamDialer(Proposals), reader.Rest, piece, Proposals.Contains);
                break;
            default:
                Negotiate(new MultistreamListener(p => p == Spoken), reader.Rest, piece, p => p == Spoken);
                break;
        }
    }

    private static void RunTokens(ReadOnlySpan<byte> bytes, int piece)
    {
        var token = new MultistreamToken();
        var written = new ArrayBufferWriter<byte>(bytes.Length + 1);
        var consumed = 0;
        while (consumed < bytes.Length)
        {
            var count = Math.Min(Math.Min(piece, token.Wanted), bytes.Length - consumed);
            var text = token.Push(bytes.Slice(consumed, count));
            consumed += count;
            if (text is not null)
            {
                MultistreamToken.Write(written, text);
                Invariant.Holds(written.WrittenSpan.SequenceEqual(bytes[..consumed]), "The tokens that were read are not the bytes that came.");
            }
        }
    }

    private static void Negotiate(MultistreamNegotiation negotiation, ReadOnlySpan<byte> bytes, int piece, Func<string, bool> acceptable)
    {
        long sent = negotiation.Start().Length;
        for (var at = 0; at < bytes.Length;)
        {
            Invariant.Holds(negotiation.Wanted is > 0 and <= MultistreamToken.MaxLength, "A negotiation wants no bytes, or more than a token has.");
            var count = Math.Min(Math.Min(piece, negotiation.Wanted), bytes.Length - at);
            var step = negotiation.Receive(bytes.Slice(at, count));
            at += count;
            sent += step.Send.Length;
            Invariant.Holds(sent <= 2048, "A negotiation sends without bound.");
            if (step.Selected is { } protocol)
            {
                Invariant.Holds(acceptable(protocol), "A protocol was settled on that this side does not speak.");
                return;
            }
        }
    }

    private static byte[] Token(string text)
    {
        var writer = new ArrayBufferWriter<byte>();
        MultistreamToken.Write(writer, text);
        return writer.WrittenSpan.ToArray();
    }

    private static IEnumerable<byte[]> Seeds()
    {
        var header = Token("/multistream/1.0.0");
        yield return [0, 200, .. header, .. Token("na"), .. Token(new string('x', 300)), .. Token("é")];
        yield return [1, 200, .. header, .. Token(Proposals[0])];
        yield return [1, 0, .. header, .. Token("na"), .. Token("na"), .. Token(Proposals[2])];
        yield return [2, 200, .. header, .. Token("ls"), .. Token("/other"), .. Token(Spoken)];
        yield return [2, 200, .. header, .. Enumerable.Repeat(Token("x"), 70).SelectMany(t => t)];
        yield return [0, 200, 0x04, .. Encoding.ASCII.GetBytes("abc\n")];
    }
}
