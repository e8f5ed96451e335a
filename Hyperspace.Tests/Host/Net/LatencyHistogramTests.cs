using Hyperspace.Host.Net;

namespace Hyperspace.Tests.Host.Net;

public class LatencyHistogramTests
{
    [Fact]
    public void Percentiles_are_right_to_one_percent()
    {
        var histogram = new LatencyHistogram();
        Assert.Null(histogram.Percentile(0.5));
        for (var i = 1; i <= 10_000; i++)
        {
            histogram.Add(i / 10.0);
        }

        Assert.InRange(histogram.Percentile(0.5)!.Value, 495, 505);
        Assert.InRange(histogram.Percentile(0.99)!.Value, 980, 1000);
        Assert.Equal(1000, histogram.MaxMilliseconds);
    }

    [Fact]
    public void What_is_out_of_range_counts_at_its_ends()
    {
        var histogram = new LatencyHistogram();
        histogram.Add(0);
        histogram.Add(-1);
        Assert.Equal(0.001, histogram.Percentile(0.5)!.Value, 6);
        histogram.Add(1e12);
        Assert.True(histogram.Percentile(1 - 1e-9) > 1e6);
    }
}
