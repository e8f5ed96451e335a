using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.MulticastDns;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.MulticastDns;

public class MdnsDiscoveryTests
{
    [SkippableFact]
    public async Task Peers_of_one_network_find_each_other_also_amid_nonsense()
    {
        var options = Multicast.OnLoopback();
        await using var first = await TestSwitch.StartAsync();
        await using var second = await TestSwitch.StartAsync();
        await using var one = MdnsDiscovery.Start(first.Switch, options);
        using var noise = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        noise.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
        foreach (var packet in (byte[][])[[], [1, 2, 3], new byte[9000], new byte[20_000]])
        {
            noise.SendTo(packet, new IPEndPoint(options.Group, options.Port));
        }

        await using var two = MdnsDiscovery.Start(second.Switch, options);
        await Eventually.TrueAsync(() => first.Switch.ConnectedPeers.Contains(second.PeerId) && second.Switch.ConnectedPeers.Contains(first.PeerId));
    }
}
