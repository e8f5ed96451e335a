using Hyperspace.Libp2p.Relay;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Relay;

/// <summary>What a circuit lets through, over streams in memory and virtual time.</summary>
public class CircuitPipeTests
{
    [Theory]
    [InlineData(1000, 1000)]
    [InlineData(1000, 999)]
    [InlineData(0, 300_000)]
    public async Task What_is_within_the_limit_passes_and_half_closes_pass_too(int limit, int sent)
    {
        var (a, left) = InMemoryStream.Pair(PeerOf(1), PeerOf(2), "hop");
        var (b, right) = InMemoryStream.Pair(PeerOf(3), PeerOf(2), "stop");
        var running = CircuitPipe.RunAsync(left, right, new RelayLimit(default, (ulong)limit), 777, TimeProvider.System, CancellationToken.None);
        var data = new byte[sent];
        new Random(sent).NextBytes(data);
        var writing = WriteAsync(a, data);
        Assert.Equal(data, await b.ReadToEndAsync());
        await writing;
        Assert.False(running.IsCompleted);
        await WriteAsync(b, data);
        Assert.Equal(data, await a.ReadToEndAsync());
        Assert.Equal(CircuitEnd.Closed, await running.WaitAsync(TestSwitch.Patience));
    }

    [Fact]
    public async Task A_circuit_ends_when_its_time_is_up_even_if_nobody_reads()
    {
        var time = new FakeTimeProvider();
        var (a, left) = InMemoryStream.Pair(PeerOf(1), PeerOf(2), "hop");
        var (_, right) = InMemoryStream.Pair(PeerOf(3), PeerOf(2), "stop");
        var running = CircuitPipe.RunAsync(left, right, new RelayLimit(TimeSpan.FromMinutes(2), 0), 1024, time, CancellationToken.None);
        var writing = WriteAsync(a, new byte[10_000_000]);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.False(running.IsCompleted);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(CircuitEnd.TimeLimit, await running.WaitAsync(TestSwitch.Patience));
        await Assert.ThrowsAnyAsync<IOException>(() => writing);
    }

    private static async Task WriteAsync(InMemoryStream stream, byte[] data)
    {
        await stream.WriteAsync(data);
        await stream.CloseWriteAsync();
    }

    private static Hyperspace.Libp2p.PeerId PeerOf(int seed)
    {
        var bytes = new byte[32];
        bytes[0] = (byte)seed;
        using var keys = Hyperspace.Libp2p.Keys.KeyPair.FromSeed(bytes);
        return keys.PeerId;
    }
}
