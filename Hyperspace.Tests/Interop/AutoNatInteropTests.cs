using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.AutoNat;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>
/// AutoNAT with js-libp2p, both version lines. js neither dials private addresses back nor asks for its own, and that cannot be changed: on
/// loopback there are only refusals. Where this machine has the address 11.0.0.2 too (a network namespace of its own can give it), the dial back itself is shown.
/// </summary>
[Collection(JsPartnerCollection.Name)]
public class AutoNatInteropTests(JsPartner js)
{
    private const string PublicAddress = "11.0.0.2";

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_js_server_understands_our_question_and_refuses_to_dial_loopback(int line)
    {
        await using var peer = await js.StartAsync(line, new { autoNat = true });
        await using var us = await TestSwitch.StartAsync();
        await using var client = new AutoNatClient(us.Switch, new AutoNatOptions { PrivateNetwork = true });
        await us.Switch.DialAsync(peer.Addresses[0]);
        Assert.Equal(DialBackStatus.DialRefused, await client.AskAsync(peer.PeerId));
        Assert.Equal(Reachability.Unknown, client.State.Verdict);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task We_dial_a_js_peer_back_at_a_public_address(int line)
    {
        var port = FreePublicPort();
        await using var us = await TestSwitch.StartAsync();
        var server = new AutoNatServer(us.Switch);
        var answers = new TaskCompletionSource<DialBackStatus>();
        server.Answered += (_, status) => answers.TrySetResult(status);
        await using var peer = await js.StartAsync(line, new { autoNat = true, listen = new[] { $"/ip4/{PublicAddress}/tcp/{port}" } });

        // js tells nobody of a public address before it is confirmed.
        await us.Switch.DialAsync(Multiaddr.Parse($"/ip4/{PublicAddress}/tcp/{port}/p2p/{peer.PeerId}"));
        Assert.Equal(DialBackStatus.Ok, await answers.Task.WaitAsync(TestSwitch.Patience));
    }

    private static int FreePublicPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(PublicAddress), 0));
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
        catch (SocketException)
        {
            Skip.If(true, $"This machine does not have the address {PublicAddress}; js-libp2p asks for no private address.");
            throw;
        }
    }
}
