using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>This peer and js-libp2p dial each other at the same moment, both version lines.</summary>
[Collection(JsPartnerCollection.Name)]
public class SimultaneousDialInteropTests(JsPartner js)
{
    private const int Rounds = 20;

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Both_dialing_at_once_leaves_one_peer_that_is_usable_both_ways_every_time(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        var crossed = 0;
        for (var round = 1; round <= Rounds; round++)
        {
            await Task.WhenAll(us.Switch.DialAsync(peer.Addresses[0]), peer.DialAsync(us.Address));
            await us.UntilNewsAsync(news => news.Count(n => n == $"identified {peer.PeerId}") == round);
            Assert.Equal([peer.PeerId], us.Switch.ConnectedPeers);
            Assert.Equal([us.PeerId.ToString()], JsPeer.Strings(await peer.CallAsync("peers"), "peers"));
            crossed += us.Switch.ConnectionsOf(peer.PeerId).Count > 1 ? 1 : 0;

            Assert.InRange(await us.Ping.PingAsync(peer.PeerId), TimeSpan.Zero, TestSwitch.Patience);
            Assert.InRange(await peer.PingAsync(us.PeerId), TimeSpan.Zero, TestSwitch.Patience);
            byte[] data = [.. Enumerable.Range(0, 10_000 + round).Select(i => (byte)i)];
            Assert.Equal(data, await us.EchoAsync(peer.PeerId, data));
            Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));

            await us.Switch.DisconnectAsync(peer.PeerId);
            await us.UntilNewsAsync(news => news.Count(n => n == $"disconnected {peer.PeerId}") == round);
            await Eventually.TrueAsync(async () => JsPeer.Strings(await peer.CallAsync("peers"), "peers").Count == 0);
        }

        Skip.If(crossed == 0, "The dials never crossed, so nothing was shown.");
    }
}
