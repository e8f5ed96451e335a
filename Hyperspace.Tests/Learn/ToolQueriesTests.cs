using Hyperspace.Benchmarks.Learn;

namespace Hyperspace.Tests.Learn;

public class ToolQueriesTests
{
    private static readonly Dictionary<string, string> Tools = new() { ["Weather"] = "Forecasts.", ["PDF&URLTool"] = "Reads documents." };

    [Fact]
    public void Fields_in_quotes_have_commas_quotes_and_line_ends()
    {
        var data = ToolQueries.Parse(Tools, "Query,Tool\r\nWill it rain?,Weather\r\n\"Read \"\"this\"\",\nplease\",PDF&URLTool\r\n");

        Assert.Equal([new LabelledQuery("Will it rain?", "Weather"), new LabelledQuery("Read \"this\",\nplease", "PDF&URLTool")], data.Queries.ToList());
    }

    [Theory]
    [InlineData("")]
    [InlineData("Tool,Query\nWeather,Will it rain?\n")]
    [InlineData("Query,Tool\nWill it rain?,Unknown\n")]
    [InlineData("Query,Tool\nWill it rain?\n")]
    public void What_is_not_as_it_should_be_is_told(string csv) =>
        Assert.Throws<InvalidDataException>(() => ToolQueries.Parse(Tools, csv));

    [Fact]
    public void A_split_is_the_same_for_its_seed_and_has_no_query_on_both_sides()
    {
        var csv = "Query,Tool\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"query {i / 2},Weather\n"));
        var data = ToolQueries.Parse(Tools, csv);
        var (split, again, other) = (data.Split(1, 5), data.Split(1, 5), data.Split(2, 5));

        Assert.Equal((15, 5), (split.Train.Length, split.HeldOut.Length));
        Assert.Empty(split.Train.Intersect(split.HeldOut));
        Assert.Equal(split.HeldOut.ToList(), again.HeldOut.ToList());
        Assert.NotEqual(split.HeldOut.ToList(), other.HeldOut.ToList());
        Assert.Throws<InvalidDataException>(() => data.Split(1, 20));
    }

    [Fact]
    public void A_judgement_tells_right_firsts_and_whose_queries_a_tool_takes()
    {
        var judged = Judgement.Of(
            [new LabelledQuery("a", "Weather"), new LabelledQuery("b", "Weather"), new LabelledQuery("c", "PDF&URLTool"), new LabelledQuery("d", "Weather")],
            ["Weather", "PDF_URLTool", "PDF_URLTool", null]);

        Assert.Equal(0.5, judged.Accuracy);
        Assert.Equal(1 / 3.0, judged.FalseFirsts["PDF_URLTool"]);
        Assert.DoesNotContain("Weather", judged.FalseFirsts.Keys);
    }
}
