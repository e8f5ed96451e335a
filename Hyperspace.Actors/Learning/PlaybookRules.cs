using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What bullets, their counters and tombstones must look like; pure.</summary>
public static partial class PlaybookRules
{
    /// <summary>Most insights of one reflection.</summary>
    public const int MaxInsights = 16;

    /// <summary>Most bullets or tombstones of one delta: as long as one of them is kept, so is the whole of what was signed.</summary>
    public const int MaxBulletsPerDelta = 4;

    /// <summary>Longest bullet, in UTF-8 bytes.</summary>
    public const int MaxTextBytes = 1_024;

    /// <summary>Most sources that a bullet names.</summary>
    public const int MaxSources = 16;

    /// <summary>Most authors that a tombstone names.</summary>
    public const int MaxAuthorsSeen = 24;

    /// <summary>Largest delta envelope, in bytes.</summary>
    public const int MaxEnvelopeBytes = 12 * 1024;

    /// <summary>Highest counter of one author.</summary>
    public const ulong MaxCount = 1_000_000;

    private const int BulletIdLength = 32;
    private const int MaxPeerIdLength = 64;

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

        return Convert.ToHexStringLower(hash.GetHashAndReset(), 0, BulletIdLength / 2);
    }

    /// <summary>True for the form of a bullet's id.</summary>
    public static bool IsBulletId(string? text) => text is { Length: BulletIdLength } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>True for a sentence that may become a bullet: some text, bounded, on one line, one space between words, nothing in it that a reader cannot see.</summary>
    public static bool IsText(string? text) =>
        !string.IsNullOrWhiteSpace(text) && text.Length <= MaxTextBytes && Encoding.UTF8.GetByteCount(text) <= MaxTextBytes
        && text.EnumerateRunes().All(IsVisible) && Normalise(text).Length > 0
        && text == Spaced(text);

    /// <summary>The text without spaces around it, and with one between its words, of whatever kind and number they are.</summary>
    public static string Spaced(string text) => Spaces().Replace(text, " ").Trim();

    /// <summary>The text on one line without what a reader cannot see, and without secrets; it may still be no bullet (<see cref="IsText"/>).</summary>
    public static string Sanitise(string text)
    {
        var line = new StringBuilder(Math.Min(text.Length, MaxTextBytes));
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune))
            {
                line.Append(' ');
            }
            else if (IsVisible(rune))
            {
                line.Append(rune);
            }
        }

        return Redaction.Apply(string.Join(' ', line.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }

    /// <summary>Null when the delta keeps the rules; else why not.</summary>
    public static Refusal? Check(PlaybookDelta delta)
    {
        if (!TrajectoryRules.IsTaskType(delta.TaskType))
        {
            return TrajectoryRules.BadTaskType();
        }

        return delta.Bullets.Count + delta.Tombstones.Count == 0 || Math.Max(delta.Bullets.Count, delta.Tombstones.Count) > MaxBulletsPerDelta
            ? new Refusal(ErrorCodes.TooLarge, $"A delta has 1 to {MaxBulletsPerDelta} bullets and as many tombstones, not {delta.Bullets.Count} and {delta.Tombstones.Count}.")
            : !delta.Bullets.All(IsBullet)
            ? new Refusal(ErrorCodes.InvalidParams, "A bullet has a section of a-z and '-', a line of visible text, bounded counters, and trajectory ids as sources.")
            : !delta.Tombstones.All(IsTombstone)
            ? new Refusal(ErrorCodes.InvalidParams, $"A tombstone has a bullet's id and the bounded counters of at most {MaxAuthorsSeen} authors, in order.")
            : null;
    }

    private static bool IsBullet(BulletCount bullet) =>
        bullet.Section is { Length: >= 1 and <= 32 } && bullet.Section.All(c => char.IsAsciiLetterLower(c) || c == '-')
        && IsText(bullet.Text)
        && IsBounded(BulletEvidence.Of(bullet))
        && bullet.Sources.Count <= MaxSources && bullet.Sources.All(TrajectoryRules.IsTrajectoryId);

    private static bool IsTombstone(BulletTombstone tombstone) =>
        IsBulletId(tombstone.BulletId)
        && tombstone.Seen.Count is >= 1 and <= MaxAuthorsSeen
        && tombstone.Seen.All(seen => seen.Author.Length is >= 1 and <= MaxPeerIdLength && seen.Author.All(char.IsAsciiLetterOrDigit) && IsSomething(BulletEvidence.Of(seen)))
        && tombstone.Seen.Zip(tombstone.Seen.Skip(1), (a, b) => string.CompareOrdinal(a.Author, b.Author) < 0).All(isInOrder => isInOrder)
        && (tombstone.Others is null || (tombstone.Others.Author.Length == 0 && IsSomething(BulletEvidence.Of(tombstone.Others))));

    private static bool IsSomething(BulletEvidence evidence) => IsBounded(evidence) && evidence.Total > 0;

    private static bool IsBounded(BulletEvidence evidence) => evidence.Helpful <= MaxCount && evidence.Harmful <= MaxCount && evidence.Neutral <= MaxCount;

    /// <summary>Control, format and private characters can hide text from people that models read; a lone surrogate is no text.</summary>
    private static bool IsVisible(Rune rune) => rune != Rune.ReplacementChar && !IsDrawnAsNothing(rune.Value) && Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    /// <summary>
    /// Letters and marks that are drawn as nothing: Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) as far as no category
    /// tells, and the blank Braille pattern.
    /// </summary>
    private static bool IsDrawnAsNothing(int codePoint) => codePoint is
        0x034F // combining grapheme joiner
        or 0x115F or 0x1160 or 0x3164 or 0xFFA0 // Hangul fillers
        or 0x17B4 or 0x17B5 // Khmer inherent vowels
        or (>= 0x180B and <= 0x180F) // Mongolian variation selectors
        or 0x2800
        or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF); // variation selectors

    private static string Normalise(string text)
    {
        var words = text.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words).TrimEnd('.', '!', ' ');
    }

    [GeneratedRegex(@"\p{Zs}+", RegexOptions.CultureInvariant)]
    private static partial Regex Spaces();
}
