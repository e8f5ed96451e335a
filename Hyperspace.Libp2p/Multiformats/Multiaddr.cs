using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hyperspace.Libp2p.Multiformats;

/// <summary>
/// A multiaddr (multiformats/multiaddr): a path of protocols that says how to reach a peer. Known protocols:
/// ip4, ip6, dns, dns4, dns6, dnsaddr, tcp, udp, ws, wss, tls, quic-v1, p2p, p2p-circuit. Unknown ones are an error.
/// </summary>
public sealed class Multiaddr : IEquatable<Multiaddr>
{
    /// <summary>Longest binary form that is accepted, in bytes.</summary>
    public const int MaxLength = 1024;

    private readonly byte[] _bytes;

    private Multiaddr(byte[] bytes, IReadOnlyList<Component> components)
    {
        _bytes = bytes;
        Components = components;
    }

    private enum Shape
    {
        None,
        Ip4,
        Ip6,
        Port,
        Text,
        Peer,
    }

    /// <summary>One step of the path: the protocol's name and its value as text (null when it has none).</summary>
    public readonly record struct Component(string Protocol, string? Value);

    /// <summary>The steps in order.</summary>
    public IReadOnlyList<Component> Components { get; }

    /// <summary>The binary form.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Who is at the address: the <c>/p2p/…</c> at its end, if there is one. One in front of <c>/p2p-circuit</c> names the relay.</summary>
    public PeerId? PeerId => Components is [.., { Protocol: "p2p", Value: { } id }] ? Libp2p.PeerId.Parse(id) : null;

    /// <summary>True when a relay is on the way there.</summary>
    public bool IsRelayed => Components.Any(c => c.Protocol == "p2p-circuit");

    /// <summary>The value of the last component of that protocol, if there is one.</summary>
    public string? ValueOf(string protocol)
    {
        for (var i = Components.Count - 1; i >= 0; i--)
        {
            if (Components[i].Protocol == protocol)
            {
                return Components[i].Value;
            }
        }

        return null;
    }

    /// <summary>This address with <c>/p2p/{peer}</c> at its end (unchanged when it is there already).</summary>
    public Multiaddr WithPeer(PeerId peer) => PeerId == peer ? this : Parse($"{this}/p2p/{peer}");

    /// <summary>This address without a trailing <c>/p2p/…</c>.</summary>
    public Multiaddr WithoutPeer() =>
        Components.Count > 1 && Components[^1].Protocol == "p2p"
            ? FromComponents(Components.Take(Components.Count - 1))
            : this;

    /// <summary>The TCP address of an IP endpoint.</summary>
    public static Multiaddr FromTcp(IPEndPoint endpoint)
    {
        var address = endpoint.Address.IsIPv4MappedToIPv6 ? endpoint.Address.MapToIPv4() : endpoint.Address;
        var family = address.AddressFamily == AddressFamily.InterNetwork ? "ip4" : "ip6";
        return Parse($"/{family}/{address}/tcp/{endpoint.Port}");
    }

