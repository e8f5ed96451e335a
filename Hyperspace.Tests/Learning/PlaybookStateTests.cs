using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

public class PlaybookStateTests
{
    private static readonly TrajectoryLimits SmallRuns = new(Runs: 8, Failures: 4, LargeRuns: 2, LargeFailures: 1, SmallBytes: 600);
    private static readonly PlaybookLimits SmallInsights = new(Own: 4, Others: 9, OwnTombstones: 2, OthersTombstones: 5, PerAuthor: 3);

    /// <summary>Runs and deltas of a few authors; deltas overlap, contradict each other and come with clocks out of order.</summary>
    private static readonly SignedEnvelope[] Pool =
    [
        .. Enumerable.Range(0, 60).Select(i => Runs.Sealed(i % 4, (i * 3 % 11) / 10.0, $"goal {i % 5}", i, Runs.TaskType,
            Runs.Call(i % 3 == 0 ? "docs-grep" : "docs-search", i % 2 == 0 ? """{"mode":"any"}""" : """{"mode":"all"}""", i % 7 != 0, "TIMEOUT late"))),
        .. Enumerable.Range(0, 60).Select(i => Runs.Delta(i % 4, $"insight {i % 6}", (ulong)(i * 5 % 13), (ulong)(1 + (i % 3)), i * 31 % 60)),
        .. Enumerable.Range(0, 40).Select(i => Runs.Tombstone(i % 4, $"insight {i % 6}", of: (i + 1) % 4, (ulong)(i * 3 % 7), (ulong)(1 + (i * 7 % 5)), i)),
    ];

    [Property(MaxTest = 200)]
    public bool The_same_envelopes_in_any_order_and_any_number_give_the_same_bytes(int seed)
    {
        var random = new Random(seed);
        var chosen = Enumerable.Range(0, random.Next(1, 160)).Select(_ => Pool[random.Next(Pool.Length)]).ToArray();
        var shuffled = chosen.Concat(chosen.Take(chosen.Length / 2)).ToArray();
        random.Shuffle(shuffled);
        return Bytes(Of(chosen)).SequenceEqual(Bytes(Of(shuffled)));
    }

    [Property(MaxTest = 200)]
    public bool Parts_that_exchange_what_they_kept_after_a_partition_agree_to_the_byte(int seed)
    {
        var random = new Random(seed);
        var all = Pool.OrderBy(_ => random.Next()).ToArray();
        var cut = random.Next(all.Length);
        var left = Of(all[..cut]);
        var right = Of(all[cut..]);
        var leftHealed = Kept(right).Aggregate(left, Add);
        var rightHealed = Kept(left).Aggregate(right, Add);
        return Bytes(leftHealed).SequenceEqual(Bytes(rightHealed)) && Bytes(leftHealed).SequenceEqual(Bytes(Of(all)));
    }

    [Fact]
    public void Counters_of_different_peers_add_up_and_one_peers_are_absolute()
    {
        var state = Of([Runs.Delta(1, "Ask twice.", 2, 0, 1), Runs.Delta(1, "ask TWICE", 3, 1, 2), Runs.Delta(2, "Ask twice.", 1, 0), Runs.Delta(1, "Ask twice.", 2, 0, 9)]);
        var bullet = Assert.Single(state.Bullets);
        Assert.Equal((4UL, 1UL, 5.0 / 7), (bullet.Helpful, bullet.Harmful, bullet.Score));
    }

    [Fact]
    public void A_thousand_votes_of_one_peer_are_not_a_thousand_peers()
    {
        var bullet = Assert.Single(Of([Runs.Delta(1, "Buy my tool.", 1_000, 0)]).Bullets);
        Assert.Equal(Playbook.AuthorCap, bullet.Helpful);
    }

    [Fact]
    public void A_bullet_that_harms_is_hidden_once_there_is_evidence_and_not_before()
    {
        Assert.Single(Of([Runs.Delta(1, "Guess.", 0, 2)]).Bullets);
        var pruned = Of([Runs.Delta(1, "Guess.", 0, 2), Runs.Delta(2, "Guess.", 1, 0)]);
        Assert.Empty(pruned.Bullets);

        // It does not come back with a late copy of what was known before.
        Assert.Empty(Add(pruned, Runs.Delta(1, "Guess.", 0, 1)).Bullets);
    }

