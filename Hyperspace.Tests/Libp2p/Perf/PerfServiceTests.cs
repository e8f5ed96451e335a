using System.Buffers.Binary;
using Hyperspace.Libp2p.Perf;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Perf;

public class PerfServiceTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(5_000_000, 0)]
    [InlineData(0, 5_000_000)]
    [InlineData(1, 70_001)]
    public async Task What_is_asked_for_is_sent_after_what_is_uploaded(ulong upload, ulong download)
    {
        await using var one = await TestSwitch.StartAsync();
        await using var two = await TestSwitch.StartAsync();
        var perf = new PerfService(one.Switch);
        _ = new PerfService(two.Switch);
        await one.Switch.DialAsync(two.Address);
        var result = await perf.PerfAsync(two.PeerId, upload, download);
        Assert.True(result.Upload > TimeSpan.Zero);
        Assert.True(result.Download >= TimeSpan.Zero);
    }

    [Fact]
    public async Task A_server_that_sends_too_little_is_found_out()
    {
        await using var one = await TestSwitch.StartAsync();
        await using var miser = await TestSwitch.StartAsync();
        var perf = new PerfService(one.Switch);
        miser.Switch.Handle(PerfService.Protocol, async (stream, cancellationToken) =>
        {
            await stream.ReadToEndAsync(cancellationToken);
            await stream.WriteAsync(new byte[10], cancellationToken);
        });
        await one.Switch.DialAsync(miser.Address);
        await Assert.ThrowsAsync<IOException>(() => perf.PerfAsync(miser.PeerId, 100, 11));
    }

    [Theory]
    [InlineData(8, PerfService.MaxDownload + 1)]
    [InlineData(3, 0UL)]
    public async Task A_request_that_makes_no_sense_is_reset(int length, ulong wanted)
    {
        await using var one = await TestSwitch.StartAsync();
        await using var two = await TestSwitch.StartAsync();
        _ = new PerfService(two.Switch);
        await one.Switch.DialAsync(two.Address);
        var request = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(request, wanted);
        await using var stream = await one.Switch.OpenStreamAsync(two.PeerId, [PerfService.Protocol]);
        await stream.WriteAsync(request.AsMemory(0, length));
        await stream.CloseWriteAsync();
        await Assert.ThrowsAnyAsync<IOException>(async () => await stream.ReadAsync(new byte[1]));
    }
}
