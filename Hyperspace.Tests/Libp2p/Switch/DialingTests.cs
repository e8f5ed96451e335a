using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Switch;

/// <summary>The pure parts of dialing: back-off, order, race.</summary>
public class DialingTests
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Cap = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(250);
    private readonly FakeTimeProvider _time = new();
    private readonly PeerId _peer = Peer();
    private readonly List<int> _discarded = [];

    [Fact]
    public void The_wait_doubles_with_each_failure_and_ends_with_success()
    {
        var backoff = new DialBackoff(First, Cap, 100, _time, () => 0.999999);
        Assert.Equal(TimeSpan.Zero, backoff.WaitFor(_peer, At(1)));
        foreach (var seconds in (int[])[1, 2, 4, 8])
        {
            backoff.Failed(_peer, At(1));
            Assert.Equal(seconds, backoff.WaitFor(_peer, At(1)).TotalSeconds, 0.01);
            _time.Advance(TimeSpan.FromSeconds(seconds));
            Assert.Equal(TimeSpan.Zero, backoff.WaitFor(_peer, At(1)));
        }

        backoff.Failed(_peer, At(1));
        backoff.Failed(_peer, At(2));
        backoff.Succeeded(_peer);
        Assert.Equal((TimeSpan.Zero, 0), (backoff.WaitFor(_peer, At(1)), backoff.Count));
    }

    [Property]
    public bool The_wait_stays_between_half_and_whole_and_never_passes_the_cap(byte failures, ushort draw)
    {
        var backoff = new DialBackoff(First, Cap, 100, _time, () => 0);
        var n = Math.Max(1, (int)failures);
        var wait = backoff.WaitAfter(n, draw / 65536.0);
        var whole = TimeSpan.FromSeconds(Math.Min(Cap.TotalSeconds, Math.Pow(2, n - 1)));
        return wait >= whole / 2 && wait <= whole && wait <= Cap;
    }

    [Fact]
    public void Only_so_many_failures_are_remembered()
    {
        var backoff = new DialBackoff(First, Cap, 3, _time, () => 0);
        for (var port = 1; port <= 5; port++)
        {
            backoff.Failed(_peer, At(port));
        }

        Assert.Equal(3, backoff.Count);
        Assert.Equal(TimeSpan.Zero, backoff.WaitFor(_peer, At(2)));
        Assert.True(backoff.WaitFor(_peer, At(3)) > TimeSpan.Zero);
    }

    [Property]
    public bool Tcp_comes_before_websocket_and_relays_come_last_in_the_given_order(byte[] kinds)
    {
        var addresses = kinds.Select((kind, i) => Multiaddr.Parse((kind % 4) switch
        {
            0 => $"/ip4/10.0.0.1/tcp/{i}/p2p/{_peer}/p2p-circuit",
            1 => $"/ip4/10.0.0.1/tcp/{i}/ws",
            2 => $"/dns4/example.org/tcp/{i}/tls/ws",
            _ => $"/ip4/10.0.0.1/tcp/{i}",
        })).ToArray();
        var ordered = DialOrder.Of(addresses).ToArray();
        var expected = addresses.Where((_, i) => kinds[i] % 4 == 3)
            .Concat(addresses.Where((_, i) => kinds[i] % 4 is 1 or 2))
            .Concat(addresses.Where((_, i) => kinds[i] % 4 == 0));
        return ordered.SequenceEqual(expected);
    }

    [Fact]
    public async Task The_next_attempt_starts_when_the_first_takes_too_long_and_the_loser_is_cancelled()
    {
        var slow = new Attempt();
        var quick = new Attempt();
        var race = RaceAsync(slow, quick);
        Assert.True(slow.Started);
        Assert.False(quick.Started);
        _time.Advance(Stagger);
        await Eventually.TrueAsync(() => quick.Started);
        quick.Result.SetResult(2);
        Assert.Equal(2, await race);
        Assert.True(slow.Token.IsCancellationRequested);
        Assert.Empty(_discarded);
    }

    [Fact]
    public async Task The_next_attempt_starts_at_once_when_the_first_fails_and_all_failures_are_told()
    {
        var a = new Attempt();
        var b = new Attempt();
        var race = RaceAsync(a, b);
        a.Result.SetException(new IOException("no route"));
        await Eventually.TrueAsync(() => b.Started);
        b.Result.SetException(new IOException("refused"));
        var error = await Assert.ThrowsAsync<IOException>(() => race);
        Assert.Equal("no route; refused", error.Message);
    }

    [Fact]
    public async Task What_a_loser_brings_after_all_is_discarded()
    {
        var a = new Attempt { IgnoresCancellation = true };
        var b = new Attempt();
        var race = RaceAsync(a, b);
        _time.Advance(Stagger);
        await Eventually.TrueAsync(() => b.Started);
        b.Result.SetResult(2);
        Assert.Equal(2, await race);
        a.Result.SetResult(1);
        await Eventually.TrueAsync(() => _discarded.Count > 0);
        Assert.Equal([1], _discarded);
    }

    [Fact]
    public async Task A_slow_first_attempt_still_wins_when_the_second_fails()
    {
        var a = new Attempt();
        var b = new Attempt();
        var race = RaceAsync(a, b);
        _time.Advance(Stagger);
        await Eventually.TrueAsync(() => b.Started);
        b.Result.SetException(new IOException("refused"));
        a.Result.SetResult(1);
        Assert.Equal(1, await race);
    }

    private static PeerId Peer()
    {
        using var keys = KeyPair.Generate();
        return keys.PeerId;
    }

    private static Multiaddr At(int port) => Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{port}");

    private Task<int> RaceAsync(params Attempt[] attempts) =>
        StaggeredRace.RunAsync([.. attempts.Select(a => (Func<CancellationToken, Task<int>>)a.RunAsync)], Stagger, _time, _discarded.Add, CancellationToken.None);

    private sealed class Attempt
    {
        public TaskCompletionSource<int> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Started { get; private set; }

        public bool IgnoresCancellation { get; init; }

        public CancellationToken Token { get; private set; }

        public Task<int> RunAsync(CancellationToken cancellationToken)
        {
            Token = cancellationToken;
            Started = true;
            return IgnoresCancellation ? Result.Task : Result.Task.WaitAsync(cancellationToken);
        }
    }
}
