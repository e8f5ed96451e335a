using FsCheck.Xunit;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Switch;

public class ConnectionTrimmerTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    [Property]
    public bool Trimming_leads_to_the_low_mark_as_far_as_it_may_and_never_closes_what_is_worth_more(int seed, byte count, byte high, byte below)
    {
        var random = new Random(seed);
        var all = Enumerable.Range(0, count).Select(i => new TrimCandidate<int>(
            i,
            random.Next(3) * 10,
            random.Next(4) == 0,
            random.Next(4) == 0,
            random.Next(3),
            TimeSpan.FromSeconds(random.Next(60)),
            TimeSpan.FromSeconds(random.Next(60)))).ToArray();
        var low = Math.Max(0, high - below);
        var closed = ConnectionTrimmer.Choose(all, high, low, Grace).ToHashSet();
        if (all.Length <= high)
        {
            return closed.Count == 0;
        }

        var closable = all.Where(c => !c.Protected && c.Age >= Grace).ToArray();
        var kept = closable.Where(c => !closed.Contains(c.Item)).ToArray();
        return closed.Count == Math.Min(closable.Length, all.Length - low)
            && closed.All(i => closable.Any(c => c.Item == i))
            && closed.All(i => kept.All(k => Worth(k).CompareTo(Worth(all[i])) >= 0));
    }

    [Fact]
    public void Limited_untagged_streamless_and_long_idle_connections_go_first()
    {
        TrimCandidate<string>[] all =
        [
            Candidate("tagged", value: 1),
            Candidate("busy", streams: 3),
            Candidate("idle", idle: 500),
            Candidate("fresh", idle: 1),
            Candidate("limited", limited: true, value: 100, streams: 9),
            Candidate("protected", needed: true, idle: 9999),
        ];
        Assert.Equal(["limited", "idle", "fresh", "busy", "tagged"], ConnectionTrimmer.Choose(all, 5, 0, Grace));
    }

    [Fact]
    public void A_peer_stays_protected_until_everybody_let_go_and_tags_add_up()
    {
        using var keys = KeyPair.Generate();
        var tags = new PeerTags();
        tags.Set(keys.PeerId, "mesh", 20);
        tags.Set(keys.PeerId, "dht", 5);
        tags.Set(keys.PeerId, "mesh", 10);
        tags.Protect(keys.PeerId, "mesh", true);
        tags.Protect(keys.PeerId, "relay", true);
        tags.Protect(keys.PeerId, "mesh", false);
        Assert.Equal((15, true), tags.Of(keys.PeerId));
        tags.Protect(keys.PeerId, "relay", false);
        tags.Set(keys.PeerId, "mesh", 0);
        Assert.Equal((5, false), tags.Of(keys.PeerId));
    }

    private static (bool, int, int, TimeSpan) Worth(TrimCandidate<int> c) => (!c.Limited, c.Value, c.Streams, -c.Idle);

    private static TrimCandidate<string> Candidate(string name, int value = 0, bool needed = false, bool limited = false, int streams = 0, int idle = 10) =>
        new(name, value, needed, limited, streams, TimeSpan.FromHours(1), TimeSpan.FromSeconds(idle));
}