    /// <summary>Reads the text form, <c>/ip4/127.0.0.1/tcp/4001/p2p/12D3KooW…</c>.</summary>
    /// <exception cref="FormatException">Not a multiaddr, or a protocol that is not known.</exception>
    public static Multiaddr Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length < 2 || text[0] != '/' || text.Length > 4 * MaxLength)
        {
            throw new FormatException($"'{(text.Length > 80 ? text[..80] + "…" : text)}' is not a multiaddr: expected the form /ip4/127.0.0.1/tcp/4001.");
        }

        var parts = text.TrimEnd('/').Split('/');
        var components = new List<Component>();
        for (var i = 1; i < parts.Length; i++)
        {
            var (name, _, shape) = ByName(parts[i]);
            if (shape == Shape.None)
            {
                components.Add(new Component(name, null));
            }
            else if (++i < parts.Length)
            {
                components.Add(new Component(name, parts[i]));
            }
            else
            {
                throw new FormatException($"The multiaddr '{text}' ends where a value for '{name}' should stand.");
            }
        }

        return FromComponents(components);
    }

    /// <summary>As <see cref="Parse"/>, without throwing.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Multiaddr? address)
    {
        try
        {
            address = text is null ? null : Parse(text);
        }
        catch (FormatException)
        {
            address = null;
        }

        return address is not null;
    }

    /// <summary>Reads the binary form.</summary>
    /// <exception cref="FormatException">Damaged bytes, over <see cref="MaxLength"/>, or an unknown protocol.</exception>
    public static Multiaddr FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length is 0 or > MaxLength)
        {
            throw new FormatException($"A multiaddr has 1 to {MaxLength} bytes, not {bytes.Length}.");
        }

        var components = new List<Component>();
        var rest = bytes;
        while (rest.Length > 0)
        {
            var code = Varint.Read(rest, out var used);
            rest = rest[used..];
            var (name, _, shape) = ByCode(code);
            var size = shape switch
            {
                Shape.None => 0,
                Shape.Ip4 => 4,
                Shape.Ip6 => 16,
                Shape.Port => 2,
                _ => ReadSize(ref rest),
            };
            if (size > rest.Length)
            {
                throw new FormatException($"The multiaddr is cut off in '{name}'.");
            }

            components.Add(new Component(name, Decode(shape, rest[..size])));
            rest = rest[size..];
        }

        return new Multiaddr(bytes.ToArray(), components);
    }

    /// <inheritdoc/>
    public bool Equals(Multiaddr? other) => other is not null && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Multiaddr);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>The text form.</summary>
    public override string ToString() =>
        string.Concat(Components.Select(c => c.Value is null ? "/" + c.Protocol : $"/{c.Protocol}/{c.Value}"));

    private static int ReadSize(ref ReadOnlySpan<byte> rest)
    {
        var size = Varint.Read(rest, out var used);
        rest = rest[used..];
        return size <= MaxLength ? (int)size : throw new FormatException("A multiaddr component is too long.");
    }

    private static Multiaddr FromComponents(IEnumerable<Component> components)
    {
        using var stream = new MemoryStream();
        Span<byte> varint = stackalloc byte[10];
        var normalized = new List<Component>();
        foreach (var component in components)
        {
            var (name, code, shape) = ByName(component.Protocol);
            stream.Write(varint[..Varint.Write(varint, code)]);
            var value = Encode(name, shape, component.Value);
            if (shape is Shape.Text or Shape.Peer)
            {
                stream.Write(varint[..Varint.Write(varint, (ulong)value.Length)]);
            }

            stream.Write(value);
            normalized.Add(new Component(name, Decode(shape, value)));
        }

        return stream.Length is > 0 and <= MaxLength
            ? new Multiaddr(stream.ToArray(), normalized)
            : throw new FormatException($"A multiaddr has 1 to {MaxLength} bytes, not {stream.Length}.");
    }

    private static byte[] Encode(string name, Shape shape, string? value)
    {
        switch (shape)
        {
            case Shape.None:
                return [];
            case Shape.Ip4 when IPAddress.TryParse(value, out var ip) && ip.AddressFamily == AddressFamily.InterNetwork:
                return ip.GetAddressBytes();
            case Shape.Ip6 when IPAddress.TryParse(value, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6:
                return ip.GetAddressBytes();
            case Shape.Port when ushort.TryParse(value, out var port):
                var bytes = new byte[2];
                BinaryPrimitives.WriteUInt16BigEndian(bytes, port);
                return bytes;
            case Shape.Text when !string.IsNullOrEmpty(value):
                return Encoding.UTF8.GetBytes(value);
            case Shape.Peer when value is not null:
                return Libp2p.PeerId.Parse(value).Bytes.ToArray();
            default:
                throw new FormatException($"'{value}' is no value for '{name}' in a multiaddr.");
        }
    }

    private static string? Decode(Shape shape, ReadOnlySpan<byte> value) => shape switch
    {
        Shape.None => null,
        Shape.Ip4 or Shape.Ip6 => new IPAddress(value).ToString(),
        Shape.Port => BinaryPrimitives.ReadUInt16BigEndian(value).ToString(System.Globalization.CultureInfo.InvariantCulture),
        Shape.Peer => Libp2p.PeerId.FromBytes(value).ToString(),
        _ => DecodeText(value),
    };

    private static string DecodeText(ReadOnlySpan<byte> value)
    {
        var text = Encoding.UTF8.GetString(value);
        return text.Length > 0 && !text.Contains('/', StringComparison.Ordinal) && !text.Contains('\ufffd', StringComparison.Ordinal)
            ? text
            : throw new FormatException("A name in a multiaddr is empty, has a slash, or is not UTF-8.");
    }

    private static (string Name, ulong Code, Shape Shape) ByName(string name) => name switch
    {
        "ip4" => ("ip4", 4, Shape.Ip4),
        "tcp" => ("tcp", 6, Shape.Port),
        "ip6" => ("ip6", 41, Shape.Ip6),
        "dns" => ("dns", 53, Shape.Text),
        "dns4" => ("dns4", 54, Shape.Text),
        "dns6" => ("dns6", 55, Shape.Text),
        "dnsaddr" => ("dnsaddr", 56, Shape.Text),
        "udp" => ("udp", 273, Shape.Port),
        "p2p-circuit" => ("p2p-circuit", 290, Shape.None),
        "p2p" or "ipfs" => ("p2p", 421, Shape.Peer),
        "tls" => ("tls", 448, Shape.None),
        "quic-v1" => ("quic-v1", 461, Shape.None),
        "ws" => ("ws", 477, Shape.None),
        "wss" => ("wss", 478, Shape.None),
        _ => throw new FormatException($"'{name}' is not a multiaddr protocol that this peer knows."),
    };

    private static (string Name, ulong Code, Shape Shape) ByCode(ulong code) => code switch
    {
        4 => ByName("ip4"),
        6 => ByName("tcp"),
        41 => ByName("ip6"),
        53 => ByName("dns"),
        54 => ByName("dns4"),
        55 => ByName("dns6"),
        56 => ByName("dnsaddr"),
        273 => ByName("udp"),
        290 => ByName("p2p-circuit"),
        421 => ByName("p2p"),
        448 => ByName("tls"),
        461 => ByName("quic-v1"),
        477 => ByName("ws"),
        478 => ByName("wss"),
        _ => throw new FormatException($"Multiaddr protocol code {code} is not known."),
    };
}
