using System.Collections.Concurrent;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Tests.Learning;

/// <summary>The exchange of a task type with a neighbour that gives one envelope at a time; the test is its parent.</summary>
public sealed class TrajectoryExchangeTests : Akka.TestKit.Xunit2.TestKit
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperspace-exchange-").FullName;
    private readonly ConcurrentQueue<string> _wanted = new();
    private readonly ExperienceStore _store;
    private readonly LoopbackNetwork.Node _neighbour;
    private readonly IActorRef _exchange;
    private readonly Akka.TestKit.TestProbe _parent;
    private IReadOnlyList<SignedEnvelope> _theirs = [];

    public TrajectoryExchangeTests()
    {
        var network = new LoopbackNetwork();
        var (self, time) = (network.Join(Runs.Author(1).PeerId), new Microsoft.Extensions.Time.Testing.FakeTimeProvider(Runs.Now));
        _neighbour = network.Join(Runs.Author(2).PeerId);
        _neighbour.Handle(RpcMethods.TrajectoriesSync, (call, _) => Answer(TrajectorySyncRequest.Parser.ParseFrom(call.Payload.Span)));
        _store = new ExperienceStore(_folder, self.LocalPeer.ToString(), new ExperienceLimits(), NullLogger.Instance);
        _parent = CreateTestProbe();
        var services = new TrajectoryServices(null!, null!, time, new NeighbourTrajectories(self, self), _store, null!, TimeSpan.FromHours(1), new Random(1));
        _exchange = _parent.ChildActorOf(Props.Create(() => new TrajectoryExchangeActor(Runs.TaskType, services, envelope => TrajectoryTopicValidator.Check(envelope, Runs.TaskType) == null)));
        _exchange.Tell(new TrajectoryMessages.ShareAlso([]));
        self.Connect(_neighbour);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void The_next_bullets_are_asked_for_when_the_last_ones_are_journalled_and_those_without_room_never_again()
    {
        _theirs = [.. Enumerable.Range(0, 3).Select(i => Runs.Delta(3, $"Text {i}.", 1, 0, i))];
        _exchange.Tell(new TrajectoryMessages.NeighbourCame(_neighbour.LocalPeer));
        var first = Brought();
        _parent.ExpectNoMsg(TimeSpan.FromMilliseconds(200));
        first.Asker!.Tell(new TrajectoryMessages.Taken([first.Envelopes[0].Id]));
        var second = Brought();
        second.Asker!.Tell(new Refusal(ErrorCodes.JournalFailed, "The disk is full."));
        _parent.ExpectMsg<TrajectoryMessages.CaughtUp>(EngineFixture.Timeout);

        _wanted.Clear();
        _exchange.Tell(new TrajectoryMessages.NeighbourCame(_neighbour.LocalPeer));
        Assert.Equal(second.Envelopes[0].Id, Brought().Envelopes[0].Id);
        Assert.Equal(_theirs.Select(envelope => envelope.Id).Except([first.Envelopes[0].Id]).Order(), _wanted.Order());
    }

    [Fact]
    public void What_breaks_a_rule_is_not_passed_on_and_not_asked_for_again()
    {
        _theirs = [Runs.Delta(3, "Two\nlines.", 1, 0), Runs.SealedBy(Runs.Author(3), 1.0, "large", new string('x', TrajectoryRules.MaxSharedBytes)), Runs.Sealed(3, 1.0, "good")];
        _exchange.Tell(new TrajectoryMessages.NeighbourCame(_neighbour.LocalPeer));
        Assert.Equal("good", Assert.Single(_parent.ExpectMsg<TrajectoryMessages.RunsCame>(EngineFixture.Timeout).Runs).Parse().Input);
        _parent.ExpectMsg<TrajectoryMessages.CaughtUp>(EngineFixture.Timeout);

        _wanted.Clear();
        _exchange.Tell(new TrajectoryMessages.NeighbourCame(_neighbour.LocalPeer));
        _parent.ExpectMsg<TrajectoryMessages.CaughtUp>(EngineFixture.Timeout);
        Assert.Empty(_wanted);
    }

    [Fact]
    public async Task A_neighbour_is_answered_again_once_the_disk_can_be_read()
    {
        var ask = new TrajectoryMessages.Compare(new TrajectorySyncRequest { TaskType = Runs.TaskType, Prefixes = { ByteString.Empty } });
        Execute("ALTER TABLE runs RENAME TO away");
        await Assert.ThrowsAnyAsync<Exception>(() => _exchange.Ask<TrajectorySyncReply>(ask, EngineFixture.Timeout));
        Execute("ALTER TABLE away RENAME TO runs");
        Assert.Equal(0U, Assert.Single((await _exchange.Ask<TrajectorySyncReply>(ask, EngineFixture.Timeout)).Ranges).Count);

        void Execute(string sql)
        {
            using var file = ExperienceFile.OpenToWrite(Path.Combine(_folder, ExperienceFile.FileName));
            using var command = ExperienceFile.Command(file, sql);
            command.ExecuteNonQuery();
        }
    }

    private TrajectoryMessages.Brought Brought() => _parent.ExpectMsg<TrajectoryMessages.Brought>(EngineFixture.Timeout);

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> Answer(TrajectorySyncRequest request)
    {
        await Task.CompletedTask;
        var reply = new TrajectorySyncReply();
        Reconciliation.Describe(IdSet.Of(_theirs.Select(envelope => Convert.FromHexString(envelope.Id))), request, reply);
        var wanted = request.Want.Select(id => Convert.ToHexStringLower(id.Span)).ToList();
        foreach (var id in wanted.Where(id => !_wanted.Contains(id)))
        {
            _wanted.Enqueue(id);
        }

        if (wanted.Count > 0)
        {
            reply.LookedFor = 1;
            reply.Envelopes.Add(ByteString.CopyFrom(_theirs.Single(envelope => envelope.Id == wanted[0]).Bytes.Span));
        }

        yield return reply.ToByteArray();
    }
}
