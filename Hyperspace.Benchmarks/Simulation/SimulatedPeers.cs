using System.Buffers.Binary;
using System.Collections.Concurrent;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Benchmarks.Simulation;

/// <summary>Identities by number: the same in every run, made once per process.</summary>
internal static class SimulatedPeers
{
    private static readonly ConcurrentDictionary<int, PeerId> Ids = new();

    /// <summary>The peer id of a number.</summary>
    public static PeerId Id(int number) => Ids.GetOrAdd(number, static n =>
    {
        // Key pairs hold locked memory, so only the id stays.
        using var keys = Keys(n);
        return keys.PeerId;
    });

    /// <summary>The key pair of a number; the caller disposes it.</summary>
    public static KeyPair Keys(int number)
    {
        var seed = new byte[32];
        BinaryPrimitives.WriteInt32BigEndian(seed, number + 1);
        return KeyPair.FromSeed(seed);
    }
}
