using System.Buffers;
using System.Text;

namespace Hyperspace.Actors.Engine;

/// <summary>Reads bodies that came from outside, never more than a limit and never by their own word about their length.</summary>
internal static class BoundedReader
{
    /// <summary>The whole body, or null when it is longer than <paramref name="limit"/> bytes.</summary>
    public static async Task<byte[]?> ReadAsync(Stream body, int limit, CancellationToken cancellationToken) =>
        await ReadUpToAsync(body, limit, cancellationToken).ConfigureAwait(false) is (var whole, IsCut: false) ? whole : null;

    /// <summary>The body, cut when it is longer than <paramref name="limit"/> bytes.</summary>
    public static async Task<(byte[] Bytes, bool IsCut)> ReadUpToAsync(Stream body, int limit, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            using var whole = new MemoryStream();
            int read;
            while ((read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
            {
                if (whole.Length + read > limit)
                {
                    whole.Write(buffer, 0, limit - (int)whole.Length);
                    return (whole.ToArray(), true);
                }

                whole.Write(buffer, 0, read);
            }

            return (whole.ToArray(), false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Text in the charset that the header names; UTF-8 when it names none that is known.</summary>
    public static string Decode(byte[] body, string? charset)
    {
        try
        {
            return (charset is null ? Encoding.UTF8 : Encoding.GetEncoding(charset.Trim('"'))).GetString(body);
        }
        catch (ArgumentException)
        {
            return Encoding.UTF8.GetString(body);
        }
    }
}
