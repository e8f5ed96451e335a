using Hyperspace.Libp2p;
using Hyperspace.Libp2p.MulticastDns;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.MulticastDns;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>Discovery over multicast DNS with js-libp2p, both version lines and both directions.</summary>
[Collection(JsPartnerCollection.Name)]
public class MdnsInteropTests(JsPartner js)
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task We_find_js_peers_and_they_find_us(int line)
    {
        var options = Multicast.OnLoopback();
        await using var us = await TestSwitch.StartAsync();
        await using var peer = await js.StartAsync(line, new { mdns = new { port = options.Port, interval = 1000 } });

        // js multicasts over the interface of its own choice, so ours listens on all.
        await using var discovery = MdnsDiscovery.Start(us.Switch, options with { Interfaces = [] });

        // js dials nobody whom it finds.
        await Eventually.TrueAsync(() => us.Switch.ConnectedPeers.Contains(peer.PeerId));
        await Eventually.TrueAsync(async () => JsPeer.Strings(await peer.CallAsync("discovered"), "peers").Contains(us.PeerId.ToString()));
    }
}
