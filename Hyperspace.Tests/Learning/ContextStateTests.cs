using FsCheck.Xunit;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

public class ContextStateTests
{
    private static readonly string Self = Runs.Author(1).PeerId.ToString();
    private static readonly KeptTrajectory Shown = Runs.Kept(2, 1.0, "shown");

    [Fact]
    public void A_context_is_credited_once_and_only_with_what_was_in_it()
    {
        var state = Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", Shown.Id);
        Assert.Null(state.Check("ctx_1"));
        Assert.NotNull(state.Check("ctx_2"));

        state = state.Apply(state.End(Runs.Kept(1, 1.0, "a"), Of("ctx_1"))!);
        Assert.Equal([KeyValuePair.Create(Shown.Id, new Credit(1, 1))], state.Counters);
        Assert.Contains("before", state.Check("ctx_1")!.Message, StringComparison.Ordinal);

        Assert.Null(state.End(Runs.Kept(1, 1.0, "b"), Of("ctx_1")));
    }

    [Fact]
    public void A_run_that_names_its_context_leaves_the_other_ones_of_its_session_open()
    {
        var state = Hand(Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", "ses_1", Runs.Now), "ctx_2", "ses_1", Runs.Now);
        var named = state.End(OfSession("ses_1", "a"), Of("ctx_1"))!;
        Assert.Equal(["ctx_1"], named.ContextIds);
        state = state.Apply(named);
        Assert.Null(state.Check("ctx_2"));
        Assert.Equal(["ctx_2"], state.End(OfSession("ses_1", "b"), Of(null))!.ContextIds);
    }

    [Fact]
    public void A_run_ends_no_context_that_its_session_was_handed_after_it()
    {
        var state = Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", "ses_1", Runs.Now);
        state = Hand(state, "ctx_2", "ses_1", Runs.Now.AddMilliseconds(1));
        state = ContextState.From(state.ToSnapshot(), Runs.TaskType, Self);
        var run = OfSession("ses_1", "a");
        Assert.Equal(["ctx_1"], state.End(run, Of(null))!.ContextIds);
        state = state.Apply(state.End(run, Of(null))!);
        Assert.Null(state.End(run, Of(null)));
        Assert.Null(state.Check("ctx_2"));
        Assert.Null(state.End(OfSession("ses_2", "b"), Of(null)));
        Assert.Null(Hand(state, "ctx_3").End(OfSession("", "c"), Of(null)));
    }

    [Fact]
    public void The_session_of_a_run_is_told_beside_it()
    {
        var state = Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", "ses_1", Runs.Now);
        Assert.Equal(["ctx_1"], state.End(OfSession("", "a"), Of(null, "ses_1"))!.ContextIds);
        Assert.Null(state.End(OfSession("", "a"), Of(null, "ses_2")));
    }

    [Fact]
    public void A_context_of_an_older_journal_has_no_time_and_is_ended_by_its_session()
    {
        var state = ContextState.Empty(Runs.TaskType, Self).Apply(new ContextHanded { ContextId = "ctx_1", SessionId = "ses_1" });
        Assert.Equal(["ctx_1"], state.End(OfSession("ses_1", "a"), Of(null))!.ContextIds);
    }

    [Fact]
    public void What_a_run_was_handed_is_known_until_it_is_reflected_on()
    {
        var (first, second) = (Runs.Kept(1, 1.0, "a"), Runs.Kept(1, 1.0, "b"));
        var state = Hand(Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", Shown.Id), "ctx_2", Shown.Id);
        Assert.Null(state.BulletsOf(first.Id));
        state = state.Apply(state.End(first, Of("ctx_1"))!);
        Assert.Empty(state.BulletsOf(first.Id)!);
        state = ContextState.From(state.ToSnapshot(), Runs.TaskType, Self);
        Assert.NotNull(state.BulletsOf(first.Id));

        var ended = state.End(second, Of("ctx_2"))!;
        ended.Reflected.Add(ContextState.ToBytes(first.Id));
        state = state.Apply(ended);
        Assert.Null(state.BulletsOf(first.Id));
        Assert.NotNull(state.BulletsOf(second.Id));
    }

    [Fact]
    public void A_failure_counts_against_and_a_repair_for_nothing()
    {
        var state = Hand(Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", Shown.Id), "ctx_2", Shown.Id);
        state = state.Apply(state.End(Runs.Kept(1, 0, "a"), Of("ctx_1"))!);
        state = state.Apply(state.End(Runs.Repair(1, 1, "a", Runs.Kept(1, 0, "a")), Of("ctx_2"))!);
        Assert.Equal(new Credit(1, 0), state.Counters[Shown.Id]);
        Assert.Equal(new SegmentTally(1, 0), state.Versions.OfGrowing);
        Assert.NotNull(state.Check("ctx_2"));
    }

    [Property(MaxTest = 50)]
    public bool A_snapshot_holds_everything_and_contexts_stay_bounded(int seed)
    {
        var random = new Random(seed);
        var state = ContextState.Empty(Runs.TaskType, Self);
        for (var i = 0; i < 60; i++)
        {
            state = random.Next(3) switch
            {
                0 => Hand(state, $"ctx_{i}", Shown.Id),
                1 => state.End(Runs.Kept(1, random.Next(2), "a", i), Of($"ctx_{random.Next(60)}")) is { } ended ? state.Apply(ended) : state,
                _ => state.Apply(state.Count(random.Next(1, 4), () => [Shown.Id])),
            };
        }

        foreach (var credits in state.Unsigned())
        {
            state = state.Add(Runs.Seal(1, Contracts.EnvelopeTypes.ExemplarCredits, credits));
        }

        var snapshot = state.ToSnapshot();
        var back = ContextState.From(ContextSnapshot.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(snapshot)), Runs.TaskType, Self);
        return back.ToSnapshot().Equals(snapshot) && !back.Unsigned().Any();
    }

    [Property(MaxTest = 100)]
    public bool Versions_are_taken_when_own_exemplars_have_doubled_whether_they_had_a_context_or_not(int seed)
    {
        var random = new Random(seed);
        var (state, own, taken) = (ContextState.Empty(Runs.TaskType, Self), 0, new List<int>());
        var (shown, ended) = (0, 0);
        while (own < 170)
        {
            if (random.Next(3) == 0)
            {
                state = Hand(state, $"ctx_{shown++}", Shown.Id);
            }

            // A run that failed, or that ended no context, counts as its kind does; several may be counted together.
            var run = Runs.Kept(1, random.Next(4) > 0 ? 1 : 0, "a");
            var before = state.Versions;
            if (random.Next(2) == 0 && state.End(run, Of($"ctx_{shown - 1}")) is { } end)
            {
                (state, ended) = (state.Apply(end), ended + 1);
            }

            if (before.Version != state.Versions.Version || before.Own != state.Versions.Own)
            {
                return false;
            }

            var more = run.IsExemplar ? random.Next(1, 3) : 0;
            if (more > 0)
            {
                more = state.IsCheckpoint(1) ? 1 : more;
                own += more;
                state = state.Apply(state.Count(more, () => [Shown.Id]));
            }

            if (state.Versions.Version > before.Version)
            {
                taken.Add(own);
                ended = 0;
            }

            if (state.Versions.OfGrowing.Runs + state.Versions.OfSettled.Runs > ended)
            {
                return false;
            }
        }

        return taken.SequenceEqual([10, 20, 40, 80, 160]) && state.Versions.Own == own;
    }

    [Fact]
    public void A_journal_from_before_exemplars_were_counted_keeps_its_versions()
    {
        var old = new RunEnded { TrajectoryId = ContextState.ToBytes(Shown.Id), Outcome = Outcome.Success, Growing = { ContextState.ToBytes(Shown.Id) } };
        var state = ContextState.Empty(Runs.TaskType, Self).Apply(old);
        Assert.Equal((1, 0L), (state.Versions.Version, state.Versions.Own));
        Assert.Equal([Shown.Id], state.Versions.Settled);
    }

    [Fact]
    public void Without_an_exemplar_there_is_no_version_until_there_is_one()
    {
        var state = ContextState.Empty(Runs.TaskType, Self);
        state = state.Apply(state.Count(12, () => []));
        Assert.Equal((0, 12L, true), (state.Versions.Version, state.Versions.Own, state.IsCheckpoint(1)));
        Assert.Equal(1, state.Apply(state.Count(1, () => [Shown.Id])).Versions.Version);
    }

    [Fact]
    public void The_oldest_contexts_give_way()
    {
        var state = Enumerable.Range(0, ContextState.MaxContexts + 1).Aggregate(ContextState.Empty(Runs.TaskType, Self), (s, i) => Hand(s, $"ctx_{i}"));
        Assert.NotNull(state.Check("ctx_0"));
        Assert.Null(state.Check("ctx_1"));
    }

    [Fact]
    public void A_budget_takes_the_best_bullets_then_the_best_exemplars_that_fit()
    {
        BulletView Bullet(string text) => new(text, "insights", text, 1, 0, 0.5, [], 1);
        KeptTrajectory[] runs = [Runs.Kept(1, 1, "a long input of many words and more"), Runs.Kept(1, 1, "b")];
        var exemplars = runs.Select(run => new Exemplar(run, 1)).ToList();
        FittedContext Fit(int? budget) => ContextFit.Fit([Bullet("one two"), Bullet("three four five six seven"), Bullet("eight")], exemplars, 8, budget, text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length);

        Assert.Equal((3, 2, Fit(null).Tokens), (Fit(null).Bullets.Count, Fit(null).Exemplars.Count, Fit(1_000).Tokens));
        var small = Fit(6);
        Assert.Equal(["one two", "eight"], small.Bullets.Select(bullet => bullet.Text));
        Assert.Equal([runs[1]], small.Exemplars);
        Assert.Equal(6, small.Tokens);
        Assert.Empty(Fit(1).Bullets);
    }

    [Fact]
    public void Tokens_are_counted_as_o200k_does()
    {
        Assert.Equal(2, TokenCounter.Count("hello world"));
        Assert.Equal(0, TokenCounter.Count(""));
    }

    private static RunOrigin Of(string? contextId, string? sessionId = null) => new(contextId, sessionId);

    private static KeptTrajectory OfSession(string session, string input) => Runs.Kept(Runs.Seal(
        1, Contracts.EnvelopeTypes.Trajectory,
        new Contracts.Wire.Trajectory { TaskType = Runs.TaskType, Input = input, Reward = 1, SessionId = session, RecordedMs = (ulong)Runs.Now.ToUnixTimeMilliseconds() }));

    private static ContextState Hand(ContextState state, string id, string session, DateTimeOffset at) => state.Apply(new ContextHanded
    {
        ContextId = id,
        SessionId = session,
        HandedMs = (ulong)at.ToUnixTimeMilliseconds(),
    });

    private static ContextState Hand(ContextState state, string id, params string[] exemplars) => state.Apply(new ContextHanded
    {
        ContextId = id,
        Version = state.Versions.Version,
        Exemplars = { exemplars.Select(ContextState.ToBytes) },
    });
}
