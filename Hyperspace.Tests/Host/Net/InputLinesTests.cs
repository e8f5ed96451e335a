using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Host.Net;

namespace Hyperspace.Tests.Host.Net;

public class InputLinesTests
{
    private const int Max = 8;

    [Property]
    public Property Lines_are_what_stands_between_newlines_however_the_bytes_come(NonEmptyArray<byte> bytes, PositiveInt piece)
    {
        // Few values, so that newlines are common.
        var input = bytes.Get.Select(b => (byte)(b % 4 == 0 ? '\n' : 'a' + (b % 4))).ToArray();
        var expected = System.Text.Encoding.ASCII.GetString(input).Split('\n').Where(l => l.Length > 0).Select(l => l.Length > Max ? null : l);
        using var stream = new Pieces(input, piece.Get);
        var read = InputLines.Read(stream, Max).Select(l => l is null ? null : System.Text.Encoding.ASCII.GetString(l));
        return expected.SequenceEqual(read).ToProperty();
    }

    private sealed class Pieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, piece));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, piece)]);
    }
}
