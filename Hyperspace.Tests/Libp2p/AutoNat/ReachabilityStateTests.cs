using System.Net;
using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Libp2p.AutoNat;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.AutoNat;

public class ReachabilityStateTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void More_than_three_networks_that_agree_make_a_verdict()
    {
        foreach (var reached in (bool[])[true, false])
        {
            var state = New();
            foreach (var voter in (string[])["a", "b", "c", "c", "c"])
            {
                state = state.Observe(voter, reached, Start);
                Assert.Equal(Reachability.Unknown, state.Verdict);
            }

            state = state.Observe("d", reached, Start);
            Assert.Equal(reached ? Reachability.Public : Reachability.Private, state.Verdict);
            Assert.Equal(4, state.Confidence);
        }
    }

    [Fact]
    public void A_verdict_stands_until_more_say_otherwise_than_said_so()
    {
        var state = Enumerable.Range(0, 4).Aggregate(New(), (s, v) => s.Observe($"yes {v}", true, Start));
        state = Enumerable.Range(0, 4).Aggregate(state, (s, v) => s.Observe($"no {v}", false, Start));
        Assert.Equal((Reachability.Public, 0), (state.Verdict, state.Confidence));
        state = state.Observe("no 4", false, Start);
        Assert.Equal((Reachability.Private, 1), (state.Verdict, state.Confidence));
    }

    [Fact]
    public void Old_answers_do_not_count_against_new_ones()
    {
        var state = Enumerable.Range(0, 10).Aggregate(New(), (s, v) => s.Observe($"yes {v}", true, Start));
        state = Enumerable.Range(0, 4).Aggregate(state, (s, v) => s.Observe($"no {v}", false, Start.AddHours(3)));
        Assert.Equal((Reachability.Private, 4), (state.Verdict, state.Confidence));
    }

    [Property]
    public bool One_network_never_decides_however_often_it_answers(bool[] answers) =>
        answers.Aggregate(New(), (s, reached) => s.Observe("one", reached, Start)).Verdict == Reachability.Unknown;

    [Property]
    public bool The_last_answers_of_each_network_decide(byte[] voters, bool[] answers)
    {
        var state = New();
        var last = new Dictionary<byte, bool>();
        foreach (var (voter, reached) in voters.Select(v => (byte)(v % 12)).Zip(answers))
        {
            state = state.Observe(voter.ToString(System.Globalization.CultureInfo.InvariantCulture), reached, Start);
            last[voter] = reached;
        }

        var (yes, no) = (last.Values.Count(r => r), last.Values.Count(r => !r));
        return (yes < 4 || yes <= no || state.Verdict == Reachability.Public) && (no < 4 || no <= yes || state.Verdict == Reachability.Private);
    }

    [Fact]
    public void A_server_dials_back_only_where_it_sees_the_asker_and_only_on_the_internet()
    {
        string[] asked =
        [
            "/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.4.4/tcp/4001", "/ip4/192.168.0.1/tcp/4001", "/dns4/example.org/tcp/4001", "/ip4/8.8.8.8/tcp/4002",
            "/ip4/8.8.8.8/tcp/4001/p2p/12D3KooWGRUfzmLXXhu2bdLZPFHGJEwL4CvCnBcZbMDTQ5qLoMMt/p2p-circuit", "/ip6/2606:4700::1/tcp/4001",
            "/ip4/8.8.8.8/tcp/4003", "/ip4/8.8.8.8/tcp/4004", "/ip4/8.8.8.8/tcp/4005",
        ];
        var bytes = asked.Where(a => Multiaddr.TryParse(a, out _)).Select(a => ByteString.CopyFrom(Multiaddr.Parse(a).Bytes.Span)).Append(ByteString.CopyFrom(1, 2, 3)).ToArray();
        var options = new AutoNatOptions();
        Assert.Equal(
            ["/ip4/8.8.8.8/tcp/4001", "/ip4/8.8.8.8/tcp/4002", "/ip4/8.8.8.8/tcp/4003", "/ip4/8.8.8.8/tcp/4004"],
            AutoNatMessages.DialBackAddresses(bytes, IPAddress.Parse("8.8.8.8"), options).Select(a => a.ToString()));
        Assert.Equal(["/ip6/2606:4700::1/tcp/4001"], AutoNatMessages.DialBackAddresses(bytes, IPAddress.Parse("2606:4700::1"), options).Select(a => a.ToString()));
        Assert.Empty(AutoNatMessages.DialBackAddresses(bytes, IPAddress.Parse("192.168.0.1"), options));
        Assert.Single(AutoNatMessages.DialBackAddresses(bytes, IPAddress.Parse("192.168.0.1"), options with { PrivateNetwork = true }));
    }

    [Fact]
    public void Candidates_are_the_listen_addresses_and_their_ports_where_others_see_this_peer()
    {
        var listening = new[] { "/ip4/192.168.0.5/tcp/7421", "/ip6/2606:4700::5/tcp/7421/ws" }.Select(Multiaddr.Parse).ToArray();
        var observed = new[] { IPAddress.Parse("8.8.8.8") };
        Assert.Equal(["/ip4/8.8.8.8/tcp/7421", "/ip6/2606:4700::5/tcp/7421/ws"], AutoNatMessages.Candidates(listening, observed, false).Select(a => a.ToString()));
        Assert.Equal(3, AutoNatMessages.Candidates(listening, observed, true).Count);
        Assert.Empty(AutoNatMessages.Candidates([], observed, false));
    }

    private static ReachabilityState New() => new(4, TimeSpan.FromHours(2));
}
