namespace Hyperspace.Tests.Libp2p;

/// <summary>Waits for a condition that no event announces.</summary>
internal static class Eventually
{
    public static Task TrueAsync(Func<bool> condition, int timeoutSeconds = 20) => TrueAsync(() => Task.FromResult(condition()), timeoutSeconds);

    public static async Task TrueAsync(Func<Task<bool>> condition, int timeoutSeconds = 20)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
        for (var until = DateTime.UtcNow.AddSeconds(timeoutSeconds); !await condition();)
        {
            Assert.True(DateTime.UtcNow < until, "The condition did not come true in time.");
            await timer.WaitForNextTickAsync();
        }
    }
}
