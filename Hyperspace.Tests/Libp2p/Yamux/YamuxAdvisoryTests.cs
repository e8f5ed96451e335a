using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Tests.Libp2p.Yamux;

/// <summary>Published advisories of other Yamux implementations, held against this one.</summary>
public class YamuxAdvisoryTests
{
    private static readonly TimeSpan Start = TimeSpan.Zero;
    private readonly RecordingHost _host = new();

    /// <summary>CVE-2026-32314: a data frame that opens a stream and announces a byte more than the first window.</summary>
    [Fact]
    public void GHSA_vxx9_2994_q338_an_opening_frame_past_the_window_is_refused_at_its_header()
    {
        var listener = new YamuxSession(dialer: false, new YamuxOptions(), _host);
        var header = Frame(YamuxType.Data, YamuxFlags.Syn, 1, YamuxOptions.InitialWindow + 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<YamuxException>(() => listener.Receive(header, Start));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
        Assert.Empty(_host.Received);
    }

    /// <summary>CVE-2026-31814: window updates whose sum overflows the send window.</summary>
    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData(uint.MaxValue - YamuxOptions.InitialWindow + 1)]
    public void GHSA_4w32_2493_32g7_a_window_never_grows_past_what_a_counter_holds(uint delta)
    {
        var dialer = new YamuxSession(dialer: true, new YamuxOptions(), _host);
        var stream = dialer.Open(Start);
        Assert.Throws<YamuxException>(() => dialer.Receive(Frame(YamuxType.WindowUpdate, YamuxFlags.None, stream.Id, delta), Start));
        Assert.Equal(YamuxOptions.InitialWindow, stream.SendWindow);
    }

    [Fact]
    public void The_largest_window_that_a_counter_holds_is_taken()
    {
        var dialer = new YamuxSession(dialer: true, new YamuxOptions(), _host);
        var stream = dialer.Open(Start);
        dialer.Receive(Frame(YamuxType.WindowUpdate, YamuxFlags.None, stream.Id, uint.MaxValue - YamuxOptions.InitialWindow), Start);
        Assert.Equal(uint.MaxValue, stream.SendWindow);
        Assert.Throws<YamuxException>(() => dialer.Receive(Frame(YamuxType.WindowUpdate, YamuxFlags.None, stream.Id, 1), Start));
    }

    private static byte[] Frame(YamuxType type, YamuxFlags flags, uint id, uint length)
    {
        var frame = new byte[YamuxHeader.Size];
        new YamuxHeader(type, flags, id, length).Write(frame);
        return frame;
    }
}
