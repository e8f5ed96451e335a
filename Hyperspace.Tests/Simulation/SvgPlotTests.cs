using System.Xml.Linq;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Tests.Simulation;

public class SvgPlotTests
{
    [Fact]
    public void A_plot_is_well_formed_and_has_a_point_for_every_figure()
    {
        var svg = XDocument.Parse(SvgPlot.Render("peers", [new PlotPanel("a < b", [new PlotSeries("x & y", [(100, 1), (1000, 20), (10_000, 30)]), new PlotSeries("z", [(100, 3)])])]));
        XNamespace names = "http://www.w3.org/2000/svg";
        var circles = svg.Descendants(names + "circle").ToList();
        Assert.Equal(4, circles.Count);
        Assert.Equal(["0", "125", "250", "0"], circles.Select(c => c.Attribute("cx")!.Value));
        Assert.Contains(svg.Descendants(names + "text"), t => t.Value == "a < b");
    }

    [Theory]
    [InlineData(0.3, 0.4)]
    [InlineData(1, 1)]
    [InlineData(199, 200)]
    [InlineData(201, 400)]
    [InlineData(999, 1000)]
    public void Scales_end_at_round_numbers(double value, double end) => Assert.Equal(end, SvgPlot.RoundUp(value), 9);
}
