using System.Globalization;
using Hyperspace.Fuzz.Engine;

namespace Hyperspace.Fuzz;

/// <summary>A campaign that prints how it goes, keeps its findings in the source tree, and gives up an input that never ends.</summary>
internal sealed class ConsoleCampaign(FuzzTarget target, CampaignOptions options)
{
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private const int SecondsBetweenLines = 30;
    private readonly CorpusFolder _corpus = CorpusFolder.Of(target);

    /// <summary>Runs to the end; false when something was found.</summary>
    public bool Run(bool minimise)
    {
        using var last = new LastInput(target.Name);
        var campaign = new Campaign(target, options) { Found = Found, Executing = last.Write };
        Console.WriteLine($"{target.Name}: seed {options.Seed}, {_corpus.Read().Count} inputs in the corpus; the input at hand is in {last.Path}");
        var ticks = 0;
        using (new Timer(_ => Watch(campaign, ++ticks), null, Interval, Interval))
        {
            campaign.Run();
        }

        Print(campaign.Status, "ended");
        if (minimise)
        {
            var essence = campaign.Essence();
            _corpus.Replace(essence);
            Console.WriteLine($"{target.Name}: {essence.Count} inputs, {essence.Sum(e => (long)e.Length)} bytes kept as its corpus");
        }

        return campaign.Findings.Count == 0;
    }

    private void Watch(Campaign campaign, int ticks)
    {
        if (campaign.Current is var (input, since) && since > Hang)
        {
            Found(input, new Finding("hang", $"An input did not end within {Hang.TotalSeconds} s."));
            Environment.Exit(3);
        }

        if (ticks % SecondsBetweenLines == 0)
        {
            Print(campaign.Status, "runs");
        }
    }

    private void Found(byte[] input, Finding finding)
    {
        Console.WriteLine($"{target.Name}: FOUND {finding.Kind}, input kept as {_corpus.AddCrash(input)}: {Convert.ToHexStringLower(input)}");
        Console.WriteLine(finding.Detail);
    }

    private void Print(CampaignStatus status, string state) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{target.Name}: {state} {status.Elapsed.TotalMinutes:F1} min, {status.Executions} executions ({status.Executions / status.Elapsed.TotalSeconds:F0}/s), corpus {status.Corpus}, edges {status.Edges}, findings {status.Findings}"));
}
