using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Actors.Tools.Runners;

namespace Hyperspace.Tests.Tools;

public class TokenReaderTests
{
    [Fact]
    public async Task Each_event_is_a_token_and_done_ends_the_stream() => Assert.Equal(
        ["Hello", " world", "two\nlines", ""],
        await TextsAsync("data: Hello\n\n: a comment\n\nid: 7\ndata:  world\n\nevent: x\ndata: two\ndata: lines\r\n\r\ndata\n\ndata: [DONE]\n\ndata: after\n\n", events: true));

    [Fact]
    public async Task An_event_that_the_end_cuts_off_is_dropped() => Assert.Equal(["whole"], await TextsAsync("data: whole\n\ndata: half", events: true));

    [Fact]
    public async Task Other_bodies_are_read_line_by_line() => Assert.Equal(["a", "", "b"], await TextsAsync("a\r\n\nb", events: false));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_line_over_the_limit_is_an_error_and_the_last_token(bool events)
    {
        var reader = new TokenReader(new MemoryStream(Encoding.UTF8.GetBytes("data: ok\n\ndata: " + new string('x', TokenReader.MaxToken + 1) + "\n\ndata: more\n\n")), events);
        ToolToken? token;
        do
        {
            token = await reader.ReadAsync(CancellationToken.None);
        }
        while (token is { Error: null });
        Assert.Contains("a line has more than", token!.Error, StringComparison.Ordinal);
        Assert.Null(await reader.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task An_event_of_many_lines_over_the_limit_is_an_error()
    {
        var reader = new TokenReader(new MemoryStream(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("data: " + new string('x', 30_000) + "\n", 3)) + "\n")), events: true);
        Assert.StartsWith("TOO_LARGE", (await reader.ReadAsync(CancellationToken.None))!.Error, StringComparison.Ordinal);
    }

    [Property(MaxTest = 200)]
    public Property However_the_body_is_cut_the_tokens_are_the_same() => Prop.ForAll(
        Gen.Choose(0, 40).Select(n => (int)n).ListOf(6).ToArbitrary(),
        Gen.Choose(1, 9).ToArbitrary(),
        (lengths, piece) =>
        {
            var texts = lengths.Select((length, i) => new string((char)('a' + i), length)).ToList();
            var body = string.Concat(texts.Select(t => $"data: {t}\n\n"));
            Assert.Equal(texts, TextsAsync(new Pieces(Encoding.UTF8.GetBytes(body), piece), events: true).GetAwaiter().GetResult());
        });

    private static Task<List<string>> TextsAsync(string body, bool events) => TextsAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)), events);

    private static async Task<List<string>> TextsAsync(Stream body, bool events)
    {
        var reader = new TokenReader(body, events);
        var texts = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None) is { } token)
        {
            Assert.Null(token.Error);
            texts.Add(token.Text);
        }

        return texts;
    }

    private sealed class Pieces(byte[] body, int piece) : MemoryStream(body)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }
}
