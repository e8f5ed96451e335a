using System.Buffers.Binary;

namespace Hyperspace.Fuzz.Engine;

/// <summary>Makes new inputs from known ones: stacked random edits, splices of two inputs, magic values, lengths that lie. Deterministic by its seed.</summary>
internal sealed class Mutator(Random random, int maxLength, IReadOnlyList<byte[]> dictionary)
{
    private const int MaxStackedPower = 6;

    private static readonly ulong[] Magic =
    [
        0, 1, 2, 0x0f, 0x10, 0x7f, 0x80, 0xff, 0x100, 0x3ff, 0x400, 0x401, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x4_0000, 0xff_ffff,
        0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x1_0000_0000, 0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, ulong.MaxValue,
    ];

    /// <summary>A mutant of <paramref name="parent"/>; <paramref name="other"/> gives material for splices.</summary>
    public byte[] Mutate(byte[] parent, byte[] other)
    {
        var buffer = new List<byte>(parent.Length + 16);
        if (random.Next(8) == 0 && parent.Length > 1 && other.Length > 1)
        {
            buffer.AddRange(parent.AsSpan(0, random.Next(1, parent.Length)));
            buffer.AddRange(other.AsSpan(random.Next(other.Length)));
        }
        else
        {
            buffer.AddRange(parent);
        }

        for (var edits = 1 << random.Next(MaxStackedPower); edits > 0; edits--)
        {
            Edit(buffer, other);
        }

        if (buffer.Count > maxLength)
        {
            buffer.RemoveRange(maxLength, buffer.Count - maxLength);
        }

        return [.. buffer];
    }

    private void Edit(List<byte> buffer, byte[] other)
    {
        if (buffer.Count == 0)
        {
            buffer.Add((byte)random.Next(256));
            return;
        }

        var at = random.Next(buffer.Count);
        switch (random.Next(13))
        {
            case 0:
                buffer[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                buffer[at] = (byte)random.Next(256);
                break;
            case 2:
                buffer[at] += (byte)random.Next(-16, 17);
                break;
            case 3:
                Overwrite(buffer, at, MagicBytes());
                break;
            case 4:
                buffer.InsertRange(at, MagicBytes());
                break;
            case 5:
                buffer.RemoveRange(at, random.Next(1, Math.Min(buffer.Count - at, 32) + 1));
                break;
            case 6:
                // The same piece again, once or many times: what repeats without bound shows here.
                var piece = buffer.GetRange(at, random.Next(1, Math.Min(buffer.Count - at, 64) + 1));
                for (var times = 1 << random.Next(5); times > 0 && buffer.Count < maxLength; times--)
                {
                    buffer.InsertRange(at, piece);
                }

                break;
            case 7:
                buffer.InsertRange(at, RandomBytes(random.Next(1, 17)));
                break;
            case 8 when dictionary.Count > 0:
                buffer.InsertRange(at, dictionary[random.Next(dictionary.Count)]);
                break;
            case 9 when dictionary.Count > 0:
                Overwrite(buffer, at, dictionary[random.Next(dictionary.Count)]);
                break;
            case 10 when other.Length > 0:
                var start = random.Next(other.Length);
                buffer.InsertRange(at, other.AsSpan(start, random.Next(1, Math.Min(other.Length - start, 128) + 1)).ToArray());
                break;
            case 11:
                // A length that is right, or off by a little, for what follows.
                Overwrite(buffer, at, VarintOf((ulong)Math.Max(0, buffer.Count - at + random.Next(-3, 3))));
                break;
            default:
                buffer.RemoveRange(at, buffer.Count - at);
                break;
        }
    }

    private static void Overwrite(List<byte> buffer, int at, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            if (at == buffer.Count)
            {
                return;
            }

            buffer[at++] = b;
        }
    }

    private byte[] MagicBytes()
    {
        var value = Magic[random.Next(Magic.Length)];
        var bytes = new byte[8];
        switch (random.Next(3))
        {
            case 0:
                BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
                return bytes[^(1 << random.Next(4))..];
            case 1:
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
                return bytes[..(1 << random.Next(4))];
            default:
                return VarintOf(value);
        }
    }

    // Its own encoder: the one under test must not make the inputs that test it.
    private static byte[] VarintOf(ulong value)
    {
        var bytes = new List<byte>(10);
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return [.. bytes];
    }

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
