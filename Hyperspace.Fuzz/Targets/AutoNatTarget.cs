using System.Net;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.AutoNat;
using Hyperspace.Libp2p.AutoNat.Wire;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Fuzz;

/// <summary>AutoNAT's messages as they come on a stream, and the addresses that a server would dial because of them.</summary>
internal static class AutoNatTarget
{
    private static readonly PeerId Asker = KeyPair.FromSeed(Enumerable.Repeat((byte)13, 32).ToArray()).PeerId;
    private static readonly IPAddress Observed = IPAddress.Parse("10.0.0.1");
    private static readonly AutoNatOptions Options = new() { PrivateNetwork = true };

    public static FuzzTarget Create() => new("autonat", Run, Seeds)
    {
        Expects = e => e is AutoNatException,

        // A byte may be a whole message, empty, for which a reader, its task and the check's objects are made.
        AllocationPerByte = 4096,
        Dictionary = [[0x08, 0x00], [0x08, 0x01], [0x12], [0x1a], [0x0a, 0x26, 0x00, 0x24], [0x12, 0x08, 0x04, 0x0a, 0, 0, 1, 0x06, 0x0f, 0xa1]],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var stream = new ByteStream(input.ToArray(), 100);
        while (stream.Left > 0)
        {
            var message = AutoNatMessages.ReadAsync(stream, default).Now();
            var dialled = AutoNatMessages.DialBackAddresses(message.Dial?.Peer?.Addrs ?? [], Observed, Options);
            Invariant.Holds(dialled.Count <= Options.MaxDials && dialled.Distinct().Count() == dialled.Count, "More addresses would be dialled than the bound, or one twice.");
            Invariant.Holds(dialled.All(a => a.Components[0].Value == Observed.ToString() && a.PeerId is null), "A third party would be dialled.");
            _ = message.DialResponse is { HasAddr: true } response ? AutoNatMessages.Read(response.Addr) : null;
            Invariant.Holds(Message.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(message)).Equals(message), "A message changed on the way.");
        }
    }

    private static IEnumerable<byte[]> Seeds()
    {
        Multiaddr[] addresses = [Multiaddr.Parse("/ip4/10.0.0.1/tcp/4001"), Multiaddr.Parse("/ip4/10.0.0.2/tcp/4001"), Multiaddr.Parse($"/ip4/10.0.0.1/tcp/1/p2p/{Asker}")];
        yield return AutoNatMessages.Question(Asker, addresses).ToLengthPrefixed();
        yield return [.. AutoNatMessages.Answer(DialBackStatus.Ok, "yes", addresses[0]).ToLengthPrefixed(), .. AutoNatMessages.Answer(DialBackStatus.DialError).ToLengthPrefixed()];
    }
}
