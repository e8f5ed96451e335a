using System.Globalization;
using System.Net;
using Google.Protobuf;
using Hyperspace.Libp2p.AutoNat.Wire;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Libp2p.AutoNat;

/// <summary>AutoNAT's messages, and the pure rules around them.</summary>
internal static class AutoNatMessages
{
    /// <summary>The protocol's name.</summary>
    public const string Protocol = "/libp2p/autonat/1.0.0";

    /// <summary>Longest message that is accepted, in bytes.</summary>
    public const int MaxLength = 8192;

    /// <summary>Addresses that a question carries at most.</summary>
    public const int MaxAddresses = 16;

    public static Message Question(PeerId local, IEnumerable<Multiaddr> addresses)
    {
        var peer = new Message.Types.PeerInfo { Id = ByteString.CopyFrom(local.Bytes.Span) };
        peer.Addrs.AddRange(addresses.Take(MaxAddresses).Select(a => ByteString.CopyFrom(a.Bytes.Span)));
        return new Message { Type = Message.Types.MessageType.Dial, Dial = new Message.Types.Dial { Peer = peer } };
    }

    public static Message Answer(DialBackStatus status, string text = "", Multiaddr? address = null)
    {
        var response = new Message.Types.DialResponse { Status = (uint)status };
        if (text.Length > 0)
        {
            response.StatusText = text;
        }

        if (address is not null)
        {
            response.Addr = ByteString.CopyFrom(address.Bytes.Span);
        }

        return new Message { Type = Message.Types.MessageType.DialResponse, DialResponse = response };
    }

    /// <summary>Reads the next message of a stream.</summary>
    /// <exception cref="AutoNatException">Too long, cut off, or no message of the protocol.</exception>
    public static async Task<Message> ReadAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        try
        {
            return Message.Parser.ParseFrom(await stream.ReadMessageAsync(MaxLength, cancellationToken).ConfigureAwait(false)
                ?? throw new EndOfStreamException("The remote closed the stream without a message."));
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or MessageFramingException or EndOfStreamException)
        {
            throw new AutoNatException($"The AutoNAT message cannot be read: {e.Message}", e);
        }
    }

    /// <summary>
    /// The addresses that a server dials back: only at the IP address that it sees the asker at, so that nobody can have a third party
    /// dialed (libp2p/specs autonat), and never over a relay.
    /// </summary>
    /// <param name="asked">What the asker wants dialed.</param>
    /// <param name="observed">Where the server sees it.</param>
    /// <param name="options">The limits.</param>
    public static IReadOnlyList<Multiaddr> DialBackAddresses(IEnumerable<ByteString> asked, IPAddress observed, AutoNatOptions options) =>
        !options.PrivateNetwork && !PublicAddress.Is(observed) ? [] :
        [
            .. asked.Take(MaxAddresses)
                .Select(Read)
                .OfType<Multiaddr>()
                .Where(a => IpGroup.IpOf(a)?.Equals(observed) == true && !a.IsRelayed)
                .Select(a => a.WithoutPeer())
                .Distinct()
                .Take(options.MaxDials),
        ];

    /// <summary>
    /// Where a peer may be reached: where it listens, and at its ports on the addresses that others see it at (a router that forwards a
    /// port usually keeps its number).
    /// </summary>
    public static IReadOnlyList<Multiaddr> Candidates(IReadOnlyList<Multiaddr> listening, IEnumerable<IPAddress> observed, bool privateNetwork)
    {
        Multiaddr[] direct = [.. listening.Where(a => IpGroup.IpOf(a) is not null && !a.IsRelayed)];
        return
        [
            .. observed.SelectMany(ip => direct.Select(a => At(a, ip)).OfType<Multiaddr>()).Concat(direct)
                .Where(a => privateNetwork || PublicAddress.Is(IpGroup.IpOf(a)!))
                .Distinct()
                .Take(MaxAddresses),
        ];
    }

    private static Multiaddr? At(Multiaddr listening, IPAddress ip) => listening.Components[0].Protocol == (ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? "ip4" : "ip6")
        ? Multiaddr.Parse(string.Create(CultureInfo.InvariantCulture, $"/{listening.Components[0].Protocol}/{ip}{string.Concat(listening.Components.Skip(1).Select(c => c.Value is null ? $"/{c.Protocol}" : $"/{c.Protocol}/{c.Value}"))}"))
        : null;

    public static Multiaddr? Read(ByteString bytes)
    {
        try
        {
            return Multiaddr.FromBytes(bytes.Span);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
