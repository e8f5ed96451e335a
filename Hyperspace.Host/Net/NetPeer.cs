using System.Buffers.Binary;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Echo;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Kademlia;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Perf;
using Hyperspace.Libp2p.Ping;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Host.Net;

/// <summary>A switch and what runs over it: ping, echo, perf, GossipSub and Kademlia.</summary>
internal sealed class NetPeer : IAsyncDisposable
{
    private const int SeedLength = 32;
    private readonly KeyPair _keys;

    private NetPeer(KeyPair keys, NetOptions options)
    {
        _keys = keys;
        Switch = new Libp2pSwitch(new SwitchOptions { KeyPair = keys, ListenAddresses = options.Listen });
        Ping = new PingService(Switch);
        Echo = new EchoService(Switch);
        Perf = new PerfService(Switch);
        PubSub = new GossipSubService(Switch, keys, new GossipSubOptions { Parameters = new GossipSubParameters { MessageIdForm = options.MessageId } });
        Routing = new KademliaService(Switch, new KademliaOptions { ProtocolId = options.DhtProtocol, Mode = options.DhtMode, OtherNamespaces = new AnyRecord() });
    }

    public Libp2pSwitch Switch { get; }

    public PingService Ping { get; }

    public EchoService Echo { get; }

    public PerfService Perf { get; }

    public GossipSubService PubSub { get; }

    public KademliaService Routing { get; }

    /// <exception cref="IOException">An address cannot be listened on.</exception>
    public static async Task<NetPeer> StartAsync(NetOptions options, CancellationToken cancellationToken)
    {
        var peer = new NetPeer(options.Seed is { } seed ? KeyOf(seed) : KeyPair.Generate(), options);
        try
        {
            await peer.Switch.StartAsync(cancellationToken);
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>The key of a seed: the number, little-endian, is the start of the 32 bytes. rust-libp2p's examples make theirs so, and known peer ids help.</summary>
    public static KeyPair KeyOf(ulong seed)
    {
        var bytes = new byte[SeedLength];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, seed);
        return KeyPair.FromSeed(bytes);
    }

    public async ValueTask DisposeAsync()
    {
        await Routing.DisposeAsync();
        await PubSub.DisposeAsync();
        await Switch.DisposeAsync();
        _keys.Dispose();
    }

    /// <summary>Records of any namespace are good; of several, all peers choose the one whose bytes come last.</summary>
    private sealed class AnyRecord : IRecordValidator
    {
        public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => true;

        public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values)
        {
            var best = 0;
            for (var i = 1; i < values.Count; i++)
            {
                if (values[i].Span.SequenceCompareTo(values[best].Span) > 0)
                {
                    best = i;
                }
            }

            return best;
        }
    }
}
