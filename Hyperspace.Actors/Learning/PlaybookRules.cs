using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What bullets and their counters must look like; pure.</summary>
public static class PlaybookRules
{
    /// <summary>Most insights of one reflection, and bullets of one delta.</summary>
    public const int MaxBulletsPerDelta = 16;

    /// <summary>Longest bullet, in UTF-8 bytes.</summary>
    public const int MaxTextBytes = 1_024;

    /// <summary>Most sources that a bullet names.</summary>
    public const int MaxSources = 16;

    /// <summary>Largest delta envelope, in bytes.</summary>
    public const int MaxEnvelopeBytes = 40 * 1024;

    /// <summary>Highest counter of one author.</summary>
    public const ulong MaxCount = 1_000_000;

    private const int TrajectoryIdLength = 64;

    /// <summary>The same on every peer: hash of task type, section and the text without case, spacing and final punctuation.</summary>
    public static string IdOf(string taskType, string section, string text)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (var part in (ReadOnlySpan<string>)[taskType, section, Normalise(text)])
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            BinaryPrimitives.WriteInt32BigEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset(), 0, 16);
    }

    /// <summary>True for the form of a trajectory's id.</summary>
    public static bool IsTrajectoryId(string? text) => text is { Length: TrajectoryIdLength } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>True for a sentence that may become a bullet: some text, bounded, on one line.</summary>
    public static bool IsText(string? text) =>
        !string.IsNullOrWhiteSpace(text) && text.Length <= MaxTextBytes && Encoding.UTF8.GetByteCount(text) <= MaxTextBytes
        && !text.Any(char.IsControl) && Normalise(text).Length > 0;

    /// <summary>Null when the delta keeps the rules; else why not.</summary>
    public static Refusal? Check(PlaybookDelta delta)
    {
        if (!TrajectoryRules.IsTaskType(delta.TaskType))
        {
            return TrajectoryRules.BadTaskType();
        }

        return delta.Bullets.Count is 0 or > MaxBulletsPerDelta
            ? new Refusal(ErrorCodes.TooLarge, $"A delta has 1 to {MaxBulletsPerDelta} bullets, not {delta.Bullets.Count}.")
            : delta.Bullets.All(IsBullet) ? null
            : new Refusal(ErrorCodes.InvalidParams, "A bullet has a section of a-z and '-', a line of text, bounded counters that are not both zero, and trajectory ids as sources.");
    }

    private static bool IsBullet(BulletCount bullet) =>
        bullet.Section is { Length: >= 1 and <= 32 } && bullet.Section.All(c => char.IsAsciiLetterLower(c) || c == '-')
        && IsText(bullet.Text)
        && bullet.Helpful <= MaxCount && bullet.Harmful <= MaxCount && bullet.Helpful + bullet.Harmful > 0
        && bullet.Sources.Count <= MaxSources && bullet.Sources.All(IsTrajectoryId);

    private static string Normalise(string text)
    {
        var words = text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words).TrimEnd('.', '!', ' ');
    }
}
