using System.Net;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>A peer that was found, with the addresses that it gave.</summary>
/// <param name="Peer">Who; nothing proves it before it is dialed.</param>
/// <param name="Addresses">Where, each without its <c>/p2p</c>.</param>
internal sealed record FoundPeer(PeerId Peer, IReadOnlyList<Multiaddr> Addresses);

/// <summary>
/// Peer discovery over multicast DNS without sockets (libp2p/specs discovery/mdns): what a packet tells, and when and how to answer.
/// Answers go to all, so one a second is enough however many ask (RFC 6762 section 6). Not thread-safe.
/// </summary>
/// <param name="local">This peer, which is not news to itself.</param>
/// <param name="serviceName">The service's name.</param>
/// <param name="instance">This peer's random label, 32 to 63 characters.</param>
internal sealed class MdnsResponder(PeerId local, string serviceName, string instance)
{
    private const string Prefix = "dnsaddr=";
    private const uint Ttl = 120;
    private const int MaxText = 255;
    private const int MaxAddresses = 16;
    private static readonly TimeSpan AnswerPause = TimeSpan.FromSeconds(1);

    private DateTimeOffset _mayAnswerAt = DateTimeOffset.MinValue;
    private bool _asked;

    /// <summary>The packet that asks all others.</summary>
    public byte[] Query() => DnsWriter.Write(new DnsMessage(false, [new DnsQuestion(serviceName, DnsType.Pointer)], [], []));

    /// <summary>Reads a packet and returns whom it tells of; a question makes an answer due.</summary>
    /// <param name="packet">The packet.</param>
    /// <param name="source">Where it came from. Addresses out on the internet are believed only when they are the sender's own.</param>
    /// <exception cref="DnsException">The packet is no DNS message.</exception>
    public IReadOnlyList<FoundPeer> Receive(ReadOnlySpan<byte> packet, IPAddress source)
    {
        var message = DnsReader.Read(packet);
        if (!message.IsResponse)
        {
            _asked |= message.Questions.Any(q => q.Type == DnsType.Pointer && Is(q.Name, serviceName));
            return [];
        }

        string[] instances = [.. message.Answers.Where(r => r.Target is not null && Is(r.Name, serviceName)).Select(r => r.Target!)];
        return
        [
            .. message.Answers.Concat(message.Additionals)
                .Where(r => instances.Any(i => Is(i, r.Name)))
                .SelectMany(r => r.Texts)
                .Where(t => t.StartsWith(Prefix, StringComparison.Ordinal))
                .Take(MaxAddresses)
                .Select(t => Multiaddr.TryParse(t[Prefix.Length..], out var address) ? address : null)
                .OfType<Multiaddr>()
                .Where(a => a.PeerId is { } peer && peer != local && IpGroup.IpOf(a) is { } ip && (!PublicAddress.Is(ip) || ip.Equals(source)))
                .GroupBy(a => a.PeerId!, a => a.WithoutPeer())
                .Select(g => new FoundPeer(g.Key, [.. g.Distinct()])),
        ];
    }

    /// <summary>When the answer is due that somebody waits for; null when nobody does.</summary>
    public DateTimeOffset? AnswerDue => _asked ? _mayAnswerAt : null;

    /// <summary>The answer, when it is due.</summary>
    /// <param name="listening">Where this peer listens.</param>
    /// <param name="now">The time.</param>
    public byte[]? Answer(IReadOnlyList<Multiaddr> listening, DateTimeOffset now)
    {
        if (!_asked || now < _mayAnswerAt)
        {
            return null;
        }

        _asked = false;
        string[] texts =
        [
            .. listening.Where(a => IpGroup.IpOf(a) is { } ip && !PublicAddress.Is(ip) && !a.IsRelayed)
                .Select(a => $"{Prefix}{a.WithPeer(local)}")
                .Where(t => t.Length <= MaxText)
                .Take(MaxAddresses),
        ];
        if (texts.Length == 0)
        {
            return null;
        }

        _mayAnswerAt = now + AnswerPause;
        var name = $"{instance}.{serviceName}";
        return DnsWriter.Write(new DnsMessage(true, [], [DnsRecord.Pointer(serviceName, Ttl, name)], [DnsRecord.Text(name, Ttl, texts)]));
    }

    private static bool Is(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
}
