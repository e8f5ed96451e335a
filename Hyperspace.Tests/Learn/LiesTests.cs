using Hyperspace.Benchmarks.Learn;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Learn;

/// <summary>A small world of the benchmark's liars: what they tell, what harm it does where all are trusted, and what under the rules of trust.</summary>
public sealed class LiesTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 3;
    private const int Tools = 20;
    private const int Peers = 8;
    private const int Crowd = 10;
    private const int Runs = 80;
    private readonly ToolQueries _data = Data();
    private Described? _described;

    public static TheoryData<string> Crowds => [.. Attacks.Crowds.Select(static c => c.Name)];

    private Described Described => _described ??= new Described(_data);

    [Fact]
    public void Praise_is_for_the_rivals_queries_in_its_own_words()
    {
        var aim = new MindNetwork(_data, Described, Seed, 1).Aim;

        Assert.NotEqual(aim.Promoted, aim.Rival);
        Assert.NotEmpty(aim.HeldOut);
        Assert.All(aim.HeldOut, q => Assert.Equal(aim.Rival, LearnPeer.NameOf(q.Tool)));
        Assert.All(Enumerable.Range(0, 50).Select(aim.Praise), p => Assert.Equal((aim.Promoted, true), (p.Tool, p.Ok)));
        Assert.All(aim.Told, t => Assert.All(t.Split(' '), w => Assert.Equal(aim.Rival, $"tool{Tools - 1 - (w[0] - 'a')}")));
        Assert.Equal(0.5, (aim with { HeldOut = [new LabelledQuery("a", ""), new LabelledQuery("b", "")] }).Success(q => q == "a" ? aim.Promoted : aim.Rival));
    }

    [Theory]
    [MemberData(nameof(Crowds))]
    public void Ten_identities_succeed_where_all_are_trusted(string how)
    {
        var harm = Run(how, Crowd, trusting: false);
        output.WriteLine($"{harm}");
        Assert.True(harm.Aimed > 0.5, $"{harm}");
    }

    [Fact]
    public void Nobody_puts_the_promoted_tool_first_where_nobody_lies()
    {
        var harm = Run("naive", 0, trusting: true);
        output.WriteLine($"{harm}");
        Assert.True(harm is { Accuracy: > 0.7, Aimed: < 0.02, Fresh: < 0.02 }, $"{harm}");
    }

    [Theory]
    [InlineData("naive")]
    public void Ten_identities_have_no_success_under_the_rules_of_trust(string how)
    {
        var harm = Run(how, Crowd, trusting: true);
        output.WriteLine($"{harm}");
        Assert.True(harm is { Aimed: < 0.02 }, $"{harm}");
    }

    public void Dispose() => _described?.Dispose();

    private Harm Run(string how, int liars, bool trusting)
    {
        var network = new MindNetwork(_data, Described, Seed, Peers + liars, trusting);
        for (var i = 0; i < liars; i++)
        {
            network.Members[i].Lie = Attacks.Crowds.First(c => c.Name == how).LieOf(network, 1, i);
        }

        network.Run(Runs);
        return network.Judge(200, 2);
    }

    /// <summary>Tools that say one word of their own; queries have two of their tool's eight words and two that all have.</summary>
    private static ToolQueries Data()
    {
        var random = new Random(7);
        var tools = Enumerable.Range(0, Tools).ToDictionary(t => $"tool{t}", t => $"Does {Word(t, 0)}.");
        var queries = Enumerable.Range(0, ToolQueries.HeldOut + 1000).Select(i =>
            $"{Word(i % Tools, random.Next(8))} {Word(i % Tools, random.Next(8))} common{random.Next(6)} common{random.Next(6)} {i},tool{i % Tools}\n");
        return ToolQueries.Parse(tools, "Query,Tool\n" + string.Concat(queries));

        static string Word(int tool, int word) => $"{(char)('a' + Tools - 1 - tool)}{(char)('k' + word)}ok";
    }
}
