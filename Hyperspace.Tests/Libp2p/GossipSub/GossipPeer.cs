using System.Threading.Channels;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.PubSub;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.GossipSub;

/// <summary>A switch on loopback with GossipSub on it.</summary>
internal sealed class GossipPeer : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private GossipPeer(TestSwitch network, GossipSubService gossip)
    {
        Network = network;
        Gossip = gossip;
    }

    public TestSwitch Network { get; }

    public GossipSubService Gossip { get; }

    public PeerId PeerId => Network.PeerId;

    public static async Task<GossipPeer> StartAsync(GossipSubOptions? options = null)
    {
        var network = await TestSwitch.StartAsync();
        return new GossipPeer(network, new GossipSubService(network.Switch, network.Keys, options));
    }

    /// <summary>Subscribes; the messages come out of the channel.</summary>
    public (ChannelReader<PubSubMessage> Messages, IDisposable Subscription) Subscribe(string topic)
    {
        var messages = Channel.CreateUnbounded<PubSubMessage>();
        return (messages.Reader, Gossip.Subscribe(topic, m => messages.Writer.TryWrite(m)));
    }

    public static async Task<T> NextAsync<T>(ChannelReader<T> messages)
    {
        using var timeout = new CancellationTokenSource(Patience);
        return await messages.ReadAsync(timeout.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await Gossip.DisposeAsync();
        await Network.DisposeAsync();
    }
}
