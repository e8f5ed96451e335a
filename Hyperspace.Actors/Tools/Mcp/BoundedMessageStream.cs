namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>
/// What an MCP server sends, with a bound on each message: a server that never ends a line can't fill this process's
/// memory. Read-only.
/// </summary>
/// <param name="inner">The server's output.</param>
/// <param name="byLine">True when each line is a message (stdio, server-sent events); false when the whole stream is one.</param>
internal sealed class BoundedMessageStream(Stream inner, bool byLine) : Stream
{
    /// <summary>Largest message, in bytes.</summary>
    public const int MaxMessage = 4 * 1024 * 1024;

    private long _current;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Counted(buffer.AsSpan(offset), inner.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Counted(buffer.Span, read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Counted(ReadOnlySpan<byte> buffer, int read)
    {
        var lastBreak = byLine ? buffer[..read].LastIndexOf((byte)'\n') : -1;
        _current = lastBreak < 0 ? _current + read : read - lastBreak - 1;
        return _current <= MaxMessage ? read : throw new IOException($"The MCP server sent a message of more than {MaxMessage} bytes.");
    }
}

/// <summary>Puts a <see cref="BoundedMessageStream"/> around every answer of an HTTP server.</summary>
internal sealed class BoundedMessageHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        var original = response.Content;
        var byLine = original.Headers.ContentType?.MediaType == "text/event-stream";
        var bounded = new StreamContent(new BoundedMessageStream(await original.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false), byLine));
        foreach (var header in original.Headers)
        {
            bounded.Headers.TryAddWithoutValidation(header.Key, header.Value);
        }

        response.Content = bounded;
        return response;
    }
}
