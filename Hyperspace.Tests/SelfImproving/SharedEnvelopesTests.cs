using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Tests.SelfImproving;

public class SharedEnvelopesTests
{
    [Fact]
    public void What_sleeps_is_named_and_what_came_meanwhile_is_here()
    {
        var (a, b) = (Runs.Delta(1, "a", 1, 0), Runs.Delta(2, "b", 1, 0));
        var asleep = SharedEnvelopes.Unknown.Told([a]).Asleep().Wait(b).Wait(b).Wait(a);
        Assert.Equal(new[] { a.Id, b.Id }.Order(), asleep.Ids.Order());
        Assert.Equal((true, false), (asleep.Sleeps(a.Id), asleep.Sleeps(b.Id)));
        Assert.Null(asleep.Find(a.Id));
        Assert.Same(b, asleep.Find(b.Id));
        Assert.Equal([b], asleep.Waiting);

        var awake = asleep.HandedOver().Told([a, b]);
        Assert.Same(a, awake.Find(a.Id));
        Assert.Equal((true, 2, 0), (awake.IsKnown, awake.Ids.Count(), awake.Waiting.Count));
    }

    [Fact]
    public void Before_the_task_type_was_awake_nobody_knows_what_it_has()
    {
        Assert.False(SharedEnvelopes.Unknown.IsKnown);
        Assert.False(SharedEnvelopes.Unknown.Wait(Runs.Delta(1, "a", 1, 0)).Asleep().IsKnown);
        Assert.True(SharedEnvelopes.Unknown.Told([]).IsKnown);
    }

    [Fact]
    public void No_more_than_so_many_wait()
    {
        var full = Enumerable.Range(0, 100).Aggregate(SharedEnvelopes.Unknown, (state, i) => state.Wait(Runs.Delta(1, $"text {i}", 1, 0, i)));
        Assert.Equal(SharedEnvelopes.MaxWaiting, full.Waiting.Count);
    }
}
