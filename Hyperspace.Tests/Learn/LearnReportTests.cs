using Hyperspace.Benchmarks.Learn;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Tests.Learn;

public class LearnReportTests
{
    [Theory]
    [InlineData(0.9, 1, true)]
    [InlineData(0.89, 1, false)]
    [InlineData(double.NaN, 1, false)]
    [InlineData(1, double.NaN, false)]
    [InlineData(1, 0, false)]
    public void A_bar_from_below_is_met_by_numbers_only(double value, double beside, bool met) =>
        Assert.Equal(met, ReportOf(new Figure("accuracy", value, "", beside, "clean", RatioAtLeast: 0.9)).IsMet);

    [Theory]
    [InlineData(2, 1, true)]
    [InlineData(2.1, 1, false)]
    [InlineData(0, 0, true)]
    [InlineData(0.1, 0, false)]
    [InlineData(double.NaN, 1, false)]
    public void A_bar_from_above_is_met_by_numbers_only(double value, double beside, bool met) =>
        Assert.Equal(met, ReportOf(new Figure("success", value, "", beside, "clean", RatioAtMost: 2)).IsMet);

    [Fact]
    public void A_figure_without_a_bar_misses_none_and_a_missing_number_can_be_written()
    {
        var report = ReportOf(new Figure("bytes", double.NaN, "B"));

        Assert.True(report.IsMet);
        Assert.Contains("NaN", report.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_gone_when_it_was_last_looked_has_not_come_back()
    {
        Assert.Equal(0, Attacks.Recovery(under: 0));
        Assert.Equal(96 + MindNetwork.RunsPerRound, Attacks.Recovery(under: 96));
        Assert.Equal(double.PositiveInfinity, Attacks.Recovery(under: Attacks.Watched));
    }

    [Fact]
    public void Times_are_told_as_a_median_and_how_many_seeds_came_to_an_end()
    {
        var figures = new PoisonFigures(_ => { });
        foreach (var runs in (double[])[16, double.PositiveInfinity, 96, 0])
        {
            figures.Add("back for good", runs);
        }

        Assert.Equal(["back for good", "56", "16, never, 96, 0", "3 of 4"], figures.ToTimes(240).Rows.Single());
        Assert.Equal(double.PositiveInfinity, PoisonFigures.MedianOf([16, double.PositiveInfinity, double.PositiveInfinity]));
    }

    private static LearnReport ReportOf(Figure figure) =>
        new(new LearnSettings(ToolQueries.Parse(new Dictionary<string, string>(), "Query,Tool\n"), 1, 1, 1, 0, 1, 0, []), [new LearnPart("poison", [], [figure], [])]);
}
