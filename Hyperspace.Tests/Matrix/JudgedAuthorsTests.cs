using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Reputation;

namespace Hyperspace.Tests.Matrix;

public sealed class JudgedAuthorsTests
{
    private const int Kinds = 12;
    private const string Self = "me";

    [Fact]
    public void What_came_on_top_is_told_apart()
    {
        var before = OutcomeSums.Empty.With([1, 2], true).With([2, 3], false);
        var since = before.With([2, 4], true).Since(before);
        Assert.Equal((1ul, 1ul), (since.Outcomes, since.Good));
        Assert.Equal([2u, 4u], since.Terms.ToArray());
        Assert.Equal([1u, 1u], since.GoodCounts.ToArray());
        Assert.Equal([0u, 0u], since.BadCounts.ToArray());
        Assert.Equal(0ul, before.Since(before.With([9], true)).Outcomes);
    }

    [Fact]
    public void A_peer_without_outcomes_hears_the_majority_of_authors()
    {
        using var state = new MatrixState(MatrixStore.Open(null, out _), Self, trust: null);
        foreach (var author in Enumerable.Range(0, 8))
        {
            Tell(state, $"author{author}", runs: author < 2 ? 600 : 60, seed: author, lies: author < 2);
        }

        Assert.Empty(state.Replay());
        var replays = Consensus.Of(state.Voices(), new Random(1)).ToDictionary(r => r.PeerId);
        Assert.All(Enumerable.Range(0, 2), a => Assert.True(replays[$"author{a}"].Disagreed > replays[$"author{a}"].Agreed, replays[$"author{a}"].ToString()));
        Assert.All(Enumerable.Range(2, 6), a => Assert.True(replays[$"author{a}"].Agreed > replays[$"author{a}"].Disagreed, replays[$"author{a}"].ToString()));
        Assert.DoesNotContain(Self, replays.Keys);
    }

    [Fact]
    public void A_sleeper_is_seen_by_what_it_tells_lately()
    {
        using var state = new MatrixState(MatrixStore.Open(null, out _), Self, trust: null);
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var (query, kind) = Query(random);
            state.Learn($"other/tool{kind}", query, good: true, []);
        }

        Tell(state, "sleeper", runs: 500, seed: 1, lies: false);
        state.ReplayRecent();
        for (var i = 0; i < 3; i++)
        {
            Tell(state, "sleeper", runs: 70, seed: 2 + i, lies: true);
            state.ReplayRecent();
        }

        var (all, recent) = (Assert.Single(state.Replay()), Assert.Single(state.ReplayRecent()));
        Assert.True(all.Agreed > 10 * all.Disagreed, all.ToString());
        Assert.True(recent.Disagreed > 10 * recent.Agreed, recent.ToString());
    }

    private static (string Query, int Kind) Query(Random random)
    {
        var kind = random.Next(Kinds);
        return ($"w{kind}x{random.Next(6)} w{kind}x{random.Next(6)} z{random.Next(6)}", kind);
    }

    private static void Tell(MatrixState state, string author, int runs, int seed, bool lies)
    {
        var random = new Random(seed);
        for (var i = 0; i < runs; i++)
        {
            var (query, kind) = Query(random);
            var capability = $"other/tool{(random.Next(2) == 0 ? kind : random.Next(Kinds))}";
            state.Model.Record(author, capability, MatrixTerms.Of(query), (capability == $"other/tool{kind}") != lies);
        }
    }
}
