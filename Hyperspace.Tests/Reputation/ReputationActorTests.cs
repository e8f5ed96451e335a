using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Tests.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Reputation;

public sealed class ReputationActorTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);
    private static readonly PeerIdentity Me = RatingsTests.Who(1);
    private static readonly PeerIdentity Shop = RatingsTests.Who(2);
    private readonly FakeTimeProvider _time = new(Now);
    private readonly Channel<GossipCommands.Publish> _said = Channel.CreateUnbounded<GossipCommands.Publish>();

    [Fact]
    public async Task What_was_learnt_of_peers_is_on_the_board_and_survives_a_restart()
    {
        await using var engine = await StartAsync();
        var trust = engine.Services.GetRequiredService<ITrust>();
        var version = trust.Version;
        engine.Get<ActorKeys.Reputation>().Tell(new ReputationCommands.Replayed(ReplaySources.Foretold(ReplaySources.Matrix), [new Replay("honest", 60, 10), new Replay("liar", 2, 40)]));
        engine.Get<ActorKeys.Reputation>().Tell(new ReputationCommands.Called("honest", true));
        var before = await Get(engine, "honest");
        Assert.Equal((1, false), (before.Weight, before.Quarantined));
        Assert.Contains(before.Reasons, r => r is { Kind: "replay", For: 60, Against: 10 });
        Assert.Contains(before.Reasons, r => r.Kind == "calls" && r.Text.Contains("1 calls went well", StringComparison.Ordinal));
        Assert.Equal((1, 0, 1), (trust.WeightOf("honest"), trust.WeightOf("liar"), trust.WeightOf(Me.PeerId.ToString())));
        Assert.True(trust.Version > version);
        Assert.True(trust.ReputationOf("honest") > Standing.Unknown);

        await engine.RestartAsync();
        Assert.Equivalent(before, await Get(engine, "honest"));
        var liar = await Get(engine, "liar");
        Assert.True(liar.Quarantined);
        Assert.Contains(liar.Reasons, r => r.Kind == "caught");
        Assert.Equal(0, engine.Services.GetRequiredService<ITrust>().WeightOf("liar"));
    }

    [Fact]
    public async Task Of_a_burst_of_reports_the_last_one_counts()
    {
        await using var engine = await StartAsync();
        for (var i = 0; i <= 50; i++)
        {
            engine.Get<ActorKeys.Reputation>().Tell(new ReputationCommands.Replayed(ReplaySources.Foretold(ReplaySources.Matrix), [new Replay("a", i, 0)]));
        }

        ReputationView view;
        using var patience = new CancellationTokenSource(EngineFixture.Timeout);
        do
        {
            view = await Get(engine, "a");
            patience.Token.ThrowIfCancellationRequested();
        }
        while (view.Reasons.All(r => r is not { Kind: "replay", For: 50 }));
    }

    [Fact]
    public async Task A_paid_call_is_rated_on_the_mesh_at_most_once_a_minute()
    {
        await using var engine = await StartAsync();
        var actor = engine.Get<ActorKeys.Reputation>();
        foreach (var request in new[] { "r-1", "r-2" })
        {
            actor.Tell(new ReputationCommands.Called(Shop.PeerId.ToString(), false, RatingsTests.Paid(RatingsTests.ReceiptOf(Shop, Me, request, Now)), "s"));
        }

        var own = await _said.Reader.ReadAsync().AsTask().WaitAsync(EngineFixture.Timeout);
        var parent = await _said.Reader.ReadAsync().AsTask().WaitAsync(EngineFixture.Timeout);
        Assert.Equal((Topics.ReputationOf(Shop.PeerId.ToString()), Topics.Reputation), (own.Topic, parent.Topic));
        var heard = Ratings.Read(own.Data, Now, out _)!;
        Assert.Equal(("r-1", -1.0), (heard.Entry.ReceiptId, heard.Entry.Value));

        var rated = await actor.Ask<PeersRated>(new ReputationCommands.Rate(null, "s", null, 0.5), EngineFixture.Timeout);
        Assert.Equal([Shop.PeerId.ToString()], rated.Peers);
        Assert.Equal(1, rated.Gossiped);
        var word = Ratings.Read((await _said.Reader.ReadAsync().AsTask().WaitAsync(EngineFixture.Timeout)).Data, Now, out _)!;
        Assert.Equal(("r-2", 0.5), (word.Entry.ReceiptId, word.Entry.Value));
        Assert.IsType<Refusal>(await actor.Ask<object>(new ReputationCommands.Rate(null, "another", null, 0.5), EngineFixture.Timeout));

        await engine.RestartAsync();
        Assert.Equal(1, (await engine.Get<ActorKeys.Reputation>().Ask<PeersRated>(new ReputationCommands.Rate(null, null, "r-1", -1), EngineFixture.Timeout)).Gossiped);
    }

    [Fact]
    public async Task Ratings_of_others_come_in_from_the_mesh()
    {
        var rater = RatingsTests.Who(3);
        await using var engine = await StartAsync();
        var actor = engine.Get<ActorKeys.Reputation>();
        actor.Tell(new ReputationCommands.Replayed(ReplaySources.Foretold(ReplaySources.Matrix), [new Replay(rater.PeerId.ToString(), 60, 10)]));
        actor.Tell(new GossipReceived(Topics.Reputation, rater.PeerId.ToString(), [1, 2, 3]));
        actor.Tell(Rated(rater, -1));
        var view = await Get(engine, Shop.PeerId.ToString());
        Assert.Contains(view.Reasons, r => r is { Kind: "ratings", Against: 0.25 });
        Assert.True(view.Reputation < Standing.Unknown);
    }

    [Fact]
    public async Task Ratings_by_any_number_of_strangers_do_not_shut_a_trusted_rater_out()
    {
        var rater = RatingsTests.Who(3);
        await using var engine = await StartAsync();
        var actor = engine.Get<ActorKeys.Reputation>();
        actor.Tell(new ReputationCommands.Replayed(ReplaySources.Foretold(ReplaySources.Matrix), [new Replay(rater.PeerId.ToString(), 60, 10)]));
        for (var i = 0; i < 1100; i++)
        {
            actor.Tell(Rated(new PeerIdentity(KeyPair.FromSeed([.. BitConverter.GetBytes(i), .. new byte[28]]), Me.Wallet, new Contracts.Wire.IdentityBinding()), 1));
        }

        actor.Tell(Rated(rater, -1));
        var view = await Get(engine, Shop.PeerId.ToString());
        Assert.Contains(view.Reasons, r => r is { Kind: "ratings", Against: 0.25 });
    }

    private static GossipReceived Rated(PeerIdentity rater, double value) => new(
        Topics.Reputation,
        rater.PeerId.ToString(),
        Ratings.Seal(rater, RatingsTests.ReceiptOf(Shop, rater, "r-9", Now), value, new HybridTime((ulong)Now.ToUnixTimeMilliseconds(), 1)).Bytes.ToArray());

    private static Task<ReputationView> Get(EngineFixture engine, string peerId) =>
        engine.Get<ActorKeys.Reputation>().Ask<ReputationView>(new ReputationCommands.Get(peerId), EngineFixture.Timeout);

    private Task<EngineFixture> StartAsync() => EngineFixture.StartAsync(
        builder => builder
            .WithActors((system, registry) => registry.Register<ActorKeys.Gossip>(system.ActorOf(Props.Create(() => new Recorder(_said)))))
            .WithReputation(),
        services => services.AddSingleton(Me).AddSingleton(new HybridClock(_time)).AddSingleton<TimeProvider>(_time).AddTrust());

    private sealed class Recorder : ReceiveActor
    {
        public Recorder(Channel<GossipCommands.Publish> said)
        {
            Receive<GossipCommands.Publish>(publish => said.Writer.TryWrite(publish));
            Receive<GossipCommands.Subscribe>(subscribe => Sender.Tell(new GossipSubscribed(subscribe.Topic)));
        }
    }
}
