using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hyperspace.Actors.Tools.Schemas;

/// <summary>The formats of JSON Schema that are enforced; unknown ones always fit.</summary>
internal static class Formats
{
    public static bool Fits(string format, string value) => format switch
    {
        "date-time" => value.Length >= 20 && value[10] is 'T' or 't' or ' ' && DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            && (value[^1] is 'Z' or 'z' || value.LastIndexOfAny(['+', '-']) > 10),
        "date" => DateOnly.TryParseExact(value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "time" => value.Length >= 8 && TimeOnly.TryParse(value[..8], CultureInfo.InvariantCulture, out _),
        "email" => value.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && at < value.Length - 1 && !value.Contains(' ', StringComparison.Ordinal),
        "uri" or "iri" => Uri.TryCreate(value, UriKind.Absolute, out _) && value.Contains(':', StringComparison.Ordinal),
        "uuid" => Guid.TryParseExact(value, "D", out _),
        "ipv4" => value.Count(c => c == '.') == 3 && IPAddress.TryParse(value, out var v4) && v4.AddressFamily == AddressFamily.InterNetwork,
        "ipv6" => IPAddress.TryParse(value, out var v6) && v6.AddressFamily == AddressFamily.InterNetworkV6,
        "hostname" => value.Length is > 0 and <= 253 && Uri.CheckHostName(value) is UriHostNameType.Dns or UriHostNameType.IPv4,
        _ => true,
    };
}
