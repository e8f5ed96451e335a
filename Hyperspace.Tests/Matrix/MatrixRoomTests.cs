using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Reputation;
using Hyperspace.Tests.Reputation;

namespace Hyperspace.Tests.Matrix;

/// <summary>Who finds room, and how much anybody can take.</summary>
public sealed class MatrixRoomTests
{
    private const string Self = "me";
    private static readonly OutcomeSums One = OutcomeSums.Empty.With([7], good: true);

    [Fact]
    public void At_most_authors_this_peer_still_learns_from_itself()
    {
        using var state = new MatrixState(MatrixStore.Open(null, out _), Self, trust: null);
        Fill(state.Model, Enumerable.Range(0, MatrixModel.MaxAuthors));
        Assert.Equal(1UL, state.Learn("dora/weather", "rain", good: true, []));
        Assert.Equal(2UL, state.Learn("dora/weather", "rain", good: true, []));
        Assert.Equal(1UL, state.Learn(Self + "/tool", "rain", good: true, []));
        Assert.Equal(MatrixModel.MaxAuthors + 2, state.Model.Authors.Count);
        Assert.Equal(SumsFate.Refused, state.Model.Merge("another", "dora/weather", One));
    }

    [Fact]
    public void Of_too_many_authors_those_stay_that_weigh_most_and_told_most_in_any_order()
    {
        var trust = new FixedTrust(a => a.StartsWith("trusted", StringComparison.Ordinal) ? 1 : 0);
        var newcomers = Enumerable.Range(0, 12).Select(i => ($"trusted{i}", 1UL)).Concat([("stranger3", 3UL), ("stranger2", 2UL), ("a stranger", 1UL), ("stranger4", 4UL)]).ToList();
        var (one, other) = (Filled(newcomers), Filled(Enumerable.Reverse(newcomers)));
        Assert.Equal(one, other);
        Assert.Equal(MatrixModel.MaxAuthors, one.Count);
        Assert.All(newcomers.Where(n => n.Item1 != "a stranger"), n => Assert.Contains(n.Item1, one));
        Assert.DoesNotContain("a stranger", one);

        List<string> Filled(IEnumerable<(string Author, ulong Outcomes)> come)
        {
            var model = new MatrixModel(Self);
            Fill(model, Enumerable.Range(0, MatrixModel.MaxAuthors));
            model.Record(Self, "dora/weather", [7], good: true);
            var room = new MatrixRoom(model, new MatrixProofs(), trust);
            foreach (var (author, outcomes) in come)
            {
                if (room.Admits(author, outcomes))
                {
                    var sums = Enumerable.Range(0, (int)outcomes).Aggregate(OutcomeSums.Empty, (s, _) => s.With([7], good: true));
                    model.Merge(author, "dora/weather", sums);
                }
            }

            Assert.Equal(1UL, model.OutcomesOf(Self));
            return [.. model.Others.Order(StringComparer.Ordinal)];
        }
    }

    [Fact]
    public void An_author_that_weighs_nothing_does_not_take_the_place_of_one_that_is_trusted()
    {
        using var state = new MatrixState(MatrixStore.Open(null, out _), Self, new FixedTrust(a => a == "mallory" ? 0 : 1));
        Fill(state.Model, Enumerable.Range(0, MatrixModel.MaxAuthors));
        var vote = new Contracts.Wire.MatrixVote { Capability = "dora/weather", Ordinal = 1, Query = "rain", Vote = 1 };
        Assert.Equal(VoteFate.Refused, state.Take("mallory", vote, mayValidate: () => false));
        Assert.Equal(VoteFate.Early, state.Take("zoe", new(vote) { Ordinal = 2 }, mayValidate: () => false));
        Assert.Equal(0UL, state.Model.OutcomesOf("zoe"));
        Assert.Equal(VoteFate.Applied, state.Take("zoe", vote, mayValidate: () => false));
        Assert.Equal(MatrixModel.MaxAuthors, state.Model.Authors.Count);
    }

    [Fact]
    public void Known_authors_that_grow_do_not_take_more_than_there_is_and_lose_it_themselves()
    {
        const int Most = 40_000;
        using var state = new MatrixState(MatrixStore.Open(null, out _), Self, new FixedTrust(_ => 0), Most);
        var honest = new Contracts.Wire.MatrixVote { Capability = "dora/weather", Ordinal = 1, Query = "rain", Vote = 1 };
        Assert.Equal(VoteFate.Applied, state.Take("honest", honest, mayValidate: () => false));
        for (var capability = 0; capability < 20; capability++)
        {
            foreach (var author in new[] { "mallory1", "mallory2" })
            {
                for (ulong ordinal = 1; ordinal <= 40; ordinal++)
                {
                    var query = string.Join(' ', Enumerable.Range(0, 50).Select(w => $"word{w}x{ordinal}"));
                    state.Take(author, new(honest) { Capability = $"dora/{capability:D2}", Ordinal = ordinal, Query = query }, mayValidate: () => false);
                }
            }

            Assert.InRange(state.Model.Size, 1, Most);
        }

        Assert.Equal(1UL, state.Model.OutcomesOf("honest"));
        Assert.All(new[] { "mallory1", "mallory2" }, a => Assert.InRange(state.Model.SizeOf(a), Most / 4, Most));
        Assert.Contains("dora/00", state.Model.Of("mallory1").Keys);
    }

