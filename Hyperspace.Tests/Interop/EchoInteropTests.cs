using Hyperspace.Libp2p.Echo;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>Echo with half-close against js-libp2p, both version lines: whoever asks compares what comes back and waits for the other side's end.</summary>
[Collection(JsPartnerCollection.Name)]
public class EchoInteropTests(JsPartner js)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [SkippableTheory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(2, 64 << 10)]
    [InlineData(2, 1 << 20)]
    [InlineData(2, 16 << 20)]
    [InlineData(3, 0)]
    [InlineData(3, 1)]
    [InlineData(3, 64 << 10)]
    [InlineData(3, 1 << 20)]
    [InlineData(3, 16 << 20)]
    public async Task Bytes_come_back_both_ways_over_a_half_closed_stream(int line, int bytes)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        var echo = new EchoService(us.Switch);
        await us.Switch.DialAsync(peer.Addresses[0]);
        using var deadline = new CancellationTokenSource(Patience);

        Assert.Single(await echo.EchoAsync(peer.PeerId, bytes, cancellationToken: deadline.Token));
        var reply = await peer.CallAsync("echo", new { peer = us.PeerId.ToString(), bytes, timeoutMs = (int)Patience.TotalMilliseconds }, Patience);
        Assert.Equal(bytes, reply.GetProperty("bytes").GetInt32());
    }

    [SkippableTheory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Many_round_trips_go_over_one_stream(int line)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        var echo = new EchoService(us.Switch);
        await peer.DialAsync(us.Address);

        Assert.Equal(200, (await echo.EchoAsync(peer.PeerId, 32, 200)).Count);
        var reply = await peer.CallAsync("echo", new { peer = us.PeerId.ToString(), bytes = 32, count = 200 });
        Assert.Equal(200, reply.GetProperty("count").GetInt32());
    }
}
