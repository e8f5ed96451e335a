using System.Collections.Concurrent;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.Kademlia;

/// <summary>Peer ids by number, the same in every run.</summary>
internal static class Peers
{
    private static readonly ConcurrentDictionary<int, PeerId> Known = new();

    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static PeerId Number(int number) => Known.GetOrAdd(number, n =>
    {
        var seed = new byte[32];
        BitConverter.TryWriteBytes(seed, n + 1);
        using var keys = KeyPair.FromSeed(seed);
        return keys.PeerId;
    });

    public static IReadOnlyList<Multiaddr> AddressOf(PeerId peer) =>
        [Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{1024 + (peer.GetHashCode() & 0x7fff)}")];

    public static byte[] Multihash(string text) => [0x12, 0x20, .. System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))];
}

/// <summary>Values that start with '+' are valid; the greatest is the best.</summary>
internal sealed class PlusValidator : IRecordValidator
{
    public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => value.StartsWith("+"u8);

    public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values)
    {
        var best = 0;
        for (var i = 1; i < values.Count; i++)
        {
            best = values[i].Span.SequenceCompareTo(values[best].Span) > 0 ? i : best;
        }

        return best;
    }
}
