namespace Hyperspace.Fuzz.Engine;

/// <summary>A campaign without seeds, corpus and dictionary, told in plain numbers, so that it can be asked of the instrumented world too.</summary>
public static class GuidedProbe
{
    /// <summary>Runs so many executions of a target and returns the inputs that were kept and the edges that were taken.</summary>
    public static int[] Run(string target, int executions)
    {
        var bare = Targets.All.Single(t => t.Name == target) with { Name = "no-corpus", Seeds = () => [], Dictionary = [] };
        var campaign = new Campaign(bare, new CampaignOptions(TimeSpan.FromMinutes(5), Seed: 1) { MaxExecutions = executions });
        campaign.Run();
        return [campaign.Status.Corpus, campaign.Status.Edges];
    }
}
