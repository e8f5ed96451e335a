using Hyperspace.Benchmarks.Learn;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Learn;

/// <summary>A small world of the benchmark's liars: what they tell, and that what they tell does harm where nobody defends himself.</summary>
public class LiesTests(ITestOutputHelper output)
{
    private const int Peers = 8;
    private const int Crowd = 10;
    private const int Runs = 96;
    private const int HeldOut = ToolQueries.HeldOut;

    public static TheoryData<string> Crowds => [.. Attacks.Crowds.Select(static c => c.Name)];

    [Fact]
    public void Praise_is_for_the_rivals_queries_in_its_own_words()
    {
        var (data, described) = World();
        using var _ = described;
        var aim = new MindNetwork(data, described, 3, 1).Aim;

        Assert.NotEqual(aim.Promoted, aim.Rival);
        Assert.All(aim.HeldOut, q => Assert.Equal(aim.Rival, LearnPeer.NameOf(q.Tool)));
        Assert.All(Enumerable.Range(0, 50).Select(aim.Praise), p => Assert.Equal((aim.Promoted, true), (p.Tool, p.Ok)));
        var letter = aim.Rival["tool".Length..];
        Assert.All(aim.Told, t => Assert.All(t.Split(' '), w => Assert.StartsWith(WordPrefix(int.Parse(letter, System.Globalization.CultureInfo.InvariantCulture)), w, StringComparison.Ordinal)));
        Assert.Equal(0.5, (aim with { HeldOut = [new LabelledQuery("a", ""), new LabelledQuery("b", "")] }).Success(q => q == "a" ? aim.Promoted : aim.Rival));
    }

    [Theory]
    [MemberData(nameof(Crowds))]
    public void Ten_identities_succeed_where_all_are_trusted(string how)
    {
        var clean = Run(how, liars: 0, trusting: true);
        var undefended = Run(how, Crowd, trusting: false);
        var defended = Run(how, Crowd, trusting: true);
        output.WriteLine($"no liar {clean}\nall trusted {undefended}\nunder the rules {defended}");
        Assert.True(clean.Aimed < 0.1 && undefended.Aimed > 0.5, $"{undefended} of {clean}");
    }

    private static Harm Run(string how, int liars, bool trusting)
    {
        var (data, described) = World();
        using var _ = described;
        var network = new MindNetwork(data, described, 3, Peers + liars, trusting);
        for (var i = 0; i < liars; i++)
        {
            network.Members[i].Lie = Attacks.Crowds.First(c => c.Name == how).LieOf(network, 1, i);
        }

        network.Run(Runs);
        return network.Judge(200, 2);
    }

    private static string WordPrefix(int tool) => $"{(char)('a' + (tool / 5))}{(char)('k' + (tool % 5))}";

    /// <summary>Twenty tools that say a little of themselves; queries have two of their tool's eight words and two that all have.</summary>
    private static (ToolQueries Data, Described Described) World()
    {
        var random = new Random(7);
        var tools = Enumerable.Range(0, 20).ToDictionary(t => $"tool{t}", t => $"Does {Word(t, 0)} and {Word(t, 1)}.");
        var queries = Enumerable.Range(0, HeldOut + 4000).Select(i => (Tool: i % 20, Number: i)).Select(q =>
            $"{Word(q.Tool, random.Next(8))} {Word(q.Tool, random.Next(8))} common{random.Next(6)} common{random.Next(6)} {q.Number},tool{q.Tool}\n");
        var data = ToolQueries.Parse(tools, "Query,Tool\n" + string.Concat(queries));
        return (data, new Described(data));

        static string Word(int tool, int word) => $"{WordPrefix(tool)}{(char)('b' + word)}ok";
    }
}
