using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.Reputation;

namespace Hyperspace.Tests.Matrix;

/// <summary>Which outcomes help to choose the mixture, and when each mixture is asked.</summary>
public sealed class ValidationTests
{
    private const string Self = "me";
    private const string Query = "will it rain tomorrow?";

    [Fact]
    public void A_run_is_one_trial_per_capability_and_does_not_hear_its_own_echo()
    {
        using var once = Filled();
        using var often = Filled();
        Assert.Equal(["p/sky"], once.Learn([new CapabilityOutcome("p/sky", true)], Query, []));
        Assert.Equal(["p/sky"], often.Learn([new CapabilityOutcome("p/sky", false), .. Enumerable.Repeat(new CapabilityOutcome("p/sky", true), 5)], Query, []));
        Assert.Equal(1, once.Fusion.Trials);
        Assert.Equal(1, often.Fusion.Trials);

        // The mixtures that trust what was learnt earn no more than the one that knows words only.
        Assert.Equal(once.Fusion.Credits.AsEnumerable(), often.Fusion.Credits);
        Assert.Equal(6UL, often.Model.Find(Self, "p/sky").Outcomes);
    }

    [Fact]
    public void All_of_a_run_is_asked_before_any_of_it_is_learnt()
    {
        CapabilityOutcome sky = new("p/sky", true), papers = new("p/papers", true);
        using var forth = Filled();
        using var back = Filled();
        forth.Learn([sky, papers], Query, []);
        back.Learn([papers, sky], Query, []);
        Assert.Equal(2, forth.Fusion.Trials);
        Assert.Equal(forth.Fusion.Credits.AsEnumerable(), back.Fusion.Credits);
    }

    [Fact]
    public void Only_votes_that_can_help_use_up_the_quota()
    {
        using var state = Filled(new FixedTrust(a => a == "friend" ? 1 : 0));
        var asked = 0;
        state.Take("stranger", Vote("p/sky", 1), Ask);
        state.Take("friend", Vote("p/sky", 3), Ask);
        state.Take("friend", Vote("p/unknown", 1), Ask);
        state.Take("friend", Vote("friend/own", 1), Ask);
        Assert.Equal((0, 0), (asked, state.Fusion.Trials));
        Assert.Equal(VoteFate.Applied, state.Take("friend", Vote("p/sky", 1), Ask));
        Assert.Equal((1, 1), (asked, state.Fusion.Trials));
        Assert.Equal(VoteFate.Applied, state.Take("friend", Vote("p/sky", 2), () => false));
        Assert.Equal(1, state.Fusion.Trials);

        bool Ask()
        {
            asked++;
            return true;
        }
    }

    private static MatrixVote Vote(string capability, ulong ordinal) => new() { Capability = capability, Query = Query, Vote = 1, Ordinal = ordinal };

    private static MatrixState Filled(ITrust? trust = null)
    {
        var state = new MatrixState(MatrixStore.Open(null, out _), Self, trust);
        Put("p/papers", "Finds papers about rain and physics.");
        Put("p/sky", "Knows the sky over every city.");
        Put("friend/own", "Will it rain?");
        return state;

        void Put(string id, string description) => state.Index.Put(new Capability(id, "tool", id.Split('/')[1], description, [], id.Split('/')[0]), long.MaxValue);
    }
}
