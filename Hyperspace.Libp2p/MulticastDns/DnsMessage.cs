namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>Types of DNS records that peers use (RFC 1035).</summary>
internal enum DnsType : ushort
{
    /// <summary>A name that points to another.</summary>
    Pointer = 12,

    /// <summary>Texts.</summary>
    Text = 16,
}

/// <summary>What a message asks for.</summary>
/// <param name="Name">The name, its labels separated by dots.</param>
/// <param name="Type">The type of record.</param>
internal sealed record DnsQuestion(string Name, DnsType Type);

/// <summary>A record of type PTR or TXT; those of other types are left out when a message is read.</summary>
/// <param name="Name">The name that it is about.</param>
/// <param name="Ttl">How long it may be kept, in seconds.</param>
/// <param name="Target">Where a PTR points; null for a TXT.</param>
/// <param name="Texts">The strings of a TXT; empty for a PTR.</param>
internal sealed record DnsRecord(string Name, uint Ttl, string? Target, IReadOnlyList<string> Texts)
{
    public static DnsRecord Pointer(string name, uint ttl, string target) => new(name, ttl, target, []);

    public static DnsRecord Text(string name, uint ttl, IReadOnlyList<string> texts) => new(name, ttl, null, texts);
}

/// <summary>A DNS message as multicast DNS uses it (RFC 1035, RFC 6762).</summary>
/// <param name="IsResponse">True for an answer.</param>
/// <param name="Questions">What is asked.</param>
/// <param name="Answers">What is answered.</param>
/// <param name="Additionals">What else may be of use.</param>
internal sealed record DnsMessage(bool IsResponse, IReadOnlyList<DnsQuestion> Questions, IReadOnlyList<DnsRecord> Answers, IReadOnlyList<DnsRecord> Additionals);
