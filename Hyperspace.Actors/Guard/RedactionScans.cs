using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Actors.Guard;

/// <summary>
/// Looks for a secret that begins at an index: gives its end, or 0. Looks at a bounded number of characters, so that a
/// pass over a text is linear.
/// </summary>
/// <param name="text">The text.</param>
/// <param name="start">Where the secret would begin.</param>
/// <param name="from">Where the text begins for this scan: what is before is taken out already.</param>
internal delegate int SecretScan(string text, int start, int from);

/// <summary>The secrets that take arithmetic to tell from what looks like them.</summary>
internal static class RedactionScans
{
    private const int MaxCardDigits = 19;
    private const int MinPhoneDigits = 8;
    private const int MaxPhoneDigits = 15;
    private const int MaxAddressLength = 45;
    private const int MaxSeedWords = 24;

    // ISO 13616: the length of an IBAN, by country.
    private static readonly FrozenDictionary<string, int> IbanLengths = LengthsOf(
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23"
        + "IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24"
        + "SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20");

    // Words of prose that no BIP-39 list has.
    private static readonly FrozenSet<string> NoSeedWords =
        FrozenSet.ToFrozenSet(["the", "and", "for", "are", "was", "not", "but", "from", "have", "has", "were", "its", "which", "their", "been", "into", "than", "them"], StringComparer.Ordinal);

    /// <summary>All of them, with the kind that the placeholder names.</summary>
    public static IReadOnlyList<(string Kind, SecretScan Find)> All { get; } =
        [("iban", Iban), ("card", Card), ("phone", Phone), ("private-address", PrivateIPv4), ("private-address", PrivateIPv6), ("seed-phrase", SeedPhrase)];

