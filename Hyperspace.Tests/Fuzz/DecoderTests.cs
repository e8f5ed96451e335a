using System.Globalization;
using Hyperspace.Fuzz;
using Hyperspace.Fuzz.Engine;

namespace Hyperspace.Tests.Fuzz;

/// <summary>Every decoder under what the fuzzer found once, and under new random inputs. The long runs are a command: see ADR-0015.</summary>
public class DecoderTests
{
    private static readonly TimeSpan RandomRun = TimeSpan.FromSeconds(1);

    // Far beyond any input: only a loop that does not end takes so long.
    private static readonly TimeSpan Hang = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Names => [.. Targets.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_decoder_keeps_its_promises_on_every_input_of_its_corpus(string name)
    {
        var target = Target(name);
        var inputs = CorpusFolder.Of(target).Read().Concat(target.Seeds()).ToList();
        byte[] current = [];
        var replay = Task.Run(() =>
        {
            foreach (var input in inputs)
            {
                Volatile.Write(ref current, input);
                Assert.True(Execution.Judge(target, input) is not { } finding, $"{Convert.ToHexStringLower(input)}\n{Execution.Judge(target, input)}");
            }
        });

        await Within(replay, Hang, () => current);
        Assert.NotEmpty(CorpusFolder.Of(target).Read());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_decoder_keeps_its_promises_on_random_inputs(string name)
    {
        var campaign = new Campaign(Target(name), new CampaignOptions(RandomRun, Random.Shared.Next()) { MaxFindings = 1 });
        await Within(Task.Run(campaign.Run), RandomRun + Hang, () => campaign.Current.Input);

        Assert.True(campaign.Findings.Count == 0, string.Join('\n', campaign.Findings.Select(f => $"seed {campaign.Options.Seed}, input {Convert.ToHexStringLower(f.Input)}\n{f.Finding}")));
        Assert.True(campaign.Status.Executions > CorpusFolder.Of(Target(name)).Read().Count, "No time was left for a single new input.");
    }

    private static FuzzTarget Target(string name) => Targets.All.Single(t => t.Name == name);

    private static async Task Within(Task run, TimeSpan limit, Func<byte[]> current)
    {
        try
        {
            await run.WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"An input did not end within {limit.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s: {Convert.ToHexStringLower(current())}");
        }
    }
}
