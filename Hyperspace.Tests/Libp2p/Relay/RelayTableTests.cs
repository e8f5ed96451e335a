using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Relay;

namespace Hyperspace.Tests.Libp2p.Relay;

public class RelayTableTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly PeerId[] Peers = [.. Enumerable.Range(1, 6).Select(PeerOf)];
    private static readonly RelayServiceOptions Small = new()
    {
        ReservationTtl = TimeSpan.FromMinutes(10),
        MaxReservations = 3,
        MaxReservationsPerIp = 2,
        MaxCircuits = 4,
        MaxCircuitsPerPeer = 2,
        RequestsPerMinutePerIp = 1000,
    };

    [Fact]
    public void A_reservation_holds_until_its_time_and_a_refresh_prolongs_it()
    {
        var table = new RelayTable(Small);
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[0], "a", Start, out var first));
        Assert.Equal(Start + Small.ReservationTtl, first);
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[0], "a", Start.AddMinutes(9), out var second));
        Assert.Equal(Start.AddMinutes(19), second);
        Assert.Equal(1, table.CountReservations(Start.AddMinutes(18)));
        Assert.True(table.HasReservation(Peers[0], second.AddTicks(-1)));
        Assert.False(table.HasReservation(Peers[0], second));
        Assert.Equal(RelayStatus.NoReservation, table.Begin(Peers[1], Peers[0], "b", second, out _));
    }

    [Fact]
    public void Too_many_reservations_of_one_address_or_in_all_are_refused_until_one_is_over()
    {
        var table = new RelayTable(Small);
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[0], "a", Start, out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[1], "a", Start, out _));
        Assert.Equal(RelayStatus.ReservationRefused, table.Reserve(Peers[2], "a", Start, out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[2], "b", Start.AddMinutes(1), out _));
        Assert.Equal(RelayStatus.ReservationRefused, table.Reserve(Peers[3], "b", Start.AddMinutes(1), out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[0], "b", Start.AddMinutes(2), out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[3], "a", Start + Small.ReservationTtl, out _));
    }

    [Fact]
    public void A_flood_of_requests_from_one_address_is_refused_and_others_are_served()
    {
        var table = new RelayTable(Small with { RequestsPerMinutePerIp = 10 });
        var answers = Enumerable.Range(0, 1000).Select(_ => table.Reserve(Peers[0], "a", Start, out var _)).ToArray();
        Assert.Equal(10, answers.Count(a => a == RelayStatus.Ok));
        Assert.Equal(RelayStatus.ResourceLimitExceeded, table.Begin(Peers[1], Peers[0], "a", Start, out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[1], "b", Start, out _));
        Assert.Equal(RelayStatus.Ok, table.Reserve(Peers[0], "a", Start.AddMinutes(1), out _));
    }

    [Fact]
    public void Nobody_gets_a_circuit_to_itself_or_to_a_peer_that_left()
    {
        var table = new RelayTable(Small);
        table.Reserve(Peers[0], "a", Start, out _);
        Assert.Equal(RelayStatus.PermissionDenied, table.Begin(Peers[0], Peers[0], "a", Start, out _));
        table.PeerGone(Peers[0]);
        Assert.Equal(RelayStatus.NoReservation, table.Begin(Peers[1], Peers[0], "a", Start, out _));
    }

    /// <summary>However reservations, circuits, ends, departures and time mix: no limit is passed, and circuits begin only to those with a reservation.</summary>
    [Property(MaxTest = 300)]
    public Property No_sequence_of_requests_passes_a_limit() => Prop.ForAll(
        Gen.Choose(0, (5 * 6 * 6) - 1).ArrayOf().ToArbitrary(),
        steps =>
        {
            var table = new RelayTable(Small);
            var now = Start;
            var reserved = new Dictionary<PeerId, (string Ip, DateTimeOffset Expires)>();
            var open = new List<Circuit>();
            foreach (var step in steps)
            {
                var (kind, a, b) = (step / 36, step / 6 % 6, step % 6);
                var (x, y, ip) = (Peers[a], Peers[b], a < 3 ? "one" : "two");
                switch (kind)
                {
                    case 0 when table.Reserve(x, ip, now, out var expires) == RelayStatus.Ok:
                        reserved[x] = (ip, expires);
                        break;
                    case 1 when table.Begin(x, y, ip, now, out var circuit) == RelayStatus.Ok:
                        Assert.True(reserved.TryGetValue(y, out var r) && r.Expires > now);
                        Assert.NotEqual(x, y);
                        open.Add(circuit!);
                        break;
                    case 2 when open.Count > 0:
                        table.End(open[b % open.Count]);
                        open.RemoveAt(b % open.Count);
                        break;
                    case 3:
                        table.PeerGone(x);
                        reserved.Remove(x);
                        break;
                    case 4:
                        now += TimeSpan.FromMinutes(b);
                        break;
                }

                var live = reserved.Where(r => r.Value.Expires > now).ToArray();
                Assert.Equal(live.Length, table.CountReservations(now));
                Assert.True(live.Length <= Small.MaxReservations);
                Assert.All(live.GroupBy(r => r.Value.Ip), g => Assert.True(g.Count() <= Small.MaxReservationsPerIp));
                Assert.Equal(open.Count, table.CircuitCount);
                Assert.True(open.Count <= Small.MaxCircuits);
                Assert.All(open.GroupBy(c => c.Source), g => Assert.True(g.Count() <= Small.MaxCircuitsPerPeer));
                Assert.All(open.GroupBy(c => c.Target), g => Assert.True(g.Count() <= Small.MaxCircuitsPerPeer));
            }
        });

    [Property]
    public bool A_budget_gives_exactly_its_bytes(PositiveInt limit, NonNegativeInt[] wants)
    {
        var budget = new ByteBudget((ulong)limit.Get);
        var given = wants.Sum(w => (long)budget.Take(w.Get));
        return given == Math.Min(limit.Get, wants.Sum(w => (long)w.Get));
    }

    [Property]
    public bool A_refresh_is_due_before_the_end_but_never_sooner_than_a_second(uint secondsLeft)
    {
        var wait = RelayReservation.RefreshAfter(Start, Start.AddSeconds(secondsLeft % 10_000_000));
        return wait >= TimeSpan.FromSeconds(1) && (wait < TimeSpan.FromSeconds(secondsLeft % 10_000_000) || wait == TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void Rates_remember_no_more_keys_than_allowed_and_forget_those_at_rest()
    {
        var rates = new RequestRates<int>(2, 100);
        Assert.All(Enumerable.Range(0, 100), k => Assert.True(rates.TryTake(k, Start)));
        Assert.False(rates.TryTake(100, Start));
        Assert.Equal(100, rates.Count);
        Assert.True(rates.TryTake(100, Start.AddMinutes(1)));
        Assert.Equal(1, rates.Count);
    }

    private static PeerId PeerOf(int seed)
    {
        var bytes = new byte[32];
        bytes[0] = (byte)seed;
        using var keys = KeyPair.FromSeed(bytes);
        return keys.PeerId;
    }
}
