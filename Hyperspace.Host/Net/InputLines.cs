namespace Hyperspace.Host.Net;

/// <summary>Lines of a stream, none longer than a limit: of one that is, null is given instead and its rest is skipped.</summary>
internal static class InputLines
{
    private const int Chunk = 64 * 1024;

    /// <summary>Reads, waiting on the caller's thread, until the stream ends; an unfinished last line counts. Empty lines are left out.</summary>
    public static IEnumerable<byte[]?> Read(Stream stream, int maxLength)
    {
        var chunk = new byte[Chunk];
        using var line = new MemoryStream();
        var tooLong = false;
        int count;
        while ((count = stream.Read(chunk)) > 0)
        {
            for (var at = 0; at < count;)
            {
                var length = Array.IndexOf(chunk, (byte)'\n', at, count - at) - at;
                var part = length < 0 ? count - at : length;
                tooLong |= line.Length + part > maxLength;
                if (!tooLong)
                {
                    line.Write(chunk, at, part);
                }

                at += part + 1;
                if (length >= 0)
                {
                    if (tooLong || line.Length > 0)
                    {
                        yield return tooLong ? null : line.ToArray();
                    }

                    line.SetLength(0);
                    tooLong = false;
                }
            }
        }

        if (tooLong || line.Length > 0)
        {
            yield return tooLong ? null : line.ToArray();
        }
    }
}
