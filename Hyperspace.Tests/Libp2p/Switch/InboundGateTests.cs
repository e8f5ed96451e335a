using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Switch;

public class InboundGateTests
{
    [Fact]
    public void A_burst_of_twice_the_rate_passes_and_then_the_rate_holds()
    {
        var time = new FakeTimeProvider();
        var gate = new InboundGate(perSecond: 5, atOnce: 100, time);
        Assert.Equal(10, Enumerable.Range(0, 30).Count(_ => gate.TryEnter()));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, Enumerable.Range(0, 30).Count(_ => gate.TryEnter()));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(10, Enumerable.Range(0, 30).Count(_ => gate.TryEnter()));
    }

    [Fact]
    public void Only_so_many_upgrades_run_at_once()
    {
        var gate = new InboundGate(perSecond: 100, atOnce: 2, new FakeTimeProvider());
        Assert.True(gate.TryEnter());
        Assert.True(gate.TryEnter());
        Assert.False(gate.TryEnter());
        gate.Leave();
        Assert.True(gate.TryEnter());
    }
}
