using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.PubSub;
using static Hyperspace.Tests.Tools.ToolRegistryStateTests;

namespace Hyperspace.Tests.Tools;

public class DiscoveryTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_000);
    private static readonly TimeProvider Time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(Now);

    [Fact]
    public void Names_and_tags_beat_descriptions_and_equal_ones_go_by_id()
    {
        var ranked = Rank("search", [], Tool("b", "can search"), Tool("docs-search"), Tool("search"), Tool("c", "", "search"), Tool("a", "can search"), Tool("other"));
        Assert.Equal(["search", "c", "docs-search", "a", "b"], ranked.Select(t => t.Definition.Name));
        Assert.All(ranked, t => Assert.InRange(t.Score, 0.000001, 1));
    }

    [Fact]
    public void With_nothing_asked_for_all_tools_come_by_id() =>
        Assert.Equal(["a", "b"], Rank(null, [], Tool("b"), Tool("a")).Select(t => t.Definition.Name));

    [Fact]
    public void A_capability_is_a_condition_and_more_of_them_rank_higher() =>
        Assert.Equal(["both", "one"], Rank("", ["search", "scraping"], Tool("one", "", "search"), Tool("none"), Tool("both", "", "search", "scraping")).Select(t => t.Definition.Name));

    [Fact]
    public void The_first_tier_keeps_a_tool_and_the_filters_hold()
    {
        var (plan, _) = DiscoveryPlan.Of(new ToolCommands.Discover("x", [], null, Amount.MicroUsdc(5), 2, TimeSpan.FromSeconds(1)), _ => Standing.Unknown);
        using var keys = KeyPair.Generate();
        plan!.Add(Tiers.Dht, keys.PeerId, [Tool("x") with { Price = Amount.MicroUsdc(6) }, Tool("x-1")]);
        plan.Add(Tiers.Gossip, keys.PeerId, [Tool("x-1"), Tool("x-2")]);
        Assert.True(plan.IsSatisfied);
        Assert.Equal([("x-1", Tiers.Dht), ("x-2", Tiers.Gossip)], plan.Best().Select(t => (t.Definition.Name, t.Tier)));
    }

    [Fact]
    public void Peers_nobody_has_rated_pass_any_reputation_asked_for_and_are_marked()
    {
        var (plan, _) = DiscoveryPlan.Of(new ToolCommands.Discover("x", [], 0.8, null, 2, TimeSpan.FromSeconds(1)), _ => Standing.Unknown);
        using var keys = KeyPair.Generate();
        plan!.Add(Tiers.Dht, keys.PeerId, [Tool("x")]);
        Assert.Equal(Standing.Unknown, Assert.Single(plan.Best()).Reputation);
        Assert.True(Standing.Passes(0.8, 0.8));
        Assert.True(Standing.Passes(0.1, null));
        Assert.False(Standing.Passes(0.79, 0.8));
    }

    [Fact]
    public void Reputation_is_shown_filters_and_breaks_ties()
    {
        using var good = KeyPair.Generate();
        using var bad = KeyPair.Generate();
        foreach (var least in new double?[] { null, 0.5 })
        {
            var (plan, _) = DiscoveryPlan.Of(new ToolCommands.Discover("x", [], least, null, 2, TimeSpan.FromSeconds(1)), peer => peer == good.PeerId.ToString() ? 0.9 : 0.2);
            plan!.Add(Tiers.Dht, bad.PeerId, [Tool("x")]);
            plan.Add(Tiers.Dht, good.PeerId, [Tool("x")]);
            Assert.Equal(least is null ? [0.9, 0.2] : [0.9], plan.Best().Select(t => t.Reputation));
        }
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(201, 1000)]
    [InlineData(5, 0)]
    [InlineData(5, 600_000)]
    public void Commands_over_their_limits_are_refused(int limit, int timeoutMs) =>
        Assert.Equal(ErrorCodes.InvalidParams, DiscoveryPlan.Of(new ToolCommands.Discover(null, [], null, null, limit, TimeSpan.FromMilliseconds(timeoutMs)), _ => Standing.Unknown).Refusal?.Code);

    [Fact]
    public void The_dht_is_asked_for_tags_names_and_words()
    {
        var (plan, _) = DiscoveryPlan.Of(new ToolCommands.Discover("Web-Research tool", ["Search"], null, null, 1, TimeSpan.FromSeconds(1)), _ => Standing.Unknown);
        Assert.Equal(["search", "web-research", "tool", "web", "research"], plan!.RoutingTags());
    }

    [Fact]
    public void The_cache_keeps_the_higher_sequence_and_forgets_who_was_used_longest_ago()
    {
        using KeyPair a = KeyPair.Generate(), b = KeyPair.Generate(), c = KeyPair.Generate();
        var cache = new CapabilityCache(2).Offer(Of(a, 2), Tiers.Dht, Now).Offer(Of(b, 1), Tiers.Gossip, Now);
        Assert.Equal(2UL, cache.Offer(Of(a, 1), Tiers.Gossip, Now).Find(a.PeerId)!.Record.Sequence);
        Assert.Equal((3UL, Tiers.Dht), cache.Offer(Of(a, 3), Tiers.Gossip, Now).Find(a.PeerId) is { } known ? (known.Record.Sequence, known.Tier) : default);
        cache = cache.Touch(a.PeerId).Offer(Of(c, 1), Tiers.Gossip, Now);
        Assert.Equal(2, cache.Count);
        Assert.Null(cache.Find(b.PeerId));
        Assert.Equal(0, cache.Expire(Now + TimeSpan.FromSeconds(1)).Count);
    }

    [Fact]
    public void The_dht_takes_a_record_only_under_its_authors_key_and_picks_the_highest_sequence()
    {
        using KeyPair a = KeyPair.Generate(), b = KeyPair.Generate();
        var validator = new CapabilityRecordValidator(Time);
        byte[] older = Sealed(a, 1), newer = Sealed(a, 2);
        Assert.True(validator.IsValid(CapabilityRecords.KeyOf(a.PeerId), older));
        Assert.False(validator.IsValid(CapabilityRecords.KeyOf(b.PeerId), older));
        Assert.False(validator.IsValid("/hyperspace/other"u8, older));
        Assert.Equal(1, validator.Select(CapabilityRecords.KeyOf(a.PeerId), [older, newer, older]));
        for (var i = 0; i < older.Length; i += 7)
        {
            var damaged = older.ToArray();
            damaged[i] ^= 0x55;
            Assert.False(validator.IsValid(CapabilityRecords.KeyOf(a.PeerId), damaged));
        }
    }

    [Fact]
    public void The_capability_topics_take_records_and_queries_only_where_they_belong()
    {
        using KeyPair a = KeyPair.Generate(), b = KeyPair.Generate();
        var record = Sealed(a, 1);
        var query = SignedEnvelope.Seal(a, EnvelopeTypes.CapabilityQuery, new byte[0], Stamp).Bytes;
        var other = SignedEnvelope.Seal(a, EnvelopeTypes.Trajectory, new byte[0], Stamp).Bytes;
        Assert.Equal(Validation.Accept, CapabilityGossip.Judge(Topics.Capabilities, record, Now));
        Assert.Equal(Validation.Accept, CapabilityGossip.Judge(Topics.CapabilitiesOf(a.PeerId.ToString()), record, Now));
        Assert.Equal(Validation.Reject, CapabilityGossip.Judge(Topics.CapabilitiesOf(b.PeerId.ToString()), record, Now));
        Assert.Equal(Validation.Accept, CapabilityGossip.Judge(Topics.Capabilities, query, Now));
        Assert.Equal(Validation.Reject, CapabilityGossip.Judge(Topics.CapabilitiesOf(a.PeerId.ToString()), query, Now));
        Assert.Equal(Validation.Reject, CapabilityGossip.Judge(Topics.Capabilities, other, Now));
        Assert.Equal(Validation.Reject, CapabilityGossip.Judge(Topics.Capabilities, new byte[40], Now));
    }

    private static HybridTime Stamp => new((ulong)Now.ToUnixTimeMilliseconds(), 0);

    private static byte[] Sealed(KeyPair keys, ulong sequence) => SignedEnvelope.Seal(
        keys,
        EnvelopeTypes.Capabilities,
        Google.Protobuf.MessageExtensions.ToByteArray(new Contracts.Wire.CapabilityRecord { Sequence = sequence, Tools = { ToolDescriptors.ToWire(Tool("t")) } }),
        Stamp,
        CapabilityRecords.Lifetime).Bytes.ToArray();

    private static PeerCapabilities Of(KeyPair keys, ulong sequence) => CapabilityRecords.Open(Sealed(keys, sequence), Now, out _)!;

    private static IReadOnlyList<DiscoveredTool> Rank(string? query, string[] capabilities, params ToolDefinition[] tools) =>
        ToolRanking.Rank(query, capabilities, [.. tools.Select(t => new DiscoveredTool(t.Name, t, "p", 0.5, 0, Tiers.Registry))]);
}
