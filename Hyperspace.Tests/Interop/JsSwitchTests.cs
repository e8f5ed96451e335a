using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>TCP, multistream-select, Noise, Yamux, Identify and Ping against js-libp2p, both version lines and both directions.</summary>
[Collection(JsPartnerCollection.Name)]
public class JsSwitchTests(JsPartner js)
{
    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Js_dials_us_and_both_identify_ping_and_echo(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        Assert.Equal(us.PeerId, await peer.DialAsync(us.Address));
        await ExerciseAsync(peer, us);
        var connection = Assert.Single(us.Switch.ConnectionsOf(peer.PeerId));
        Assert.True(connection.Inbound);
        Assert.True(connection.EarlyMuxer);
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task We_dial_js_and_both_identify_ping_and_echo(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        Assert.Equal(peer.PeerId, await us.Switch.DialAsync(peer.Addresses[0]));
        await ExerciseAsync(peer, us);
        var connection = Assert.Single(us.Switch.ConnectionsOf(peer.PeerId));
        Assert.False(connection.Inbound);
        Assert.True(connection.EarlyMuxer);
    }

    [SkippableTheory]
    [InlineData(2, true, false)]
    [InlineData(2, false, true)]
    [InlineData(3, true, false)]
    [InlineData(3, false, true)]
    public async Task Without_early_muxers_on_one_side_the_muxer_is_negotiated(int line, bool oursEarly, bool theirsEarly)
    {
        await using var peer = await js.StartAsync(line, new { earlyMuxer = theirsEarly });
        foreach (var weDial in (bool[])[true, false])
        {
            await using var us = await TestSwitch.StartAsync(o => o with { EarlyMuxer = oursEarly });
            Assert.Equal(weDial ? peer.PeerId : us.PeerId, weDial ? await us.Switch.DialAsync(peer.Addresses[0]) : await peer.DialAsync(us.Address));
            var data = Bytes(100_000);
            Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));
            Assert.Equal(data, await us.EchoAsync(peer.PeerId, data));
            Assert.False(Assert.Single(us.Switch.ConnectionsOf(peer.PeerId)).EarlyMuxer);
        }
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Pushes_of_new_protocols_are_learnt_both_ways(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        await us.Switch.DialAsync(peer.Addresses[0]);
        await us.UntilIdentifiedAsync(peer.PeerId);
        await Eventually.TrueAsync(async () => (await peer.ProtocolsAsync(us.PeerId)).Contains(TestSwitch.Echo));

        await peer.CallAsync("handle", new { protocol = "/hyperspace/late/1.0.0" });
        await Eventually.TrueAsync(() => us.Switch.Find(peer.PeerId)!.Protocols.Contains("/hyperspace/late/1.0.0"));
        Assert.Contains($"updated {peer.PeerId}", us.News);

        us.Switch.Handle("/hyperspace/ours/1.0.0", TestSwitch.EchoAsync);
        await Eventually.TrueAsync(async () => (await peer.ProtocolsAsync(us.PeerId)).Contains("/hyperspace/ours/1.0.0"));
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Simultaneous_dials_leave_two_connections_that_work_and_one_may_end(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        await Task.WhenAll(us.Switch.DialAsync(peer.Addresses[0]), peer.DialAsync(us.Address));
        var data = Bytes(10_000);
        Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));
        Assert.Equal(data, await us.EchoAsync(peer.PeerId, data));
        await us.UntilIdentifiedAsync(peer.PeerId);
        await us.Switch.DisconnectAsync(peer.PeerId);
        await us.UntilNewsAsync(news => news.Contains($"disconnected {peer.PeerId}"));
        Assert.Single(us.News, $"disconnected {peer.PeerId}");
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_protocol_that_js_does_not_speak_is_refused_and_the_connection_lives_on(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        await us.Switch.DialAsync(peer.Addresses[0]);
        await Assert.ThrowsAnyAsync<IOException>(() => us.Switch.OpenStreamAsync(peer.PeerId, ["/nobody/1.0.0", "/speaks/this/1.0.0"]));
        await using var stream = await us.Switch.OpenStreamAsync(peer.PeerId, ["/nobody/1.0.0", TestSwitch.Echo]);
        Assert.Equal(TestSwitch.Echo, stream.Protocol);
    }

    [SkippableFact]
    public async Task A_js_process_that_dies_is_reported_as_disconnected()
    {
        var peer = await js.StartAsync(3);
        await using var us = await TestSwitch.StartAsync();
        await us.Switch.DialAsync(peer.Addresses[0]);
        await us.UntilIdentifiedAsync(peer.PeerId);
        await peer.DisposeAsync();
        await us.UntilNewsAsync(news => news.Contains($"disconnected {peer.PeerId}"));
        Assert.Empty(us.Switch.ConnectedPeers);
    }

    private static byte[] Bytes(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);
        return data;
    }

    private static async Task ExerciseAsync(JsPeer peer, TestSwitch us)
    {
        await us.UntilIdentifiedAsync(peer.PeerId);
        var record = us.Switch.Find(peer.PeerId)!;
        Assert.Contains("/hyperspace/kad/1.0.0", record.Protocols);
        Assert.Contains("/meshsub/1.1.0", record.Protocols);
        Assert.Contains(peer.Addresses[0].WithoutPeer(), record.Addresses);
        Assert.Contains("js-libp2p", record.AgentVersion, StringComparison.Ordinal);

        await Eventually.TrueAsync(async () => (await peer.ProtocolsAsync(us.PeerId)).Contains(TestSwitch.Echo));
        var known = await peer.CallAsync("protocols", new { peer = us.PeerId.ToString() });
        Assert.Equal("hyperspace/0.1.0", known.GetProperty("agent").GetString());
        Assert.Contains(us.Switch.ListenAddresses[0].ToString(), string.Join(' ', JsPeer.Strings(known, "addrs")), StringComparison.Ordinal);
        Assert.True(known.GetProperty("signed").GetBoolean());

        Assert.InRange(await us.Ping.PingAsync(peer.PeerId), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.InRange(await peer.PingAsync(us.PeerId), TimeSpan.Zero, TimeSpan.FromSeconds(5));

        foreach (var length in (int[])[0, 1, 64 * 1024, 3_000_000])
        {
            var data = Bytes(length);
            Assert.Equal(data, await us.EchoAsync(peer.PeerId, data));
            Assert.Equal(data, await peer.EchoAsync(us.PeerId, data));
        }
    }
}