    [Fact]
    public void Envelopes_on_the_disk_take_room_too()
    {
        var (model, proofs) = (new MatrixModel(Self), new MatrixProofs());
        model.Changed += change =>
        {
            if (change.After.Outcomes == 0)
            {
                proofs.Remove(change.Author, change.Capability);
            }
        };
        var room = new MatrixRoom(model, proofs, trust: null, most: 10_000);
        for (var i = 0; i < 100; i++)
        {
            model.Merge("mallory", $"dora/{i:D2}", One);
            proofs.Put("mallory", $"dora/{i:D2}", 1, ((ulong)i + 1, 64 * 1024), same: false, out _);
            room.Shrink();
            Assert.InRange(room.Size, 1, 10_000);
        }

        Assert.Equal(proofs.KeysOf("mallory").Count, model.Of("mallory").Count);
        Assert.InRange(proofs.Bytes, 4 * 64 * 1024, 10_000 * MatrixRoom.EnvelopeUnit);
        model.Forget("mallory");
        Assert.Equal((0L, 0L, 0UL), (proofs.Bytes, model.Size, proofs.DigestOf("mallory")));
    }

    [Fact]
    public void Capabilities_without_terms_take_room_too()
    {
        var wire = One.ToWire("dora/weather");
        wire.Terms.Clear();
        wire.GoodCounts.Clear();
        wire.BadCounts.Clear();
        var model = new MatrixModel(Self);
        model.Merge("mallory", "dora/weather", OutcomeSums.FromWire(wire)!);
        Assert.True(model.Size > 0);
    }

    [Fact]
    public void Whoever_returns_counts_at_the_weight_it_has_then()
    {
        var weight = 1.0;
        var model = new MatrixModel(Self);
        var leg = new LearnedLeg(model, Self, _ => weight);
        model.Merge("mallory", "dora/weather", One);
        model.Merge("mallory", "dora/search", One);
        Assert.Equal(2, leg.Rank([7]).Count);
        model.Forget("mallory");
        weight = 0;
        model.Merge("mallory", "dora/weather", One);
        Assert.Empty(leg.Rank([7]));
    }

    [Fact]
    public void Who_has_many_keys_starves_nobody_and_gives_others_of_them_each_time()
    {
        var many = Enumerable.Range(1, 100_000).Select(k => (ulong)k).ToList();
        List<IReadOnlyCollection<ulong>> authors = [many, [200_001, 200_002], many.ConvertAll(k => k + 300_000), [200_003]];
        var random = new Random(1);
        var (first, second) = (SharedKeys.Of(authors, 1003, random).ToList(), SharedKeys.Of(authors, 1003, random).ToList());
        Assert.All(new[] { first, second }, keys =>
        {
            Assert.Equal(1003, keys.Distinct().Count());
            Assert.Superset(new HashSet<ulong> { 200_001, 200_002, 200_003 }, keys.ToHashSet());
            Assert.Equal(500, keys.Count(k => k <= 100_000));
        });
        Assert.NotEqual(first, second);
        Assert.Equal(3, SharedKeys.Of([authors[1], authors[3]], 1003, random).Count());
        Assert.Empty(SharedKeys.Of([], 1003, random));
    }

    [Fact]
    public void A_sleeper_is_still_seen_when_others_told_more_than_can_be_remembered()
    {
        var model = new MatrixModel(Self);
        var recent = new RecentSums(most: 2000);
        Grow("sleeper", 4);
        Grow("heavy", 400);
        for (var i = 0; i < 3; i++)
        {
            recent.Look(model);
            Grow("sleeper", 4);
            Grow("heavy", 400);
            recent.Look(model);
            Assert.InRange(recent.Size, 0, 2000);
        }

        Assert.True(recent.Before("sleeper", "dora/weather").Outcomes > 0);
        Assert.Equal(0UL, recent.Before("heavy", "dora/weather").Outcomes);
        model.Forget("sleeper");
        model.Forget("heavy");
        recent.Look(model);
        Assert.Equal(0, recent.Size);

        void Grow(string author, int capabilities)
        {
            for (var i = 0; i < (int)RecentSums.Window; i++)
            {
                model.Record(author, "dora/weather", [7], good: true);
            }

            for (var i = 0; i < capabilities; i++)
            {
                model.Record(author, $"dora/{i}", [8, 9], good: true);
            }
        }
    }

    private static void Fill(MatrixModel model, IEnumerable<int> authors)
    {
        foreach (var author in authors)
        {
            model.Merge($"author{author:D4}", "dora/weather", One);
        }
    }
}
