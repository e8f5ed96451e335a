using FsCheck.Xunit;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Tests.Reputation;

public sealed class TrustRulesTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly string Foretold = ReplaySources.Foretold(ReplaySources.Matrix);

    [Fact]
    public void Strangers_are_lent_a_little_until_there_is_somebody_to_confirm_them()
    {
        var state = ReputationState.Empty("me", confirmations: 2);
        Assert.Equal(TrustRules.Provisional, Table(state).WeightOf("stranger"));
        Assert.Equal(1, Table(state).WeightOf("me"));
        state = After(state, Foretold, new Replay("a", 40, 4), new Replay("b", 40, 4));
        Assert.Equal(0, Table(state).WeightOf("stranger"));
        Assert.Equal(1, Table(state).WeightOf("a"));
    }

    [Fact]
    public void Few_lucky_agreements_do_not_count()
    {
        var state = After(ReputationState.Empty("me", 0), Foretold, new Replay("lucky", TrustRules.LeastEvidence - 1, 0), new Replay("steady", 60, 10));
        Assert.Equal(0, Table(state).WeightOf("lucky"));
        Assert.True(Table(state).WeightOf("steady") > 0.9);
    }

    [Fact]
    public void Others_vouch_for_an_author_until_own_outcomes_say_otherwise()
    {
        var state = After(ReputationState.Empty("me", 2), ReplaySources.Consensus, new Replay("a", 8, 1), new Replay("b", 1.5, 0), new Replay("c", 2, 9));
        Assert.Equal((true, true, true), (Table(state).WeightOf("a") > 0.9, Table(state).AcceptsStrangers, Table(state).WeightOf("b") == TrustRules.Provisional));
        Assert.Equal(0, Table(state).WeightOf("c"));
        state = After(state, Foretold, new Replay("a", 6, 40));
        Assert.Equal(0, Table(state).WeightOf("a"));
    }

    [Fact]
    public void Who_was_caught_needs_many_good_outcomes_and_time()
    {
        var state = After(ReputationState.Empty("me", 2), Foretold, new Replay("liar", 2, 30));
        Assert.Equal(Start, state.Of("liar").CaughtAt);
        Assert.True(Table(state).ReputationOf("liar") < Standing.Unknown);
        state = After(state, Foretold, new Replay("liar", 50, 30));
        Assert.Equal(0, Table(state, TimeSpan.FromDays(30)).WeightOf("liar"));
        state = After(state, Foretold, new Replay("liar", 400, 30));
        Assert.Equal(0, Table(state).WeightOf("liar"));
        Assert.InRange(Table(state, TrustRules.Penance / 10).WeightOf("liar"), 0.1, 0.9);
        Assert.Equal(1, Table(state, TrustRules.Penance).WeightOf("liar"));
    }

    [Fact]
    public void A_long_good_record_does_not_outweigh_what_was_said_lately()
    {
        var state = After(ReputationState.Empty("me", 0), Foretold, new Replay("sleeper", 500, 100));
        Assert.Equal(1, Table(state).WeightOf("sleeper"));
        Assert.Equal(0, Table(After(state, Foretold, new Replay("sleeper", 460, 160))).WeightOf("sleeper"));
        Assert.Equal(0, Table(After(state, ReplaySources.Recent, new Replay("sleeper", 2, 20))).WeightOf("sleeper"));
    }

    [Fact]
    public void Who_agrees_only_afterwards_counts_half_and_who_disagrees_afterwards_is_caught()
    {
        var state = After(ReputationState.Empty("me", 0), ReplaySources.Matrix, new Replay("copycat", 60, 0));
        state = After(state, ReplaySources.TaskType("docs"), new Replay("copycat", 60, 0));
        Assert.Equal((0.5, 1), (Table(state).EarnedBy("copycat"), Table(state).WitnessWeightOf("copycat")));
        state = After(state, Foretold, new Replay("flipped", 60, 6), new Replay("a", 60, 6), new Replay("b", 60, 6), new Replay("c", 60, 6), new Replay("d", 60, 6));
        Assert.Equal((0.5, 0, 1), (Table(state).EarnedBy("copycat"), Table(state).WitnessWeightOf("copycat"), Table(state).WitnessWeightOf("a")));
        Assert.Equal(1, Table(state).EarnedBy("flipped"));
        Assert.InRange(Table(After(state, ReplaySources.Matrix, new Replay("flipped", 20, 28))).EarnedBy("flipped"), 0, 0.7);
        state = After(state, ReplaySources.Matrix, new Replay("flipped", 4, 30));
        Assert.Equal((0, Start), (Table(state).EarnedBy("flipped"), state.Of("flipped").CaughtAt));
    }

    [Fact]
    public void News_adds_to_what_was_foretold()
    {
        var state = ReputationState.Empty("me", 0);
        for (var i = 0; i < 600; i++)
        {
            state = state.Apply(state.Decide(new ReputationCommands.Foretold(ReplaySources.Matrix, [new Replay("steady", i % 4 == 0 ? 0 : 1, i % 4 == 0 ? 1 : 0)]), Start)!);
        }

        Assert.Equal(new Tally(450, 150), state.Of("steady").Own);
        Assert.InRange(state.Of("steady").Recent.For / state.Of("steady").Recent.Count, 0.7, 0.8);
        Assert.Null(state.Decide(new ReputationCommands.Foretold(ReplaySources.Matrix, []), Start));
    }

    [Fact]
    public void Identities_that_vouch_for_each_other_confirm_nobody_once_others_are_verified()
    {
        var random = new Random(5);
        Voice Of(string name, int from, double share) => Voice.Of(name, [.. Enumerable.Range(from, 60).Where(_ => random.NextDouble() < share).Select(i => KeyValuePair.Create((ulong)i, 1))], 20);
        List<Voice> voices = [.. Enumerable.Range(0, 6).Select(i => Of($"honest{i}", 0, 0.9)), Of("newcomer", 0, 0.9), .. Enumerable.Range(0, 10).Select(i => Of($"ring{i}", 1000, 0.6))];
        var state = After(ReputationState.Empty("me", 2), Foretold, [.. Enumerable.Range(0, 6).Select(i => new Replay($"honest{i}", 40, 8))]);
        var naive = Table(After(state, ReplaySources.Consensus, [.. Consensus.Of(voices, new Random(1))]));
        Assert.Equal(1, naive.EarnedBy("ring0"));
        var table = Table(After(state, ReplaySources.Consensus, [.. Consensus.Of(voices, new Random(1), Table(state).WitnessWeightOf)]));
        Assert.All(Enumerable.Range(0, 10), i => Assert.Equal(0, table.WeightOf($"ring{i}")));
        Assert.All(Enumerable.Range(0, 6), i => Assert.Equal(1, table.WeightOf($"honest{i}")));
        Assert.True(table.WeightOf("newcomer") > 0.5);
    }

    [Fact]
    public void Who_is_only_vouched_for_sets_no_standard_for_who_foretold()
    {
        var state = After(ReputationState.Empty("me", 2), Foretold, new Replay("a", 30, 12), new Replay("b", 30, 12));
        var before = Table(state).WeightOf("a");
        state = After(state, ReplaySources.Consensus, new Replay("x", 20, 0), new Replay("y", 20, 0));
        Assert.Equal((1, 1, 1), (before, Table(state).WeightOf("a"), Table(state).WeightOf("x")));
    }

    [Fact]
    public void Who_said_nothing_lately_has_no_recent_tally_any_more()
    {
        var state = After(ReputationState.Empty("me", 0), Foretold, new Replay("a", 60, 5), new Replay("b", 60, 5));
        state = After(state, ReplaySources.Recent, new Replay("a", 1, 7), new Replay("b", 1, 7));
        Assert.Equal((0, 0), (Table(state).WeightOf("a"), Table(state).WeightOf("b")));
        state = After(state, ReplaySources.Recent, new Replay("b", 1, 7));
        Assert.Equal((1, 0), (Table(state).WeightOf("a"), Table(state).WeightOf("b")));
        Assert.Null(state.Decide(new ReputationCommands.Replayed(ReplaySources.Recent, [new Replay("b", 1, 7)]), Start));
        Assert.Equal(60, After(state, Foretold, new Replay("b", 60, 5)).Of("a").Own.For);
    }

    [Fact]
    public void Calls_make_a_standing_and_fade()
    {
        var state = ReputationState.Empty("me", 2);
        for (var i = 0; i < 20; i++)
        {
            state = state.Apply(state.Decide(new ReputationCommands.Called("good", true, new PaidCall(Amount.MicroUsdc(1), Start)), Start)!);
            state = state.Apply(state.Decide(new ReputationCommands.Called("bad", false), Start)!);
        }

        Assert.True(Table(state).ReputationOf("good") > 0.9);
        Assert.True(Table(state).ReputationOf("bad") < 0.1);
        Assert.True(Table(state, TrustRules.HalfLife * 6).ReputationOf("bad") > 0.3);
        Assert.Equal(20, state.Of("good").PaidCalls);
        Assert.Null(state.Decide(new ReputationCommands.Called("me", true), Start));
        Assert.Equal(Standing.Unknown, Table(state).ReputationOf("nobody"));
    }

    [Fact]
    public void As_good_as_bad_is_not_unknown()
    {
        var state = ReputationState.Empty("me", 2);
        state = state.Apply(state.Decide(new ReputationCommands.Called("p", true), Start)!);
        state = state.Apply(state.Decide(new ReputationCommands.Called("p", false), Start)!);
        Assert.False(Standing.Passes(Table(state).ReputationOf("p"), 0.6));
        Assert.True(Standing.Passes(Table(state).ReputationOf("nobody"), 0.6));
    }

    [Property]
    public void Weights_and_reputations_stay_between_0_and_1((string?, byte, byte, bool)[] replays)
    {
        var state = ReputationState.Empty("me", 2);
        foreach (var (peer, agreed, disagreed, own) in replays)
        {
            state = After(state, own ? Foretold : ReplaySources.Consensus, new Replay(peer ?? "x", agreed, disagreed));
        }

        var table = Table(state, TimeSpan.FromHours(5));
        Assert.All(state.Peers.Keys, peer => Assert.InRange(table.WeightOf(peer), 0, 1));
        Assert.All(state.Peers.Keys, peer => Assert.InRange(table.ReputationOf(peer), 0, 1));
    }

    [Theory]
    [InlineData(double.NaN, 1)]
    [InlineData(1, double.PositiveInfinity)]
    [InlineData(-1, 1)]
    public void Counts_that_are_none_change_nothing(double agreed, double disagreed) =>
        Assert.Null(ReputationState.Empty("me", 2).Decide(new ReputationCommands.Replayed(Foretold, [new Replay("a", agreed, disagreed)]), Start));

    [Fact]
    public void Sums_and_runs_about_the_same_outcomes_count_once_and_a_lie_in_either_counts()
    {
        var task = ReplaySources.Foretold(ReplaySources.TaskType("docs"));
        var state = After(ReputationState.Empty("me", 0), Foretold, new Replay("both", 20, 2), new Replay("sums", 20, 2), new Replay("split", 60, 5));
        state = After(state, task, new Replay("both", 18, 2), new Replay("split", 0, 12), new Replay("runs", 20, 2));
        Assert.Equal((new Tally(20, 2), new Tally(20, 2), new Tally(60, 12)), (state.Of("both").Own, state.Of("runs").Own, state.Of("split").Own));
        Assert.Equal((state.Of("sums").Recent, Table(state).WeightOf("sums")), (state.Of("both").Recent, Table(state).WeightOf("both")));
        Assert.Equal(Table(state).WeightOf("sums"), Table(state).WeightOf("runs"));

        // Another task type's runs are other outcomes; one that is surely wrong is not made up for by good sums.
        state = After(state, ReplaySources.Foretold(ReplaySources.TaskType("other")), new Replay("runs", 5, 0));
        state = After(state, ReplaySources.TaskType("docs"), new Replay("split", 0, 12));
        state = After(state, ReplaySources.TaskType("other"), new Replay("split", 0, 12));
        Assert.Equal(new Tally(25, 2), state.Of("runs").Own);
        Assert.Equal(Start, state.Of("split").CaughtAt);
        Assert.Null(state.Decide(new ReputationCommands.Replayed(task, [new Replay("both", 18, 2)]), Start));
    }

    [Fact]
    public void Claims_are_replayed_once_per_subject()
    {
        Claim[] claims =
        [
            new("me", "a", true), new("me", "b", false), new("me", "c", true), new("me", "c", false),
            new("x", "a", true), new("x", "a", true), new("x", "b", true), new("x", "c", true), new("x", "d", true),
            new("y", "b", false), new("z", "d", true),
        ];
        Assert.Equal([new Replay("x", 1, 1), new Replay("y", 1, 0)], Agreement.Of("me", claims));
    }

    [Fact]
    public void Copies_of_one_voice_that_nobody_bears_out_are_one_voice()
    {
        var random = new Random(3);
        Voice Of(string name, Func<ulong, int> sign) => Voice.Of(name, [.. Enumerable.Range(0, 400).Where(_ => random.NextDouble() < 0.6).Select(i => KeyValuePair.Create((ulong)i, sign((ulong)i)))], 26);
        var lie = Enumerable.Range(0, 400).Select(i => KeyValuePair.Create((ulong)i, -1)).ToList();
        List<Voice> voices = [.. Enumerable.Range(0, 6).Select(i => Of($"honest{i}", _ => random.NextDouble() < 0.8 ? 1 : -1)), .. Enumerable.Range(0, 20).Select(i => Voice.Of($"sybil{i}", lie, 26))];
        var replays = Consensus.Of(voices, new Random(1)).ToDictionary(r => r.PeerId);
        Assert.All(replays.Values.Where(r => r.PeerId.StartsWith("honest", StringComparison.Ordinal)), r => Assert.True(r.Agreed > r.Disagreed, r.ToString()));
        Assert.All(replays.Values.Where(r => r.PeerId.StartsWith("sybil", StringComparison.Ordinal)), r => Assert.True(r.Disagreed > r.Agreed, r.ToString()));
    }

    [Fact]
    public void Agreeing_in_everything_is_no_plot_when_there_is_nobody_else()
    {
        var truth = Enumerable.Range(0, 40).Select(i => KeyValuePair.Create((ulong)i, i % 2 == 0 ? 3 : -2)).ToList();
        Assert.All(Consensus.Of([.. Enumerable.Range(0, 4).Select(i => Voice.Of($"p{i}", truth, 4))], new Random(1)), r => Assert.Equal((3, 0), (r.Agreed, r.Disagreed)));
    }

    [Fact]
    public void A_thousand_voices_are_compared_within_bounds()
    {
        var random = new Random(9);
        var voices = Enumerable.Range(0, 1000).Select(p => Voice.Of($"p{p}", Enumerable.Range(0, 600).Select(i => KeyValuePair.Create((ulong)i, random.NextDouble() < 0.75 == (p >= 250) ? 1 : -1)), 1000)).ToList();
        var replays = Consensus.Of(voices, new Random(1));
        Assert.All(replays.Take(250), r => Assert.True(r.Disagreed > r.Agreed));
        Assert.All(replays.Skip(250), r => Assert.True(r.Agreed > r.Disagreed));
        Assert.All(replays, r => Assert.True(r.Agreed + r.Disagreed <= Consensus.MaxJury));
    }

    private static ReputationState After(ReputationState state, string source, params Replay[] replays) =>
        state.Decide(new ReputationCommands.Replayed(source, replays), Start) is { } taken ? state.Apply(taken) : state;

    private static TrustTable Table(ReputationState state, TimeSpan later = default) => TrustTable.Of(state, Start + later);
}
