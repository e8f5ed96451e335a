using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;

namespace Hyperspace.Tests.SelfImproving.Curation;

public class ExemplarChoiceTests
{
    [Fact]
    public void What_helped_others_comes_first_among_equally_near_runs()
    {
        var (a, b) = (Runs.Kept(1, 1.0, "yamux window"), Runs.Kept(2, 1.0, "window of yamux", 1));
        var credits = CreditState.Empty("self", CreditLimits.Default).Merge(Credit(3, a, 10, 1)).Merge(Credit(3, b, 10, 9));
        Assert.Equal([b, a], Rank([a, b], "yamux", credits, _ => 1));
        Assert.Equal([b, a], Rank([b, a], "yamux", credits, _ => 1));
    }

    [Fact]
    public void Nearness_and_value_both_count()
    {
        var (near, far) = (Runs.Kept(1, 1.0, "yamux flow control window"), Runs.Kept(2, 1.0, "noise handshake"));
        Assert.Equal([near, far], Rank([far, near], "yamux window", CreditState.Empty("self", CreditLimits.Default), _ => 1));
    }

    [Fact]
    public void Every_goal_shows_its_best_before_any_shows_its_second()
    {
        var runs = Enumerable.Range(0, 4).Select(i => Runs.Kept(i, 1.0, "yamux window", i)).Append(Runs.Kept(5, 0.8, "noise", 9)).ToList();
        Assert.Equal(runs[4], Rank(runs, "yamux window", CreditState.Empty("self", CreditLimits.Default), _ => 1)[1]);
    }

    [Fact]
    public void An_unproven_author_is_shown_only_while_no_one_is_proven()
    {
        var (proven, unproven) = (Runs.Kept(1, 0.8, "noise"), Runs.Kept(2, 1.0, "yamux window"));
        var none = CreditState.Empty("self", CreditLimits.Default);
        Assert.Equal([proven], Rank([unproven, proven], "yamux window", none, peer => peer == proven.Author ? 0.2 : 0));
        Assert.Equal([unproven], Rank([unproven], "yamux window", none, _ => 0));
    }

    [Fact]
    public void Failures_and_unverified_repairs_are_no_examples_and_verified_repairs_come_last()
    {
        var (success, failure) = (Runs.Kept(1, 0.8, "noise"), Runs.Kept(2, 0.1, "yamux"));
        var (good, bad) = (Runs.Repair(3, 1.0, "yamux", failure), Runs.Repair(4, 0.5, "yamux", failure));
        Assert.Equal([success, good], Rank([good, success, bad, failure], "yamux", CreditState.Empty("self", CreditLimits.Default), _ => 1));
        Assert.Equal((false, false, true), (good.IsSuccess, bad.IsFailure, good.IsVerifiedRepair));
        Assert.Equal(failure.Id, good.Repairs);
    }

    [Fact]
    public void The_frontier_is_what_goes_well_sometimes()
    {
        KeptTrajectory[] Goal(string input, int author, int successes, int failures) =>
            [.. Enumerable.Range(0, successes + failures).Select(i => Runs.Kept(author, i < successes ? 1 : 0, input, i))];
        KeptTrajectory[] runs = [.. Goal("even", 1, 2, 2), .. Goal("often", 1, 4, 1), .. Goal("always", 1, 5, 0), .. Goal("never", 1, 0, 5), .. Goal("rarely", 1, 1, 3), .. Goal("even", 2, 0, 9), Runs.Repair(1, 1, "never", Runs.Kept(1, 0, "never"))];

        var goals = Curriculum.Of(runs, peer => peer == Runs.Author(1).PeerId.ToString() ? 1 : 0, 10);
        Assert.Equal([("even", 0.5, 4L, 1.0), ("often", 0.8, 5L, 0.4)], goals.Select(goal => (goal.Input, goal.SuccessRate, goal.Attempts, goal.Value)));
        Assert.Equal("50 % of 4 attempts by 1 peer went well.", goals[0].Why);
        Assert.Single(Curriculum.Of(runs, _ => 1, 1));
    }

    [Fact]
    public void The_frontier_names_the_newest_failure_that_is_not_repaired_yet()
    {
        var self = Runs.Author(1).PeerId.ToString();
        var (older, newer) = (Runs.Kept(1, 0, "yamux", 1), Runs.Kept(1, 0.1, "yamux", 2));
        string? Failed(params KeptTrajectory[] repairs) =>
            Assert.Single(Curriculum.Of([older, newer, Runs.Kept(1, 1, "yamux", 3), Runs.Kept(1, 1, "yamux", 4), .. repairs], peer => peer == self ? 1 : 0, 10)).Failed;

        Assert.Equal(newer.Id, Failed());
        Assert.Equal(newer.Id, Failed(Runs.Repair(1, 0.5, "yamux", newer)));
        Assert.Equal(newer.Id, Failed(Runs.Repair(2, 1, "yamux", newer)));
        Assert.Equal(older.Id, Failed(Runs.Repair(1, 1, "yamux", newer)));
        Assert.Null(Failed(Runs.Repair(1, 1, "yamux", newer), Runs.Repair(1, 0.9, "yamux", older)));
    }

    private static IReadOnlyList<KeptTrajectory> Rank(IReadOnlyList<KeptTrajectory> runs, string input, CreditState credits, Func<string, double> weightOf) =>
        [.. ExemplarChoice.Rank(runs, input, new ExemplarValue("self", credits, weightOf), _ => true).Select(exemplar => exemplar.Run)];

    private static CreditRecord Credit(int author, KeptTrajectory run, ulong retrieved, ulong succeeded) => CreditRecord.Read(
        Runs.Seal(author, EnvelopeTypes.ExemplarCredits, CreditRecord.ToWire(Runs.TaskType, [new(run.Id, new Credit(retrieved, succeeded))])), Runs.TaskType, out _)![0];
}
