using Akka.Actor;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Switch;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Transport;

public class ConnectionGuardianTests : PatientTestKit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Peers_are_dialled_listed_and_closed_and_subscribers_hear_of_it()
    {
        await using var here = await TestSwitch.StartAsync();
        await using var there = await TestSwitch.StartAsync();
        var connections = Connections(here.Switch);
        connections.Tell(new ConnectionCommands.Subscribe());
        await ExpectMsgAsync<ConnectionsSubscribed>(m => Assert.Empty(m.Peers), Patience);

        var asker = CreateTestProbe();
        connections.Tell(new ConnectionCommands.Dial(there.Address.ToString()), asker);
        await asker.ExpectMsgAsync<Dialled>(m => Assert.Equal(there.PeerId.ToString(), m.PeerId), Patience);
        var up = (await ExpectMsgAsync<PeerUp>(Patience)).Peer;
        Assert.Equal(there.PeerId.ToString(), up.PeerId);
        Assert.Contains(TestSwitch.Echo, up.Protocols);
        connections.Tell(new ConnectionCommands.List(), asker);
        await asker.ExpectMsgAsync<Connections>(m => Assert.Equal([up.PeerId], m.Peers.Select(p => p.PeerId)), Patience);

        connections.Tell(new ConnectionCommands.Close(up.PeerId), asker);
        await asker.ExpectMsgAsync<Closed>(Patience);
        await FishForMessageAsync<PeerDown>(m => m.PeerId == up.PeerId, Patience);
        Assert.Empty(here.Switch.ConnectedPeers);
    }

    [Fact]
    public async Task A_restarted_actor_tells_its_subscribers_who_is_connected_and_closes_nothing()
    {
        await using var here = await TestSwitch.StartAsync();
        await using var there = await TestSwitch.StartAsync();
        var connections = Connections(here.Switch);
        await here.Switch.DialAsync(there.Address);
        await here.UntilIdentifiedAsync(there.PeerId);
        connections.Tell(new ConnectionCommands.Subscribe());
        await ExpectMsgAsync<ConnectionsSubscribed>(m => Assert.Single(m.Peers), Patience);

        Sys.ActorSelection("/user/connections/*").Tell(Kill.Instance);

        await FishForMessageAsync<ConnectionsSubscribed>(m => m.Peers.Select(p => p.PeerId).SequenceEqual([there.PeerId.ToString()]), Patience);
        Assert.Equal([1, 2, 3], await here.EchoAsync(there.PeerId, [1, 2, 3]));
        await there.Switch.DisconnectAsync(here.PeerId);
        await FishForMessageAsync<PeerDown>(_ => true, Patience);
        Assert.DoesNotContain($"disconnected {there.PeerId}", here.News.Take(here.News.Count - 1));
    }

    [Theory]
    [InlineData("nonsense", ErrorCodes.InvalidParams)]
    [InlineData("/ip4/127.0.0.1/tcp/1", ErrorCodes.PeerUnreachable)]
    public async Task A_dial_that_fails_is_a_reply(string address, string code)
    {
        await using var here = await TestSwitch.StartAsync();
        Connections(here.Switch).Tell(new ConnectionCommands.Dial(address));
        await ExpectMsgAsync<Refusal>(m => Assert.Equal(code, m.Code), Patience);
    }

    [Fact]
    public async Task Dials_beyond_the_limit_are_refused_at_once_and_a_crash_answers_those_that_run()
    {
        var network = new StuckSwitch();
        var connections = Connections(network);
        var taken = ConnectionActor.MaxDials + ConnectionActor.MaxWaitingDials;
        for (var i = 0; i < taken + 5; i++)
        {
            connections.Tell(new ConnectionCommands.Dial("/ip4/127.0.0.1/tcp/1"));
        }

        for (var i = 0; i < 5; i++)
        {
            await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.RateLimited, m.Code), Patience);
        }

        Assert.Equal(ConnectionActor.MaxDials, network.Dials);
        Sys.ActorSelection("/user/connections/*").Tell(Kill.Instance);
        for (var i = 0; i < taken; i++)
        {
            await ExpectMsgAsync<Refusal>(m => Assert.Equal(ErrorCodes.Internal, m.Code), Patience);
        }
    }

    [Fact]
    public async Task However_fast_peers_come_and_go_a_subscriber_ends_up_knowing_who_is_there()
    {
        await using var here = await TestSwitch.StartAsync();
        var connections = Connections(here.Switch);
        connections.Tell(new ConnectionCommands.Subscribe());
        await ExpectMsgAsync<ConnectionsSubscribed>(Patience);
        await using var last = await TestSwitch.StartAsync();
        for (var i = 0; i < 10; i++)
        {
            await using var passing = await TestSwitch.StartAsync();
            await passing.Switch.DialAsync(here.Address);
        }

        await last.Switch.DialAsync(here.Address);
        var known = new HashSet<string>();
        await Eventually.TrueAsync(async () =>
        {
            while (await ReceiveOneAsync(TimeSpan.Zero) is { } news)
            {
                _ = news is PeerUp up ? known.Add(up.Peer.PeerId) : news is PeerDown down && known.Remove(down.PeerId);
            }

            return known.SetEquals([last.PeerId.ToString()]) && here.Switch.ConnectedPeers.Count == 1;
        });
    }

    private IActorRef Connections(ISwitch network) =>
        Sys.ActorOf(Props.Create(() => new ConnectionGuardian(network, NullLoggerFactory.Instance)), "connections");

    /// <summary>A network in which no dial ever ends by itself.</summary>
    private sealed class StuckSwitch : ISwitch
    {
        private readonly InMemorySwitch _nobody = new InMemoryNetwork().Add(1);
        private int _dials;

        public int Dials => _dials;

        public PeerId LocalPeer => _nobody.LocalPeer;

        public IReadOnlyList<Multiaddr> ListenAddresses => [];

        public IReadOnlyCollection<PeerId> ConnectedPeers => [];

        public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32)
        {
        }

        public void Unhandle(string protocol)
        {
        }

        public async Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
        {
            Interlocked.Increment(ref _dials);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return LocalPeer;
        }

        public Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default) =>
            Task.FromException<IPeerStream>(new IOException("Nobody is there."));

        public Task DisconnectAsync(PeerId peer) => Task.CompletedTask;

        public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses)
        {
        }

        public PeerRecord? Find(PeerId peer) => null;

        public IDisposable Observe(ISwitchObserver observer) => _nobody.Observe(observer);
    }
}
