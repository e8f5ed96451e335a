using Hyperspace.Benchmarks.Simulation;

namespace Hyperspace.Tests.Simulation;

public class VirtualTimeTests
{
    [Fact]
    public async Task Delays_and_timers_of_ordinary_code_run_in_virtual_time()
    {
        var time = new VirtualTime();
        var start = time.GetUtcNow();
        var ticks = 0;
        var timer = time.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        var delay = Task.Delay(TimeSpan.FromHours(3), time);

        time.Run((long)TimeSpan.FromHours(3).TotalMilliseconds - 1);
        Assert.False(delay.IsCompleted);
        time.Run(1);
        await delay;
        Assert.Equal(3, ticks);
        Assert.Equal(TimeSpan.FromHours(3), time.GetUtcNow() - start);
        Assert.Equal(TimeSpan.FromHours(3), time.GetElapsedTime(0));

        timer.Change(TimeSpan.FromMinutes(1), Timeout.InfiniteTimeSpan);
        time.Run((long)TimeSpan.FromHours(5).TotalMilliseconds);
        Assert.Equal(4, ticks);
        await timer.DisposeAsync();
        Assert.Equal(0, time.Waiting);
    }

    [Fact]
    public void Running_until_a_condition_stops_at_the_event_that_made_it_true()
    {
        var time = new VirtualTime();
        var done = false;
        time.After(700, () => done = true);
        time.After(900, () => Assert.Fail("ran on"));
        Assert.True(time.RunUntil(800, () => done));
        Assert.Equal(700, time.Now);
        Assert.False(time.RunUntil(800, () => !done));
        Assert.Equal(800, time.Now);
    }
}
