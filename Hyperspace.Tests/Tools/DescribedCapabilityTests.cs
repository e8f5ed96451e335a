using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Tools;

/// <summary>Skills and agents: described, journalled, told in the capability record, and ranked with tools.</summary>
public class DescribedCapabilityTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_000);

    [Fact]
    public void Skills_and_agents_follow_the_rules_of_tools()
    {
        var described = Assert.IsType<CapabilityDescribed>(Assert.Single(ToolRegistryState.Empty.Decide(new ToolCommands.Describe("skill", "negotiate", "Gets a better price.", ["Trade", "trade"])).Events));
        Assert.Equal(["trade"], described.Capability.Tags);
        var state = ToolRegistryState.Empty.Apply(described);
        Assert.Empty(state.Decide(new ToolCommands.Describe("skill", "negotiate", "Gets a better price.", ["trade"])).Events);
        Assert.Equal("agent/negotiate", Assert.Single(state.Decide(new ToolCommands.Describe("agent", "negotiate", "x", [])).Names));
        Assert.Equal(ErrorCodes.InvalidParams, state.Decide(new ToolCommands.Describe("tool", "x", "x", [])).Refusal?.Code);
        Assert.Equal(ErrorCodes.InvalidParams, state.Decide(new ToolCommands.Describe("skill", "a/b", "x", [])).Refusal?.Code);
        Assert.Equal(ErrorCodes.TooLarge, state.Decide(new ToolCommands.Describe("skill", "x", new string('x', 9000), [])).Refusal?.Code);
        Assert.Equal(ErrorCodes.NotFound, state.Decide(new ToolCommands.Withdraw("agent", "negotiate")).Refusal?.Code);
        Assert.Empty(state.Apply(Assert.Single(state.Decide(new ToolCommands.Withdraw("skill", "negotiate")).Events)).Described);
    }

    [Fact]
    public void A_record_carries_them_and_leaves_out_what_breaks_a_rule()
    {
        using var keys = KeyPair.Generate();
        var record = new CapabilityRecord
        {
            Sequence = 1,
            Others =
            {
                new CapabilityDescriptor { Type = "skill", Name = "negotiate", Description = "Gets a better price.", Tags = { "trade" } },
                new CapabilityDescriptor { Type = "planet", Name = "mars", Description = "Red." },
                new CapabilityDescriptor { Type = "agent", Name = "no name", Description = "Unnamed." },
            },
        };
        var envelope = SignedEnvelope.Seal(keys, EnvelopeTypes.Capabilities, Google.Protobuf.MessageExtensions.ToByteArray(record), new HybridTime((ulong)Now.ToUnixTimeMilliseconds(), 0), CapabilityRecords.Lifetime);
        var opened = CapabilityRecords.Open(envelope.Bytes, Now, out _);
        Assert.Equal("skill/negotiate", Assert.Single(opened!.Described).Path);
    }

    [Fact]
    public void With_the_matrix_its_scores_stand_for_the_querys_and_an_exact_name_comes_first()
    {
        var tools = new[] { "weather", "sky", "rain-papers", "other" }.Select(n => new DiscoveredTool("p/" + n, ToolRegistryStateTests.Tool(n, n == "other" ? "rain too" : ""), "p", 0.5, 0, Tiers.Registry)).ToList();
        var matrix = new Dictionary<string, double> { ["p/sky"] = 0.9, ["p/rain-papers"] = 0.4 };
        Assert.Equal(["sky", "rain-papers", "other"], ToolRanking.Rank("rain", [], tools, matrix).Select(t => t.Definition.Name));
        Assert.Equal(["weather", "sky", "rain-papers"], ToolRanking.Rank("weather", [], tools, matrix).Select(t => t.Definition.Name));
        Assert.All(ToolRanking.Rank("rain", [], tools, matrix), t => Assert.InRange(t.Score, 0.000001, 1));
    }
}
