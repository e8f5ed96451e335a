using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>The record of a large run that is signed and gossiped in its place: heads of its texts, and the hash of the whole; pure.</summary>
internal static class CompactRecord
{
    /// <summary>Largest run that is gossiped whole, in bytes; its envelope has at most 16 KiB.</summary>
    public const int MaxBytes = 15 * 1024;

    /// <summary>Longest input, in UTF-8 bytes. The same for every run, since the input is what tells goals apart.</summary>
    public const int MaxInputBytes = 4 * 1024;

    /// <summary>Longest of the other texts, in UTF-8 bytes; they are shorter when there are many.</summary>
    public const int MaxHeadBytes = 512;

    private const string Ellipsis = "…";
    private const int EllipsisBytes = 3;

    // What is added once the run is made: the body's name (32 + 2 + 4) and the tries (2 × 4).
    private const int AddedLater = 46;

    /// <summary>A run of at most <see cref="MaxBytes"/> as it is; of another its record, and the whole as its body.</summary>
    public static (Trajectory Record, RunBody? Body) Of(Trajectory run)
    {
        if (!run.BodyHash.IsEmpty || run.CalculateSize() <= MaxBytes)
        {
            return (run, null);
        }

        var whole = run.ToByteArray();
        var hash = SHA256.HashData(whole);
        var record = Shorten(run);
        record.BodyHash = ByteString.CopyFrom(hash);
        record.BodyBytes = (ulong)whole.Length;
        return (record, new RunBody(Convert.ToHexStringLower(hash), whole));
    }

    /// <summary>SHA-256 of the whole run, lower-case hex, when <paramref name="run"/> is shortened; else null.</summary>
    public static string? BodyHashOf(Trajectory run) => run.BodyHash.IsEmpty ? null : Convert.ToHexStringLower(run.BodyHash.Span);

    /// <summary>The beginning of a text, at most so many UTF-8 bytes with the ellipsis behind it, cut between characters; as it is when it fits.</summary>
    public static string Head(string text, int maxBytes)
    {
        if (text.Length <= maxBytes && Encoding.UTF8.GetByteCount(text) <= maxBytes)
        {
            return text;
        }

        var left = maxBytes - EllipsisBytes;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            left -= rune.Utf8SequenceLength;
            if (left < 0)
            {
                break;
            }

            length += rune.Utf16SequenceLength;
        }

        return maxBytes < EllipsisBytes ? "" : text[..length] + Ellipsis;
    }

    private static Trajectory Shorten(Trajectory run)
    {
        var record = run.Clone();
        for (var head = MaxHeadBytes; ; head /= 2)
        {
            Cut(record, head);
            if (record.CalculateSize() <= MaxBytes - AddedLater)
            {
                return record;
            }

            if (head == 0)
            {
                break;
            }
        }

        // Names alone are too many: how it began and how it ended stay.
        while (record.CalculateSize() > MaxBytes - AddedLater)
        {
            record.Steps.RemoveAt(record.Steps.Count / 2);
        }

        return record;
    }

    private static void Cut(Trajectory record, int head)
    {
        record.Input = Head(record.Input, MaxInputBytes);
        record.Output = Head(record.Output, head);
        foreach (var step in record.Steps)
        {
            step.Thought = Head(step.Thought, head);
            step.Input = Head(step.Input, head);
            step.Output = Head(step.Output, head);
            step.Error = Head(step.Error, head);
        }
    }
}
