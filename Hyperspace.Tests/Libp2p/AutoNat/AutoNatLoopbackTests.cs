using Google.Protobuf;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.AutoNat;
using Hyperspace.Libp2p.AutoNat.Wire;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.AutoNat;

public class AutoNatLoopbackTests
{
    private static readonly AutoNatOptions Private = new() { PrivateNetwork = true, Needed = 2, RequestsPerMinutePerIp = 100, EagerInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task A_peer_that_others_reach_finds_out_that_it_is_public()
    {
        await using var asker = await TestSwitch.StartAsync();
        await using var first = await TestSwitch.StartAsync();
        await using var second = await TestSwitch.StartAsync();
        await using var client = new AutoNatClient(asker.Switch, Private);
        var verdicts = new List<Reachability>();
        client.Changed += verdicts.Add;
        foreach (var server in (TestSwitch[])[first, second])
        {
            _ = new AutoNatServer(server.Switch, Private);
            await asker.Switch.DialAsync(server.Address);
        }

        client.Start();
        await Eventually.TrueAsync(() => client.State.Verdict == Reachability.Public);
        Assert.Equal([Reachability.Public], verdicts);

        // The dial back was a connection of its own, and left none behind.
        await Eventually.TrueAsync(() => asker.Switch.ConnectionsOf(first.PeerId) is [{ Inbound: false }]);
    }

    [Fact]
    public async Task A_peer_that_nobody_reaches_finds_out_that_it_is_private()
    {
        await using var asker = await TestSwitch.StartAsync(o => o with { ListenAddresses = [], AnnounceAddresses = [Multiaddr.Parse("/ip4/127.0.0.1/tcp/1")] });
        await using var first = await TestSwitch.StartAsync();
        await using var second = await TestSwitch.StartAsync();
        await using var client = new AutoNatClient(asker.Switch, Private);
        foreach (var server in (TestSwitch[])[first, second])
        {
            _ = new AutoNatServer(server.Switch, Private);
            await asker.Switch.DialAsync(server.Address);
            Assert.Equal(DialBackStatus.DialError, await client.AskAsync(server.PeerId));
        }

        Assert.Equal(Reachability.Private, client.State.Verdict);
    }

    [Fact]
    public async Task Requests_for_another_peer_or_address_or_too_many_are_not_served()
    {
        await using var asker = await TestSwitch.StartAsync();
        await using var server = await TestSwitch.StartAsync();
        _ = new AutoNatServer(server.Switch, Private with { RequestsPerMinutePerIp = 2 });
        await asker.Switch.DialAsync(server.Address);
        var here = asker.Switch.ListenAddresses;
        Assert.Equal(DialBackStatus.BadRequest, await AskAsync(asker, server, [5, 1]));
        Assert.Equal(DialBackStatus.BadRequest, await AskAsync(asker, server, [0xff, 0xff, 0xff, 0x7f]));
        Assert.Equal(DialBackStatus.BadRequest, await AskAsync(asker, server, new Message().ToLengthPrefixed()));
        Assert.Equal(DialBackStatus.BadRequest, await AskAsync(asker, server, AutoNatMessages.Question(server.PeerId, here).ToLengthPrefixed()));
        Assert.Equal(DialBackStatus.DialRefused, await AskAsync(asker, server, AutoNatMessages.Question(asker.PeerId, []).ToLengthPrefixed()));
        Assert.Equal(DialBackStatus.DialRefused, await AskAsync(asker, server, AutoNatMessages.Question(asker.PeerId, [Multiaddr.Parse("/ip4/127.0.0.2/tcp/1")]).ToLengthPrefixed()));
        var question = AutoNatMessages.Question(asker.PeerId, here).ToLengthPrefixed();
        Assert.Equal(DialBackStatus.Ok, await AskAsync(asker, server, question));
        Assert.Equal(DialBackStatus.Ok, await AskAsync(asker, server, question));
        Assert.Equal(DialBackStatus.DialRefused, await AskAsync(asker, server, question));
    }

    [Fact]
    public async Task Without_the_option_no_loopback_address_is_dialed()
    {
        await using var asker = await TestSwitch.StartAsync();
        await using var server = await TestSwitch.StartAsync();
        _ = new AutoNatServer(server.Switch);
        await asker.Switch.DialAsync(server.Address);
        Assert.Equal(DialBackStatus.DialRefused, await AskAsync(asker, server, AutoNatMessages.Question(asker.PeerId, asker.Switch.ListenAddresses).ToLengthPrefixed()));
    }

    [Fact]
    public async Task Another_peer_that_answers_at_the_address_does_not_count()
    {
        await using var asker = await TestSwitch.StartAsync();
        await using var server = await TestSwitch.StartAsync();
        await using var other = await TestSwitch.StartAsync();
        _ = new AutoNatServer(server.Switch, Private);
        await asker.Switch.DialAsync(server.Address);
        Assert.Equal(DialBackStatus.DialError, await AskAsync(asker, server, AutoNatMessages.Question(asker.PeerId, other.Switch.ListenAddresses).ToLengthPrefixed()));
    }

    [Fact]
    public async Task An_answer_that_is_none_is_an_error_and_no_vote()
    {
        await using var asker = await TestSwitch.StartAsync();
        await using var server = await TestSwitch.StartAsync();
        await using var client = new AutoNatClient(asker.Switch, Private with { Needed = 1 });
        await asker.Switch.DialAsync(server.Address);
        foreach (var answer in (byte[][])[[], [1], new Message { Type = Message.Types.MessageType.Dial }.ToLengthPrefixed(), new Message { Type = Message.Types.MessageType.DialResponse, DialResponse = new() }.ToLengthPrefixed()])
        {
            server.Switch.Handle(AutoNatMessages.Protocol, (stream, ct) => stream.WriteAsync(answer, ct).AsTask());
            await Assert.ThrowsAsync<AutoNatException>(() => client.AskAsync(server.PeerId));
        }

        Assert.Equal(Reachability.Unknown, client.State.Verdict);
    }

    private static async Task<DialBackStatus> AskAsync(TestSwitch asker, TestSwitch server, byte[] bytes)
    {
        await using var stream = await asker.Switch.OpenStreamAsync(server.PeerId, [AutoNatMessages.Protocol]);
        await stream.WriteAsync(bytes);
        await stream.CloseWriteAsync();
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        return (DialBackStatus)(await AutoNatMessages.ReadAsync(stream, timeout.Token)).DialResponse.Status;
    }
}
