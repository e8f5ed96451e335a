using System.Collections.Immutable;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Peers that this one was connected with, latest first, so that it finds the network again without being told a
/// bootstrap peer. At most <see cref="Max"/>; one that can't be dialled <see cref="MaxFailures"/> times is left in
/// peace, and forgotten if others could be reached meanwhile (if none could, it is we who are cut off).
/// </summary>
internal sealed record RememberedPeers
{
    /// <summary>Peers that are kept.</summary>
    public const int Max = 32;

    /// <summary>Dials in a row that may fail.</summary>
    public const int MaxFailures = 5;

    /// <summary>Most bytes of the text that are read.</summary>
    public const int MaxBytes = Max * (MaxLine + 2);

    private const int MaxLine = 512;

    public static RememberedPeers None { get; } = new();

    private ImmutableList<Entry> Peers { get; init; } = [];

    /// <summary>Their addresses, with <c>/p2p/…</c>.</summary>
    public IEnumerable<Multiaddr> Addresses => Peers.Select(p => p.Address);

    /// <summary>Reads what <see cref="ToText"/> wrote; lines that are no address of a peer are passed over.</summary>
    public static RememberedPeers Parse(string text)
    {
        var entries = text.Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.Length <= MaxLine)
            .Select(line => Multiaddr.TryParse(line, out var address) ? address : null)
            .Where(address => address is { PeerId: not null } && address.ToString().Length <= MaxLine)
            .DistinctBy(address => address!.PeerId)
            .Take(Max)
            .Select(address => new Entry(address!, 0, false));
        return new RememberedPeers { Peers = [.. entries] };
    }

    /// <summary>One address a line.</summary>
    public string ToText() => new StringBuilder().AppendJoin('\n', Addresses).Append('\n').ToString();

    /// <summary>Those that were not reached since the start and may still be tried.</summary>
    public IReadOnlyList<Multiaddr> ToDial(IReadOnlySet<PeerId> connected) =>
        [.. Peers.Where(p => !p.Reached && p.Failures < MaxFailures && !connected.Contains(p.Peer)).Select(p => p.Address)];

    /// <summary>A dial failed.</summary>
    public RememberedPeers Failed(Multiaddr address)
    {
        var at = Peers.FindIndex(p => p.Address.Equals(address));
        return at < 0 ? this : this with { Peers = Peers.SetItem(at, Peers[at] with { Failures = Peers[at].Failures + 1 }) };
    }

    /// <summary>These are connected now: they come first, those that failed too often go, and of the rest the oldest.</summary>
    public RememberedPeers Connected(IEnumerable<Multiaddr> addresses)
    {
        var reached = addresses.Where(a => a.PeerId is not null && a.ToString().Length <= MaxLine).Select(a => new Entry(a, 0, true)).DistinctBy(p => p.Peer).ToList();
        return reached.Count == 0
            ? this
            : new RememberedPeers { Peers = [.. reached.Concat(Peers.Where(p => p.Failures < MaxFailures)).DistinctBy(p => p.Peer).Take(Max)] };
    }

    private sealed record Entry(Multiaddr Address, int Failures, bool Reached)
    {
        public PeerId Peer => Address.PeerId!;
    }
}
