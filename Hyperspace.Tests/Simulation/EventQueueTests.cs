using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Tests.Simulation;

public class EventQueueTests
{
    [Property]
    public bool Events_come_by_time_and_then_in_the_order_in_which_they_were_scheduled(NonNegativeInt[] times, bool far)
    {
        var queue = new EventQueue<int>();
        var scale = far ? 997 : 1;
        for (var i = 0; i < times.Length; i++)
        {
            queue.Schedule((long)times[i].Get * scale, i);
        }

        var expected = Enumerable.Range(0, times.Length).OrderBy(i => times[i].Get).ToList();
        var taken = new List<int>();
        while (queue.TryNext(long.MaxValue / 2, out var item))
        {
            taken.Add(item);
            if (queue.Now != (long)times[item].Get * scale)
            {
                return false;
            }
        }

        return taken.SequenceEqual(expected) && queue.Count == 0;
    }

    [Fact]
    public void Events_scheduled_by_events_are_merged_with_the_far_ones_that_come_near()
    {
        var queue = new EventQueue<string>();
        queue.Schedule(20_000, "far");
        queue.Schedule(15_000, "mid");
        var seen = new List<(long, string)>();
        while (queue.TryNext(100_000, out var item))
        {
            seen.Add((queue.Now, item));
            if (item == "mid")
            {
                queue.Schedule(20_000, "after far");
                queue.Schedule(15_000, "same millisecond");
            }
        }

        Assert.Equal([(15_000, "mid"), (15_000, "same millisecond"), (20_000, "far"), (20_000, "after far")], seen);
        Assert.Equal(100_000, queue.Now);
    }

    [Fact]
    public void Time_stands_at_the_limit_when_nothing_is_due_and_what_is_scheduled_then_still_comes()
    {
        var queue = new EventQueue<int>();
        queue.Schedule(50, 1);
        Assert.False(queue.TryNext(49, out _));
        Assert.Equal(49, queue.Now);
        queue.Schedule(10, 2);
        Assert.True(queue.TryNext(49, out var late));
        Assert.Equal(2, late);
        Assert.True(queue.TryNext(50, out var due));
        Assert.Equal(1, due);
    }
}
