using Akka.Actor;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Transport;
using Hyperspace.Tests.Engine;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>Authors are judged by what their runs claim of what this peer did itself.</summary>
public class JudgedRunsTests
{
    private const int Goals = 24;
    private const int Honest = 2;
    private const int Liar = 3;
    private const string Tool = "12D3KooWProvider/docs-search";

    [Fact]
    public async Task Who_claims_what_came_out_here_gains_weight_and_who_claims_the_opposite_loses_it()
    {
        await using var peer = await LearningPeer.StartAsync(1, withReputation: true);
        await peer.Ask<TaskTypeFollowed>(new TrajectoryCommands.Follow(Runs.TaskType));
        await peer.Said<GossipCommands.Subscribe>();
        var strangers = (await View(peer, Honest)).Weight;
        for (var i = 0; i < Goals; i++)
        {
            Claim(peer, i, Honest);
            Claim(peer, i, Liar);
        }

        await Eventually.SeenAsync(() => peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, "", 100)), matches => matches.Trajectories.Count == 2 * Goals);
        for (var i = 0; i < Goals; i++)
        {
            await TryAsync(peer, i);
        }

        await Eventually.TrueAsync(async () => (await View(peer, Honest)).Weight > strangers && (await View(peer, Liar)).Weight < strangers);
        await Eventually.TrueAsync(async () => For(await View(peer, Honest)) == (Goals, 0) && For(await View(peer, Liar)) == (0, Goals));

        var liar = await View(peer, Liar);
        Assert.Contains(liar.Reasons, reason => reason.Kind == "caught");

        // Who tells of what this peer did after it did has foretold nothing.
        const int Copycat = 4;
        for (var i = 0; i < Goals; i++)
        {
            Claim(peer, i, Copycat, Outcome(i));
        }

        await Eventually.SeenAsync(() => peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, "", 100)), matches => matches.Trajectories.Count(t => t.PeerId == Runs.Author(Copycat).PeerId.ToString()) > 0);
        await Eventually.SeenAsync(() => View(peer, Copycat), view => view.Weight == 0.5);
        Assert.Equal((0, 0), For(await View(peer, Copycat)));

        // After a start everything is replayed again, and only what is new is news: a claim that this peer had not tried before.
        Claim(peer, Goals, Honest);
        await Eventually.TrueAsync(async () => (await peer.Ask<TrajectoryMatches>(new TrajectoryCommands.Query(Runs.TaskType, Goal(Goals), 1))).Trajectories[0].Input == Goal(Goals));
        await peer.Engine.RestartAsync();
        await TryAsync(peer, Goals);
        await Eventually.TrueAsync(async () => For(await View(peer, Honest)) == (Goals + 1, 0));
        Assert.Equivalent(liar, await View(peer, Liar));
    }

    private static Task TryAsync(LearningPeer peer, int i) => peer.Ask<TrajectoryRecorded>(new TrajectoryCommands.Record(
        Runs.TaskType, Goal(i), [new TrajectoryStepView("tool", Tool, null, Input(i), "…", Amount.MicroUsdc(1), TimeSpan.Zero, true, null)], "done", Outcome(i), null));

    /// <summary>Another author claims to have tried a goal: the honest one with what comes out, the liar with the opposite.</summary>
    private static void Claim(LearningPeer peer, int i, int author, double? outcome = null) => peer.Deliver(
        Topics.Trajectories(Runs.TaskType), Runs.Sealed(author, outcome ?? (author == Honest ? Outcome(i) : 1 - Outcome(i)), Goal(i), i, Runs.TaskType, Runs.Call(Tool, Input(i))).Bytes);

    [Fact]
    public void Only_the_same_steps_for_the_same_goal_are_compared_and_repairs_claim_nothing()
    {
        var self = Runs.Author(1).PeerId.ToString();
        KeptTrajectory Kept(int author, double reward, string goal, string input, int serial = 0) => Runs.Kept(author, reward, goal, serial, Runs.Call("peer/tool", input));
        var own = Kept(1, 0.0, "yamux", "a");
        var claims = RunClaims.Of(self, [own, Kept(1, 0.5, "noise", "a"), Kept(2, 1.0, "yamux", "a"), Kept(2, 1.0, "yamux", "b"), Kept(2, 1.0, "dht", "a"), Kept(2, 0.5, "yamux", "c"), Runs.Repair(2, 1.0, "yamux", own)]);
        Assert.Equal([new Replay(Runs.Author(2).PeerId.ToString(), 0, 1)], Hyperspace.Actors.Reputation.Agreement.Of(self, claims));
    }

    [Fact]
    public void A_shortened_run_claims_nothing_and_is_a_way_of_its_own()
    {
        var self = Runs.Author(1).PeerId.ToString();
        KeptTrajectory Shortened(int author, double reward, string end)
        {
            var whole = new Contracts.Wire.Trajectory { TaskType = Runs.TaskType, Input = "yamux", Reward = reward };
            whole.Steps.Add(Runs.Call("peer/tool", new string('x', CompactRecord.MaxBytes) + end));
            return Runs.Kept(Runs.Seal(author, EnvelopeTypes.Trajectory, CompactRecord.Of(whole).Record));
        }

        var (own, other) = (Shortened(1, 0.0, "a"), Shortened(2, 1.0, "b"));
        Assert.Equal(own.Parse().Steps, other.Parse().Steps);
        Assert.NotEqual(own.Shape, other.Shape);
        Assert.Empty(RunClaims.Of(self, [own, other]));
    }

    private static string Goal(int i) => $"goal number {i}";

    private static string Input(int i) => $$"""{"page":{{i}}}""";

    private static double Outcome(int i) => i % 2;

    private static (double, double) For(ReputationView view) => view.Reasons.Where(reason => reason.Kind == "replay").Select(reason => (reason.For, reason.Against)).FirstOrDefault();

    private static Task<ReputationView> View(LearningPeer peer, int author) =>
        peer.Engine.Get<ActorKeys.Reputation>().Ask<ReputationView>(new ReputationCommands.Get(Runs.Author(author).PeerId.ToString()), EngineFixture.Timeout);
}
