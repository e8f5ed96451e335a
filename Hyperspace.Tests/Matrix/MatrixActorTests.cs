using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Matrix;

/// <summary>What one peer learns, every peer knows; also who comes late, and after a restart.</summary>
public class MatrixActorTests
{
    private const string Query = "will it rain tomorrow in Lisbon?";
    private static readonly string Provider = KeyPair.FromSeed([.. Enumerable.Repeat((byte)77, 32)]).PeerId.ToString();
    private static readonly Capability Paper = Tool("papers", "Finds research papers about rain, physics and more.");
    private static readonly Capability Sky = Tool("sky", "Knows the sky over every city.");

    [Fact]
    public async Task A_vote_changes_the_ranking_here_and_through_gossip_everywhere()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        await using var bob = await mesh.JoinAsync(2);
        Offer(alice, bob);
        Assert.Equal(Paper.Id, (await alice.SearchAsync(Query))[0].Capability.Id);
        Assert.Equal(new MatrixVoteTaken(1), await alice.Ask<object>(new MatrixCommands.Feedback(Paper.Id, Query, -1)));
        for (ulong i = 1; i <= 3; i++)
        {
            Assert.Equal(new MatrixVoteTaken(i), await alice.Ask<object>(new MatrixCommands.Feedback(Sky.Id, Query, 1)));
        }

        await EventuallyFirst(bob, "will it rain in Porto tomorrow?", Sky.Id);
        var hit = (await alice.SearchAsync(Query))[0];
        Assert.Equal(Sky.Id, hit.Capability.Id);
        Assert.InRange(hit.Score, 0.000001, 1);
        Assert.Contains("served", hit.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_is_told_again_counts_once_also_after_a_restart()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        var run = new MatrixCommands.Observe("run", Query, [new CapabilityOutcome(Sky.Id, true), new CapabilityOutcome(Sky.Id, false), new CapabilityOutcome("no capability", true)]);
        Assert.Equal("run", (await alice.Ask<RunObserved>(run)).RunId);
        await alice.Ask<RunObserved>(run);
        await alice.Engine.RestartAsync();
        await alice.Ask<RunObserved>(run);
        Assert.Equal(3UL, (await alice.Ask<MatrixVoteTaken>(new MatrixCommands.Feedback(Sky.Id, Query, 1))).Outcomes);
    }

    [Fact]
    public async Task Runs_go_out_as_a_delta_and_who_comes_late_has_the_whole_model_soon()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        await using var bob = await mesh.JoinAsync(2);
        Offer(alice, bob);
        for (var i = 0; i < 4; i++)
        {
            alice.Tell(new MatrixCommands.Observe($"run {i}", Query, [new CapabilityOutcome(Sky.Id, true)]));
        }

        await EventuallyFirst(bob, Query, Sky.Id);

        // Carol hears no gossip at all, and knows only bob's copy of what alice signed.
        await using var carol = await mesh.JoinAsync(3, hearsGossip: false, isConnected: true);
        Offer(carol);
        await EventuallyFirst(carol, Query, Sky.Id);
        await carol.Engine.RestartAsync();
        await EventuallyFirst(carol, Query, Sky.Id);
    }

    [Fact]
    public async Task No_secret_of_a_query_leaves_the_peer()
    {
        const string Secret = "jane.doe@example.com";
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        Offer(alice);
        await alice.Ask<MatrixVoteTaken>(new MatrixCommands.Feedback(Sky.Id, $"send the weather to {Secret}", 1));
        var published = await Eventually.SeenAsync(() => Task.FromResult(mesh.Published.Where(p => p.Topic == Topics.MatrixFeedback).ToList()), votes => votes.Count > 0);
        var vote = MatrixGossip.ReadVotes(SignedEnvelope.Open(published.Single().Data, DateTimeOffset.UtcNow, out _)!)!.Votes.Single();
        Assert.Equal("send the weather to [redacted:email]", vote.Query);

        // What the placeholders make too long is refused, not cut.
        var many = string.Concat(Enumerable.Repeat("a@b.co ", MatrixGossip.MaxQuery / 7));
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Feedback(Sky.Id, many, 1))).Code);
    }

    [Fact]
    public async Task Votes_survive_a_restart_and_count_on_from_there()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        Offer(alice);
        await alice.Ask<MatrixVoteTaken>(new MatrixCommands.Feedback(Sky.Id, Query, 1));
        await alice.Ask<MatrixVoteTaken>(new MatrixCommands.Feedback(Sky.Id, Query, 1));
        await alice.Engine.RestartAsync();
        Assert.Equal(Sky.Id, (await alice.SearchAsync(Query))[0].Capability.Id);
        Assert.Equal(new MatrixVoteTaken(3), await alice.Ask<object>(new MatrixCommands.Feedback(Sky.Id, Query, 1)));
    }

    [Fact]
    public async Task What_can_not_be_answered_is_refused_with_what_to_do()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Search(" ", [], 10))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Search("x", ["thing"], 10))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Search("x", [], 101))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Feedback(Sky.Id, Query, 2))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Feedback("sky", Query, 1))).Code);
        Assert.Equal(ErrorCodes.InvalidParams, (await alice.Ask<Refusal>(new MatrixCommands.Feedback(Sky.Id, "?!", 1))).Code);
        Assert.Equal(ErrorCodes.OperationDenied, (await alice.Ask<Refusal>(new MatrixCommands.Feedback($"{alice.Id}/sky", Query, 1))).Code);
    }

    [Fact]
    public async Task What_a_peer_offers_replaces_what_it_offered_and_is_never_anothers()
    {
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(1);
        Offer(alice);
        alice.Tell(new MatrixMessages.Offered(Provider, [Paper, Sky with { Id = $"{alice.Id}/sky", PeerId = alice.Id }], DateTimeOffset.MaxValue));
        Assert.Equal([Paper.Id], (await alice.SearchAsync("sky rain papers city")).Select(h => h.Capability.Id));
    }

    private static Capability Tool(string name, string description) => new($"{Provider}/{name}", "tool", name, description, ["test"], Provider);

    private static void Offer(params MatrixMesh.Peer[] peers)
    {
        foreach (var peer in peers)
        {
            peer.Tell(new MatrixMessages.Offered(Provider, [Paper, Sky], DateTimeOffset.MaxValue));
        }
    }

    private static Task EventuallyFirst(MatrixMesh.Peer peer, string query, string id) =>
        Eventually.SeenAsync(() => peer.SearchAsync(query), hits => hits.Count > 0 && hits[0].Capability.Id == id, what: $"{id} comes first");
}