    /// <summary>A payment card: a known prefix with its length, and the Luhn check; single spaces or dashes between groups.</summary>
    private static int Card(string text, int start, int from)
    {
        if (!char.IsAsciiDigit(text[start]) || !BeginsNumber(text, start, from))
        {
            return 0;
        }

        Span<int> digits = stackalloc int[MaxCardDigits];
        var count = 0;
        var end = 0;
        for (var i = start; i < text.Length && count < MaxCardDigits; i++)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                digits[count++] = text[i] - '0';
                if (EndsGroup(text, i + 1) && IsCard(digits[..count]))
                {
                    end = i + 1;
                }
            }
            else if (text[i] is not (' ' or '-') || !char.IsAsciiDigit(text[i - 1]))
            {
                break;
            }
        }

        return end;
    }

    private static bool IsCard(ReadOnlySpan<int> digits)
    {
        if (digits.Length < 13)
        {
            return false;
        }

        var four = (digits[0] * 1000) + (digits[1] * 100) + (digits[2] * 10) + digits[3];
        var known = digits.Length switch
        {
            13 => four / 1000 == 4,
            14 => four / 10 is >= 300 and <= 305 || four / 100 is 36 or 38 or 39,
            15 => four / 100 is 34 or 37,
            16 => four / 1000 == 4 || four / 100 is (>= 51 and <= 55) or 62 or 65 || four is (>= 2221 and <= 2720) or 6011 or (>= 3528 and <= 3589) || four / 10 is >= 644 and <= 649,
            19 => four / 1000 == 4 || four / 100 is 62 or 65 || four == 6011,
            _ => four / 100 == 62,
        };
        return known && Luhn(digits);
    }

    private static bool Luhn(ReadOnlySpan<int> digits)
    {
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)];
            sum += i % 2 == 0 ? digit : digit < 5 ? digit * 2 : (digit * 2) - 9;
        }

        return sum % 10 == 0;
    }

    /// <summary>An IBAN of its country's length whose check digits hold (mod 97); single spaces between groups.</summary>
    private static int Iban(string text, int start, int from)
    {
        if (!char.IsAsciiLetterUpper(text[start]) || !BeginsNumber(text, start, from) || start + 4 > text.Length || !IbanLengths.TryGetValue(text.Substring(start, 2), out var length))
        {
            return 0;
        }

        Span<char> iban = stackalloc char[length];
        var count = 0;
        var i = start;
        for (; i < text.Length && count < length; i++)
        {
            if (char.IsAsciiDigit(text[i]) || char.IsAsciiLetterUpper(text[i]))
            {
                iban[count++] = text[i];
            }
            else if (text[i] != ' ' || text[i - 1] == ' ')
            {
                break;
            }
        }

        return count == length && EndsGroup(text, i) && Mod97(iban) == 1 ? i : 0;
    }

    private static int Mod97(ReadOnlySpan<char> iban)
    {
        var remainder = 0;
        for (var i = 0; i < iban.Length; i++)
        {
            var c = iban[(i + 4) % iban.Length];
            remainder = char.IsAsciiDigit(c) ? ((remainder * 10) + c - '0') % 97 : ((remainder * 100) + c - 'A' + 10) % 97;
        }

        return remainder;
    }

    /// <summary>A phone number: international with its plus, or ten digits as (3) 3-4; dates, versions and bare numbers stay.</summary>
    private static int Phone(string text, int start, int from)
    {
        var international = text[start] == '+';
        if (!(international || text[start] == '(' || char.IsAsciiDigit(text[start])) || !BeginsNumber(text, start, from))
        {
            return 0;
        }

        return international ? International(text, start) : TenDigits(text, start);
    }

    private static int International(string text, int start)
    {
        if (start + 1 >= text.Length || text[start + 1] is < '1' or > '9')
        {
            return 0;
        }

        var (digits, separators, end) = (0, 0, 0);
        for (var i = start + 1; i < text.Length && digits <= MaxPhoneDigits && separators <= 2; i++)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                (digits, separators) = (digits + 1, 0);
                if (digits is >= MinPhoneDigits and <= MaxPhoneDigits && EndsGroup(text, i + 1))
                {
                    end = i + 1;
                }
            }
            else if (text[i] is ' ' or '-' or '.' or '/' or '(' or ')')
            {
                separators++;
            }
            else
            {
                break;
            }
        }

        return end;
    }

    private static int TenDigits(string text, int start)
    {
        var bracket = text[start] == '(';
        var i = start + (bracket ? 1 : 0);
        if (!Take(3) || (bracket && !TakeChar(')')))
        {
            return 0;
        }

        var spaced = bracket && TakeChar(' ');
        var separated = spaced || bracket || TakeChar('-') || TakeChar('.');
        var separator = text[i - 1];
        return separated && Take(3) && TakeChar(bracket ? '-' : separator) && Take(4) && EndsGroup(text, i) && !(i < text.Length && text[i] is '-' or '.' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])) ? i : 0;

        bool Take(int count)
        {
            for (var n = 0; n < count; n++, i++)
            {
                if (i >= text.Length || !char.IsAsciiDigit(text[i]))
                {
                    return false;
                }
            }

            return true;
        }

        bool TakeChar(char c)
        {
            var there = i < text.Length && text[i] == c;
            i += there ? 1 : 0;
            return there;
        }
    }

    /// <summary>An IPv4 address of a private net (RFC 1918), link-local or shared (RFC 6598). Loopback stays: it names no one.</summary>
    private static int PrivateIPv4(string text, int start, int from)
    {
        if (text[start] is not '1' || !BeginsNumber(text, start, from))
        {
            return 0;
        }

        Span<int> parts = stackalloc int[4];
        var i = start;
        for (var part = 0; part < 4; part++)
        {
            var begin = i;
            while (i < text.Length && i - begin < 3 && char.IsAsciiDigit(text[i]))
            {
                parts[part] = (parts[part] * 10) + text[i++] - '0';
            }

            if (i == begin || parts[part] > 255 || (part < 3 && (i >= text.Length || text[i++] != '.')))
            {
                return 0;
            }
        }

        var isPrivate = (parts[0], parts[1]) is (10, _) or (172, >= 16 and <= 31) or (192, 168) or (169, 254) or (100, >= 64 and <= 127);
        var goesOn = i < text.Length && (char.IsLetterOrDigit(text[i]) || (text[i] == '.' && i + 1 < text.Length && char.IsAsciiDigit(text[i + 1])));
        return isPrivate && !goesOn ? i : 0;
    }

    /// <summary>An IPv6 address that is unique local (fc00::/7) or link-local (fe80::/10).</summary>
    private static int PrivateIPv6(string text, int start, int from)
    {
        if (text[start] is not ('f' or 'F') || (start > from && (char.IsLetterOrDigit(text[start - 1]) || text[start - 1] == ':')))
        {
            return 0;
        }

        var end = start;
        while (end < text.Length && end - start <= MaxAddressLength && (char.IsAsciiHexDigit(text[end]) || text[end] is ':' or '.'))
        {
            end++;
        }

        while (end > start && text[end - 1] == '.')
        {
            end--;
        }

        return text.AsSpan(start, end - start).Count(':') >= 2 && IPAddress.TryParse(text.AsSpan(start, end - start), out var address)
            && address.AddressFamily == AddressFamily.InterNetworkV6 && (address.IsIPv6UniqueLocal || address.IsIPv6LinkLocal) ? end : 0;
    }

    /// <summary>A line or quoted text that is nothing but 12, 15, 18, 21 or 24 short lower-case words, none of which only prose has.</summary>
    private static int SeedPhrase(string text, int start, int from)
    {
        if (!char.IsAsciiLetterLower(text[start]) || (start > from && text[start - 1] is not ('"' or '\'' or '\n')))
        {
            return 0;
        }

        var (words, i) = (0, start);
        while (words <= MaxSeedWords)
        {
            var begin = i;
            while (i < text.Length && i - begin <= 8 && char.IsAsciiLetterLower(text[i]))
            {
                i++;
            }

            if (i - begin is < 3 or > 8 || NoSeedWords.Contains(text[begin..i]))
            {
                return 0;
            }

            words++;
            if (i == text.Length || text[i] != ' ')
            {
                break;
            }

            i++;
        }

        return words is 12 or 15 or 18 or 21 or 24 && (i == text.Length || text[i] is '"' or '\'' or '\n' or '\r' or '\\') ? i : 0;
    }

    private static bool BeginsNumber(string text, int start, int from) =>
        start == from || !(char.IsLetterOrDigit(text[start - 1]) || text[start - 1] is '_' or '.' or '-' or '+' or '#');

    private static bool EndsGroup(string text, int end) => end >= text.Length || !(char.IsLetterOrDigit(text[end]) || text[end] == '_');

    private static FrozenDictionary<string, int> LengthsOf(string table) =>
        Enumerable.Range(0, table.Length / 4).ToFrozenDictionary(i => table.Substring(i * 4, 2), i => int.Parse(table.AsSpan((i * 4) + 2, 2), CultureInfo.InvariantCulture), StringComparer.Ordinal);
}
