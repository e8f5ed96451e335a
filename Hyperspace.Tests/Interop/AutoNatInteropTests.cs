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
    public async Task A_js_server_dials_us_back_at_a_public_address(int line)
    {
        SkipWithoutPublicAddress();
        await using var peer = await js.StartAsync(line, new { autoNat = true });
        await using var us = await TestSwitch.StartAsync(o => o with { ListenAddresses = [Multiaddr.Parse($"/ip4/{PublicAddress}/tcp/0")] });
        await using var client = new AutoNatClient(us.Switch, new AutoNatOptions { Needed = 1 });

        // js dials, so that it sees us at the address that we listen on.
        await peer.DialAsync(us.Address);
        await us.UntilIdentifiedAsync(peer.PeerId);
        Assert.Equal(DialBackStatus.Ok, await client.AskAsync(peer.PeerId));
        Assert.Equal(Reachability.Public, client.State.Verdict);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task We_dial_a_js_peer_back_at_a_public_address(int line)
    {
        SkipWithoutPublicAddress();
        await using var us = await TestSwitch.StartAsync();
        var server = new AutoNatServer(us.Switch);
        var answers = new TaskCompletionSource<DialBackStatus>();
        server.Answered += (_, status) => answers.TrySetResult(status);
        await using var peer = await js.StartAsync(line, new { autoNat = true, listen = new[] { $"/ip4/{PublicAddress}/tcp/0" } });
        await us.Switch.DialAsync(peer.Addresses[0]);
        Assert.Equal(DialBackStatus.Ok, await answers.Task.WaitAsync(TestSwitch.Patience));
    }

    private static void SkipWithoutPublicAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(PublicAddress), 0));
        }
        catch (SocketException)
        {
            Skip.If(true, $"This machine does not have the address {PublicAddress}; js-libp2p dials no private address back.");
        }
    }
}
