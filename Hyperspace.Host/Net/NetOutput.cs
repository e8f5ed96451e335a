using System.Buffers;
using System.Text.Json;

namespace Hyperspace.Host.Net;

/// <summary>Lines of JSON on one stream, each written whole. A reader that is slow holds the writers back.</summary>
internal sealed class NetOutput(Stream stream) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _line = new();

    public void Write<T>(T value)
        where T : notnull
    {
        lock (_gate)
        {
            _line.ResetWrittenCount();
            using (var json = new Utf8JsonWriter(_line, new JsonWriterOptions { Encoder = NetJson.Lines.Options.Encoder }))
            {
                JsonSerializer.Serialize(json, value, value.GetType(), NetJson.Lines);
            }

            _line.Write("\n"u8);
            stream.Write(_line.WrittenSpan);
            stream.Flush();
        }
    }

    public void Dispose() => stream.Dispose();
}
