using System.Security.Cryptography;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>WebSocket against js-libp2p's, both version lines and both directions.</summary>
[Collection(JsPartnerCollection.Name)]
public class WebSocketInteropTests(JsPartner js)
{
    private const string Listen = "/ip4/127.0.0.1/tcp/0/ws";

    [SkippableTheory]
    [InlineData(2, true)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(3, false)]
    public async Task Identify_ping_echo_and_gossip_run_over_a_websocket(int line, bool weDial)
    {
        const string Topic = "websocket";
        await using var peer = await js.StartAsync(line, new { listen = new[] { Listen } });
        await using var us = await TestSwitch.StartAsync(o => o with { ListenAddresses = [Multiaddr.Parse(Listen)] });
        await using var gossip = new GossipSubService(us.Switch, us.Keys, new GossipSubOptions());
        Assert.Equal(weDial ? peer.PeerId : us.PeerId, weDial ? await us.Switch.DialAsync(peer.Addresses[0]) : await peer.DialAsync(us.Address));
        await us.UntilIdentifiedAsync(peer.PeerId);
        var connection = Assert.Single(us.Switch.ConnectionsOf(peer.PeerId));
        Assert.Equal(!weDial, connection.Inbound);
        Assert.Equal("ws", connection.RemoteAddress.Components[^1].Protocol);
        Assert.Contains("js-libp2p", us.Switch.Find(peer.PeerId)!.AgentVersion, StringComparison.Ordinal);
        await Eventually.TrueAsync(async () => (await peer.ProtocolsAsync(us.PeerId)).Contains(TestSwitch.Echo));

        Assert.InRange(await us.Ping.PingAsync(peer.PeerId), TimeSpan.Zero, TestSwitch.Patience);
        Assert.InRange(await peer.PingAsync(us.PeerId), TimeSpan.Zero, TestSwitch.Patience);
        foreach (var length in (int[])[0, 1, 1024 * 1024])
        {
            var data = RandomNumberGenerator.GetBytes(length);
            Assert.Equal(data, await us.EchoAsync(peer.PeerId, data));
            Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));
        }

        var received = new TaskCompletionSource<byte[]>();
        using var subscription = gossip.Subscribe(Topic, message => received.TrySetResult(message.Data.ToArray()));
        await peer.SubscribeAsync(Topic);
        await Eventually.TrueAsync(async () => JsPeer.Strings(await peer.CallAsync("mesh", new { topic = Topic }), "peers").Contains(us.PeerId.ToString()));
        await peer.PublishAsync(Topic, [1, 2, 3]);
        Assert.Equal([1, 2, 3], await received.Task.WaitAsync(TestSwitch.Patience));
        await gossip.PublishAsync(Topic, new byte[] { 4, 5 });
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        Assert.Equal([4, 5], (await peer.Messages.ReadAsync(timeout.Token)).Data);
    }
}
