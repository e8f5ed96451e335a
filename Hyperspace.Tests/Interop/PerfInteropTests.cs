using Hyperspace.Libp2p.Perf;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Interop;

/// <summary>The perf protocol with js-libp2p, both version lines, each as client and as server. Whoever is the client counts what it got.</summary>
[Collection(JsPartnerCollection.Name)]
public class PerfInteropTests(JsPartner js)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    [SkippableTheory]
    [InlineData(2, 0, 0)]
    [InlineData(2, 8 << 20, 0)]
    [InlineData(2, 0, 8 << 20)]
    [InlineData(2, 1_000_001, 70_001)]
    [InlineData(3, 0, 0)]
    [InlineData(3, 8 << 20, 0)]
    [InlineData(3, 0, 8 << 20)]
    [InlineData(3, 1_000_001, 70_001)]
    public async Task Uploads_and_downloads_run_both_ways(int line, int upload, int download)
    {
        await using var peer = await js.StartAsync(line);
        await using var us = await TestSwitch.StartAsync();
        var perf = new PerfService(us.Switch);
        await us.Switch.DialAsync(peer.Addresses[0]);
        using var deadline = new CancellationTokenSource(Patience);

        var ours = await perf.PerfAsync(peer.PeerId, (ulong)upload, (ulong)download, deadline.Token);
        Assert.True(ours.Upload > TimeSpan.Zero);
        var theirs = await peer.CallAsync("perf", new { peer = us.PeerId.ToString(), upload, download, timeoutMs = (int)Patience.TotalMilliseconds }, Patience);
        Assert.Equal(download, theirs.GetProperty("download").GetInt32());
    }
}
