using Hyperspace.Fuzz;
using Hyperspace.Fuzz.Engine;

namespace Hyperspace.Tests.Fuzz;

/// <summary>The fuzzer itself: it finds what is there, says so once, and is guided by what the library executes.</summary>
public class EngineTests
{
    [Fact]
    public void An_exception_that_is_not_the_protocols_own_is_found_and_its_input_made_small()
    {
        var target = Planted(input =>
        {
            if (input.Contains((byte)0x7f))
            {
                throw new InvalidOperationException("planted");
            }
        });

        var campaign = Run(target, executions: 20_000);

        var (input, finding) = Assert.Single(campaign.Findings);
        Assert.Equal(nameof(InvalidOperationException), finding.Kind);
        Assert.Equal([0x7f], input);
    }

    [Fact]
    public void The_protocols_own_error_is_no_finding() =>
        Assert.Empty(Run(Planted(_ => throw new FormatException("as promised")), executions: 1000).Findings);

    [Fact]
    public void An_allocation_by_a_length_that_nobody_checked_is_found()
    {
        var target = Planted(input => GC.KeepAlive(new byte[input.Length > 1 ? input[0] << 16 : 0]));

        var (_, finding) = Assert.Single(Run(target, executions: 20_000).Findings);
        Assert.Equal("allocation", finding.Kind);
    }

    [Fact]
    public void An_input_that_takes_seconds_is_found()
    {
        var target = Planted(input =>
        {
            if (input is [1, ..])
            {
                Thread.Sleep(Execution.Slow + TimeSpan.FromMilliseconds(1));
            }
        });

        Assert.Equal("slow", Execution.Judge(target, [1])?.Kind);
        Assert.Null(Execution.Judge(target, [0]));
    }

    [Fact]
    public void The_same_seed_makes_the_same_inputs()
    {
        var first = new List<byte[]>();
        var second = new List<byte[]>();
        Run(Planted(input => first.Add(input.ToArray())), executions: 500);
        Run(Planted(input => second.Add(input.ToArray())), executions: 500);

        Assert.True(first.Count >= 500);
        Assert.Equal(first, second);
    }

    [Fact]
    public void Guided_by_coverage_a_campaign_works_its_way_from_nothing_into_the_decoder()
    {
        const int Executions = 20_000;
        var instrumented = new InstrumentedLibrary().Program.GetType(typeof(GuidedProbe).FullName!)!;
        var guided = (int[])instrumented.GetMethod(nameof(GuidedProbe.Run))!.Invoke(null, ["multiaddr", Executions])!;
        var blind = GuidedProbe.Run("multiaddr", Executions);

        // { inputs kept, edges taken }: without instrumentation there is nothing to be guided by.
        Assert.True(guided[0] > 30 && guided[1] > 100, $"{guided[0]} inputs, {guided[1]} edges");
        Assert.Equal([1, 0], blind);
    }

    private static FuzzTarget Planted(FuzzBody body) => new("planted", body, () => [[0, 0, 0, 0]]) { Expects = e => e is FormatException };

    private static Campaign Run(FuzzTarget target, int executions)
    {
        var campaign = new Campaign(target, new CampaignOptions(TimeSpan.FromMinutes(5), Seed: 1) { MaxExecutions = executions });
        campaign.Run();
        return campaign;
    }
}
