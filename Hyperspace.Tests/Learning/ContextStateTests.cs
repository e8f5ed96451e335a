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

        state = state.Apply(state.End(Runs.Kept(1, 1.0, "a"), "ctx_1", () => [])!);
        Assert.Equal([KeyValuePair.Create(Shown.Id, new Credit(1, 1))], state.Counters);
        Assert.Contains("before", state.Check("ctx_1")!.Message, StringComparison.Ordinal);

        Assert.Null(state.End(Runs.Kept(1, 1.0, "b"), "ctx_1", () => []));
        Assert.Equal(1, state.Versions.OwnRuns);
    }

    [Fact]
    public void What_a_run_was_handed_is_known_until_it_is_reflected_on()
    {
        var (first, second) = (Runs.Kept(1, 1.0, "a"), Runs.Kept(1, 1.0, "b"));
        var state = Hand(Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", Shown.Id), "ctx_2", Shown.Id);
        Assert.Null(state.BulletsOf(first.Id));
        state = state.Apply(state.End(first, "ctx_1", () => [])!);
        Assert.Empty(state.BulletsOf(first.Id)!);
        state = ContextState.From(state.ToSnapshot(), Runs.TaskType, Self);
        Assert.NotNull(state.BulletsOf(first.Id));

        var ended = state.End(second, "ctx_2", () => [])!;
        ended.Reflected.Add(ContextState.ToBytes(first.Id));
        state = state.Apply(ended);
        Assert.Null(state.BulletsOf(first.Id));
        Assert.NotNull(state.BulletsOf(second.Id));
    }

    [Fact]
    public void A_failure_counts_against_and_a_repair_for_nothing()
    {
        var state = Hand(Hand(ContextState.Empty(Runs.TaskType, Self), "ctx_1", Shown.Id), "ctx_2", Shown.Id);
        state = state.Apply(state.End(Runs.Kept(1, 0, "a"), "ctx_1", () => [])!);
        state = state.Apply(state.End(Runs.Repair(1, 1, "a", Runs.Kept(1, 0, "a")), "ctx_2", () => [])!);
        Assert.Equal(new Credit(1, 0), state.Counters[Shown.Id]);
        Assert.Equal(1, state.Versions.OwnRuns);
        Assert.NotNull(state.Check("ctx_2"));
    }

    [Property(MaxTest = 50)]
    public bool A_snapshot_holds_everything_and_contexts_stay_bounded(int seed)
    {
        var random = new Random(seed);
        var state = ContextState.Empty(Runs.TaskType, Self);
        for (var i = 0; i < 60; i++)
        {
            state = random.Next(2) == 0 ? Hand(state, $"ctx_{i}", Shown.Id) : state.End(Runs.Kept(1, random.Next(2), "a", i), $"ctx_{random.Next(60)}", () => [Shown.Id]) is { } ended ? state.Apply(ended) : state;
        }

        foreach (var credits in state.Unsigned())
        {
            state = state.Add(Runs.Seal(1, Contracts.EnvelopeTypes.ExemplarCredits, credits));
        }

        var snapshot = state.ToSnapshot();
        var back = ContextState.From(ContextSnapshot.Parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(snapshot)), Runs.TaskType, Self);
        return back.ToSnapshot().Equals(snapshot) && !back.Unsigned().Any();
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

    private static ContextState Hand(ContextState state, string id, params string[] exemplars) => state.Apply(new ContextHanded
    {
        ContextId = id,
        Version = state.Versions.Version,
        Exemplars = { exemplars.Select(ContextState.ToBytes) },
    });
}
