using Hyperspace.Actors.Transport;

namespace Hyperspace.Tests.Transport;

public class BootstrapBackoffTests
{
    [Fact]
    public void Pauses_double_up_to_a_minute_and_start_over_once_all_are_connected()
    {
        var backoff = BootstrapBackoff.Start;
        var pauses = new List<double>();
        for (var i = 0; i < 9; i++)
        {
            backoff = backoff.After(allConnected: false);
            pauses.Add(backoff.Pause.TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], pauses);
        Assert.Equal(0, backoff.After(allConnected: true).Failures);
        Assert.Equal(1, backoff.After(allConnected: true).After(allConnected: false).Pause.TotalSeconds);
    }
}
