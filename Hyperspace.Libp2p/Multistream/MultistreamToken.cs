using System.Buffers;
using System.Text;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.Multistream;

/// <summary>The remote broke multistream-select's rules, or speaks none of the protocols that were proposed.</summary>
public sealed class MultistreamException(string message, Exception? inner = null) : ProtocolViolationException(message, inner);

/// <summary>
/// Reads multistream-select tokens, <c>uvarint(length incl. \n) + text + \n</c>, never asking for more than the
/// token needs, so that bytes behind a negotiation stay in the channel.
/// </summary>
internal sealed class MultistreamToken
{
    /// <summary>Longest token that is accepted, in bytes including its newline.</summary>
    public const int MaxLength = 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private readonly byte[] _prefix = new byte[2];
    private int _prefixLength;
    private byte[]? _body;
    private int _bodyLength;

    /// <summary>How many bytes to push next, at most.</summary>
    public int Wanted => _body is null ? 1 : _body.Length - _bodyLength;

    /// <summary>The encoding of a token.</summary>
    public static void Write(IBufferWriter<byte> writer, string text)
    {
        var length = Utf8.GetByteCount(text) + 1;
        if (length > MaxLength)
        {
            throw new ArgumentException($"A protocol name has at most {MaxLength - 1} bytes.", nameof(text));
        }

        Varint.Write(writer, (ulong)length);
        var span = writer.GetSpan(length);
        Utf8.GetBytes(text, span);
        span[length - 1] = (byte)'\n';
        writer.Advance(length);
    }

    /// <summary>Takes up to <see cref="Wanted"/> bytes; returns the token when it is complete.</summary>
    /// <exception cref="MultistreamException">Too long, not ending in a newline, or not UTF-8.</exception>
    public string? Push(ReadOnlySpan<byte> bytes)
    {
        if (_body is null)
        {
            _prefix[_prefixLength++] = bytes[0];
            switch (Varint.TryRead(_prefix.AsSpan(0, _prefixLength), out var length, out _))
            {
                case OperationStatus.Done when length is > 0 and <= MaxLength:
                    _body = new byte[length];
                    return null;
                case OperationStatus.NeedMoreData when _prefixLength < _prefix.Length:
                    return null;
                default:
                    throw new MultistreamException($"A multistream-select token has 1 to {MaxLength} bytes; the remote announced another length.");
            }
        }

        bytes.CopyTo(_body.AsSpan(_bodyLength));
        _bodyLength += bytes.Length;
        if (_bodyLength < _body.Length)
        {
            return null;
        }

        var body = _body;
        _body = null;
        _bodyLength = _prefixLength = 0;
        if (body[^1] != '\n')
        {
            throw new MultistreamException("A multistream-select token ends in a newline; the remote's does not.");
        }

        try
        {
            return Utf8.GetString(body, 0, body.Length - 1);
        }
        catch (ArgumentException e)
        {
            throw new MultistreamException("A multistream-select token is UTF-8; the remote's is not.", e);
        }
    }
}
