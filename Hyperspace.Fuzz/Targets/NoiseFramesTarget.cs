using System.Buffers.Binary;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Noise;

namespace Hyperspace.Fuzz;

/// <summary>
/// Noise transport frames. First byte: raw bytes, or frames that are encrypted as the remote would, each perhaps tampered
/// with; read as the muxer does, or as its negotiation does. Second byte: size of the pieces that arrive.
/// </summary>
internal static class NoiseFramesTarget
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
    private static readonly PeerId Remote = KeyPair.FromSeed(new byte[32]).PeerId;

    public static FuzzTarget Create() => new("noise-frames", Run, Seeds)
    {
        Expects = e => e is NoiseException,

        // Frames may be 64 KiB of zeros by three bytes of input; the buffer for one grows to 256 KiB and is rented.
        AllocationConstant = 1 << 20,
        AllocationPerByte = 64 * 1024,
        MaxLength = 1024,
        Dictionary = [[0xff, 0xff], [0x00, 0x10], [0x00, 0x0f], [0x08, 0x10], [0x08, 0x0f]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var mode = reader.Byte();
        var piece = (reader.Byte() + 1) * 64;
        var sent = new MemoryStream();
        var bytes = (mode & 1) == 0 ? reader.Rest.ToArray() : Sealed(ref reader, sent);
        var clear = new ClearChannel(new ByteStream(bytes, piece));
        using var channel = new SecureChannel(clear, new NoiseSession(Remote, new CipherState(Key), new CipherState(Key), null));
        var received = 0;
        var buffer = new byte[700];
        var expected = sent.GetBuffer();
        while (true)
        {
            ReadOnlySpan<byte> plaintext;
            if ((mode & 2) == 0)
            {
                if (!channel.TryReadFrame(out plaintext))
                {
                    if (!channel.FillAsync(default).Now())
                    {
                        break;
                    }

                    continue;
                }
            }
            else
            {
                var count = channel.ReadAsync(buffer, default).Now();
                if (count == 0)
                {
                    break;
                }

                plaintext = buffer.AsSpan(0, count);
            }

            Invariant.Holds(received + plaintext.Length <= sent.Length, "More plaintext came out than was encrypted.");
            Invariant.Holds(plaintext.SequenceEqual(expected.AsSpan(received, plaintext.Length)), "Other plaintext came out than was encrypted.");
            received += plaintext.Length;
        }

        Invariant.Holds((mode & 1) == 0 || received == sent.Length, "Plaintext was lost.");
    }

    /// <summary>Per frame: how its length counts, the length, what is tampered with. Only untouched frames count as sent.</summary>
    private static byte[] Sealed(ref InputReader reader, MemoryStream sent)
    {
        using var cipher = new CipherState(Key);
        using var wire = new MemoryStream();
        var genuine = true;
        while (!reader.IsEmpty && wire.Length < 1 << 20)
        {
            var tamper = reader.Byte();
            var length = Math.Min((int)reader.UInt16(), NoiseFrameWriter.MaxPlaintext);
            var plaintext = new byte[length];
            reader.Bytes(Math.Min(length, 16)).CopyTo(plaintext);
            var frame = new byte[2 + length + CipherState.TagLength];
            BinaryPrimitives.WriteUInt16BigEndian(frame, (ushort)(length + CipherState.TagLength));
            cipher.Encrypt([], plaintext, frame.AsSpan(2));
            if (tamper > 200)
            {
                frame[reader.UInt16() % frame.Length] ^= (byte)(1 + (reader.Byte() % 255));
                genuine = false;
            }

            wire.Write(frame);
            if (genuine)
            {
                sent.Write(plaintext);
            }
        }

        return wire.ToArray();
    }

    private static IEnumerable<byte[]> Seeds() =>
    [
        [0, 255, 0, 20, .. new byte[20], 0, 0],
        [1, 255, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0x10, 0],
        [3, 255, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0x10, 0],
        [1, 10, 0, 0, 5, 1, 2, 3, 4, 5, 255, 0, 3, 1, 2, 3, 0, 4, 7],
        [1, 255, 0, 0xff, 0xef, .. new byte[16], 0, 0xff, 0xef],
    ];
}