    [Fact]
    public void A_reflection_gives_absolute_counters_and_counts_a_run_once()
    {
        var run = new string('a', 64);
        var state = PlaybookCuratorState.Empty(Runs.TaskType, Runs.Author(1).PeerId.ToString(), new ContrastReflector());
        static Reflection Learnt(BulletEffect effect, params string[] texts) => new([], [.. texts.Select(text => new Insight("insights", text, effect))]);
        var first = Assert.Single(state.Reflect(Learnt(BulletEffect.Helpful, "Use short queries.", "use short queries"), run, Read(state)));
        Assert.Equal(1UL, Assert.Single(first.Bullets).Helpful);
        state = state.Add(Runs.Seal(1, Hyperspace.Contracts.EnvelopeTypes.PlaybookDelta, first), out _);

        Assert.Empty(state.Reflect(Learnt(BulletEffect.Helpful, "Use short queries."), run, Read(state)));
        var second = Assert.Single(Assert.Single(state.Reflect(Learnt(BulletEffect.Harmful, "Use short queries."), new string('b', 64), Read(state))).Bullets);
        Assert.Equal((1UL, 1UL, 2), (second.Helpful, second.Harmful, second.Sources.Count));
    }

    [Fact]
    public void Bullet_ids_are_the_same_for_the_same_advice_and_differ_by_task_type_and_section()
    {
        var id = PlaybookRules.IdOf("a", "insights", "Use  Short queries.");
        Assert.Equal(id, PlaybookRules.IdOf("a", "insights", "use short queries"));
        Assert.Equal(3, new[] { id, PlaybookRules.IdOf("b", "insights", "use short queries"), PlaybookRules.IdOf("a", "tools", "use short queries") }.Distinct().Count());
    }

    private static Playbook Read(PlaybookCuratorState state) => state.Read(AuthorWeights.Equal(state.Playbook.Self));

    private static Known Add(Known state, SignedEnvelope envelope) => state.Add(envelope);

    private static Known Of(IEnumerable<SignedEnvelope> envelopes) => envelopes.Aggregate(
        new Known(TrajectoryState.Empty("nobody", SmallRuns), PlaybookCuratorState.Empty(Runs.TaskType, "nobody", new ContrastReflector(), SmallInsights)), Add);

    private static IEnumerable<SignedEnvelope> Kept(Known state) => state.Runs.BestFirst.Select(run => state.Envelopes[run.Id]).Concat(state.Playbook.Envelopes);

    private static byte[] Bytes(Known state) =>
        [.. state.Playbook.ToSnapshot().ToByteArray(), .. System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(state.Read().All)];

    /// <summary>What a peer knows of one task type: its runs, and the playbook that follows from them and from the insights.</summary>
    private sealed record Known(TrajectoryState Runs, PlaybookCuratorState Playbook)
    {
        public System.Collections.Immutable.ImmutableDictionary<string, SignedEnvelope> Envelopes { get; init; } = System.Collections.Immutable.ImmutableDictionary<string, SignedEnvelope>.Empty;

        public IReadOnlyList<BulletView> Bullets => Read().Visible;

        public Playbook Read() => Playbook.Read(AuthorWeights.Equal("nobody"));

        public Known Add(SignedEnvelope envelope)
        {
            Hyperspace.Contracts.Refusal? refusal;
            if (envelope.Type == Hyperspace.Contracts.EnvelopeTypes.PlaybookDelta)
            {
                var playbook = Playbook.Add(envelope, out refusal);
                Assert.Null(refusal);
                return this with { Playbook = playbook };
            }

            var run = KeptTrajectory.Read(envelope, Tests.SelfImproving.Runs.TaskType, out refusal);
            Assert.Null(refusal);
            var runs = Runs.Add(run!);
            return new Known(runs, Playbook.WithRuns(runs.BestFirst)) { Envelopes = Envelopes.SetItem(envelope.Id, envelope) };
        }
    }
}
