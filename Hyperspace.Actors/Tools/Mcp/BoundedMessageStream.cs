using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>
/// What an MCP server sends, with a bound on each message: a server that never ends a line can't fill this process's
/// memory. Read-only.
/// </summary>
/// <param name="inner">The server's output.</param>
/// <param name="byLine">True when each line is a message (stdio, server-sent events); false when the whole stream is one.</param>
internal sealed class BoundedMessageStream(Stream inner, bool byLine) : CountedStream(inner)
{
    /// <summary>Largest message, in bytes.</summary>
    public const int MaxMessage = 4 * 1024 * 1024;

    private long _current;

    /// <summary>Bounds the messages of every answer of an HTTP server.</summary>
    public static CountedAnswers Answers(HttpMessageHandler inner) => new(inner, (body, mediaType) => new BoundedMessageStream(body, byLine: mediaType == "text/event-stream"));

    protected override void Count(ReadOnlySpan<byte> read)
    {
        var lastBreak = byLine ? read.LastIndexOf((byte)'\n') : -1;
        _current = lastBreak < 0 ? _current + read.Length : read.Length - lastBreak - 1;
        if (_current > MaxMessage)
        {
            throw new IOException($"The MCP server sent a message of more than {MaxMessage} bytes.");
        }
    }
}
