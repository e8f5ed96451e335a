using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Tests.Reputation;

/// <summary>Memory is bounded, and what strangers make up does not push out what this peer found out itself.</summary>
public sealed class EvictionTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(50);

    private static readonly string Foretold = ReplaySources.Foretold(ReplaySources.Matrix);
    private static readonly PaidCall Paid = new(Amount.MicroUsdc(1), Now);

    // Every peer that is remembered is one that a stranger made up.
    private static readonly ReputationState Full = Enumerable.Range(0, ReputationState.MaxPeers)
        .Aggregate(ReputationState.Empty("me", 2), (state, i) => Heard(state, $"junk{i}", $"rater{i}", "r"));

    [Fact]
    public void The_memory_of_peers_is_bounded_and_the_least_compared_are_forgotten()
    {
        var state = After(ReputationState.Empty("me", 2), Foretold, new Replay("known", 20, 2));
        state = After(state, Foretold, [.. Enumerable.Range(0, ReputationState.MaxPeers).Select(i => new Replay($"p{i}", 0, 1))]);
        state = After(state, Foretold, new Replay("later", 5, 0));
        Assert.Equal(ReputationState.MaxPeers, state.Peers.Count);
        Assert.Equal((20, 5), (state.Of("known").Own.For, state.Of("later").Own.For));
    }

    [Fact]
    public void Made_up_peers_do_not_shut_newcomers_out()
    {
        var state = Full;
        foreach (var call in Enumerable.Range(0, 5).Select(_ => new ReputationCommands.Called("provider", true, Paid)))
        {
            state = state.Apply(state.Decide(call, Now)!);
        }

        state = After(state, Foretold, new Replay("author", 60, 5), new Replay("liar", 2, 40));
        state = state.Apply(state.Decide(new ReputationCommands.Rate("known", null, null, -1), 1, Now).Events[0]);
        state = Heard(state, "shop", "author", "r");
        Assert.Equal(ReputationState.MaxPeers, state.Peers.Count);
        Assert.Equal((5, 60, Now), (state.Of("provider").PaidCalls, state.Of("author").Own.For, state.Of("liar").CaughtAt));
        Assert.Equal((1, 1), (state.Of("known").Ratings.Count, state.Of("shop").Ratings.Count));
        Assert.Equal(1, TrustTable.Of(state, Now).WeightOf("author"));
    }

    [Fact]
    public void Own_doing_stays_when_own_outcomes_come_by_the_thousands()
    {
        var state = ReputationState.Empty("me", 2);
        state = state.Apply(state.Decide(new ReputationCommands.Called("provider", false, Paid), Now)!);
        state = After(state, Foretold, [new Replay("liar", 2, 40), .. Enumerable.Range(0, 2 * ReputationState.MaxPeers).Select(i => new Replay($"p{i}", 90, 10))]);
        Assert.Equal((1, Now), (state.Of("provider").PaidCalls, state.Of("liar").CaughtAt));
    }

    [Fact]
    public void Who_would_be_forgotten_at_once_is_not_journalled()
    {
        var known = Enumerable.Range(0, ReputationState.MaxPeers).Select(i => new Replay($"p{i:00000}", 10, 1)).ToList();
        var state = After(ReputationState.Empty("me", 2), Foretold, [.. known]);
        Assert.Null(state.Decide(new ReputationCommands.Replayed(ReplaySources.Consensus, [new Replay("new", 3, 0)]), Now));
        Assert.Null(state.Decide(new ReputationCommands.Replayed(Foretold, [.. known, new Replay("new", 1, 0)]), Now));
        Assert.Null(state.Decide(new HeardRating("new", "stranger", Entry("r", 1)), Now));

        var taken = state.Decide(new ReputationCommands.Replayed(Foretold, [.. known, new Replay("new", 20, 0), new Replay("newer", 1, 0)]), Now)!;
        Assert.Equal("new", Assert.Single(taken.Replays).PeerId);
        Assert.Null(state.Apply(taken).Decide(new ReputationCommands.Replayed(Foretold, [.. known, new Replay("new", 20, 0)]), Now));
    }

    [Fact]
    public void Ratings_are_bounded_in_all_and_strangers_lose_theirs_first()
    {
        var state = After(ReputationState.Empty("me", 2), Foretold, new Replay("friend", 60, 5), new Replay("chatter", 60, 5));
        state = state.Apply(state.Decide(new ReputationCommands.Rate("shop", null, null, -1), 1, Now).Events[0]);
        state = Heard(state, "shop", "friend", "r");
        var most = 0;
        for (var i = 0; i < ReputationState.MaxRatings + 4000; i++)
        {
            state = i % 2 == 0
                ? Heard(state, $"junk{i % 1500}", $"rater{i / 1500}", $"{i}", (ulong)i + 100)
                : Heard(state, $"shop{i % 2500}", "chatter", $"{i}", (ulong)i + 100);
            most = i > ReputationState.MaxRatings - 10 && i % 50 == 0 ? Math.Max(most, state.Peers.Values.Sum(p => p.Ratings.Count)) : most;
        }

        Assert.InRange(most, ReputationState.MaxRatings - 100, ReputationState.MaxRatings);
        Assert.Equal(["friend", "me"], state.Of("shop").Ratings.Raters.Keys);

        // Whoever is trusted and says much has pushed out strangers, then itself.
        for (var i = 0; i < ReputationState.MaxRatings; i++)
        {
            state = Heard(state, $"shop{i % 2500}", "chatter", $"again{i}", (ulong)i + 100_000);
        }

        Assert.Equal(["friend", "me"], state.Of("shop").Ratings.Raters.Keys);
        Assert.DoesNotContain(state.Peers, p => p.Key.StartsWith("junk", StringComparison.Ordinal) && p.Value.Ratings.Count > 0);
        Assert.Equal(state.Peers.Values.Sum(p => p.Ratings.Count), Restored(state).Peers.Values.Sum(p => p.Ratings.Count));
    }

    private static ReputationState Restored(ReputationState state) => ReputationSnapshot.Of(state).Restore(ReputationState.Empty("me", 2));

    private static RatingEntry Entry(string receipt, ulong stamp) => new(receipt, -1, 2_000_000, Now, stamp);

    private static ReputationState Heard(ReputationState state, string ratee, string rater, string receipt, ulong stamp = 1) =>
        state.Decide(new HeardRating(ratee, rater, Entry(receipt, stamp)), Now) is { } taken ? state.Apply(taken) : state;

    private static ReputationState After(ReputationState state, string source, params Replay[] replays) =>
        state.Decide(new ReputationCommands.Replayed(source, replays), Now) is { } taken ? state.Apply(taken) : state;
}
