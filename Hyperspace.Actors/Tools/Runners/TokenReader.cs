using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Runners;

/// <summary>
/// Cuts a streamed body into tokens: the data of server-sent events (WHATWG HTML, "Server-sent events"), or lines. Reads no
/// further than the token that was asked for needs, so whoever takes slowly holds the endpoint back.
/// </summary>
/// <param name="body">The body; belongs to the caller.</param>
/// <param name="events">Whether it is an event stream.</param>
internal sealed class TokenReader(Stream body, bool events)
{
    /// <summary>Longest line and longest token, in bytes.</summary>
    public const int MaxToken = 64 * 1024;

    /// <summary>Most bytes of a body.</summary>
    public const long MaxBody = 64L * 1024 * 1024;

    private const string Done = "[DONE]";
    private readonly PipeReader _pipe = PipeReader.Create(body, new StreamPipeReaderOptions(leaveOpen: true));
    private readonly StringBuilder _data = new();
    private bool _hasData;
    private bool _ended;
    private long _read;

    /// <summary>The next token, or null at the end. After an error there are no more.</summary>
    public async ValueTask<ToolToken?> ReadAsync(CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            string? line;
            try
            {
                line = await LineAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
            {
                _ended = true;
                return new ToolToken("", $"{ErrorCodes.ToolFailed}: The endpoint's stream broke: {e.Message}");
            }

            _ended = line is null;
            if (!events)
            {
                return line is null ? null : new ToolToken(line);
            }

            // An event that the end of the body cuts off is dropped, as the standard says.
            if (line is { Length: 0 } && _hasData)
            {
                var data = _data.ToString();
                _data.Clear();
                _hasData = false;
                _ended = data == Done;
                return _ended ? null : new ToolToken(data);
            }

            if (line is not null && !Append(line))
            {
                _ended = true;
                return new ToolToken("", $"{ErrorCodes.TooLarge}: The endpoint sent an event of more than {MaxToken} characters.");
            }
        }

        return null;
    }

    /// <summary>Takes a line of an event; false when the event is over the limit.</summary>
    private bool Append(string line)
    {
        if (!line.StartsWith("data", StringComparison.Ordinal) || (line.Length > 4 && line[4] != ':'))
        {
            return true;
        }

        if (_hasData)
        {
            _data.Append('\n');
        }

        _hasData = true;
        _data.Append(line.AsSpan(line.Length > 5 && line[5] == ' ' ? 6 : Math.Min(5, line.Length)));
        return _data.Length <= MaxToken;
    }

    private async ValueTask<string?> LineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = read.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                _read += line.Length + 1;
                var text = Encoding.UTF8.GetString(line.Length > MaxToken ? throw TooLong() : line).TrimEnd('\r');
                _pipe.AdvanceTo(buffer.GetPosition(1, end));
                return _read <= MaxBody ? text : throw new InvalidDataException($"it has more than {MaxBody} bytes.");
            }

            if (buffer.Length > MaxToken)
            {
                throw TooLong();
            }

            if (read.IsCompleted)
            {
                var rest = Encoding.UTF8.GetString(buffer);
                _pipe.AdvanceTo(buffer.End);
                return rest.Length > 0 ? rest : null;
            }

            _pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static InvalidDataException TooLong() => new($"a line has more than {MaxToken} bytes.");
}
