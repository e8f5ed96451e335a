using FsCheck.Xunit;
using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>A peer that has learnt more than it keeps goes on learning.</summary>
public class OwnInsightsTests
{
    private const int Self = 1;
    private const int Limit = 8;

    private int _serial;

    [Fact]
    public void When_all_that_is_kept_is_pruned_a_proposal_is_kept_and_can_prove_itself()
    {
        var state = Enumerable.Range(0, Limit + 2).Aggregate(Empty(), (s, i) => Pruned(s, $"Guess {i}."));
        Assert.Equal(Limit + 2, state.Tombstones.Count);
        Assert.Equal(Limit, state.Records.Count);

        state = Learn(state, "Ask for one page.", null);
        Assert.NotNull(state.OwnRecord(IdOf("Ask for one page.")));
        state = Credit(state, "Ask for one page.", BulletEffect.Helpful);
        state = Credit(state, "Ask for one page.", BulletEffect.Helpful);
        Assert.Equal(2UL, state.OwnRecord(IdOf("Ask for one page."))!.Count.Helpful);
        Assert.Equal(["Ask for one page."], Read(state).Visible.Select(bullet => bullet.Text));
    }

    [Fact]
    public void When_all_that_is_kept_is_proven_the_newest_is_kept_all_the_same()
    {
        var state = Enumerable.Range(0, Limit).Aggregate(Empty(), (s, i) => Learn(Learn(s, $"Advice {i}.", BulletEffect.Helpful), $"Advice {i}.", BulletEffect.Helpful));
        state = Learn(state, "A first thought.", null);
        state = Credit(state, "A first thought.", BulletEffect.Helpful);
        Assert.Equal(1UL, state.OwnRecord(IdOf("A first thought."))!.Count.Helpful);

        // Thoughts that nobody has followed up make room for each other, not proven advice.
        state = Enumerable.Range(0, 20).Aggregate(state, (s, i) => Learn(s, $"Thought {i}.", null));
        Assert.NotNull(state.OwnRecord(IdOf("Thought 19.")));
        Assert.Equal(Limit - (Limit / 4), state.Records.Count(record => record.Evidence.Helpful == 2));
        Assert.Equal(Limit, state.Records.Count);
    }

    [Fact]
    public void A_bullet_whose_counters_gave_way_to_the_tombstone_goes_on_from_there()
    {
        var state = Pruned(Empty(), "Guess.");
        state = Enumerable.Range(0, Limit).Aggregate(state, (s, i) => Learn(s, $"Advice {i}.", BulletEffect.Helpful));
        Assert.Null(state.OwnRecord(IdOf("Guess.")));

        Assert.Empty(state.Reflect(Runs.TaskType, Reflected("Guess.", null), null, Read(state)));
        for (var i = 1; i <= 3; i++)
        {
            Assert.DoesNotContain(Read(state).Visible, bullet => bullet.Text == "Guess.");
            state = Learn(state, "Guess.", BulletEffect.Helpful);
        }

        Assert.Contains(Read(state).Visible, bullet => bullet.Text == "Guess.");
    }

    [Property(MaxTest = 100)]
    public bool What_stays_does_not_hang_on_the_order(int seed)
    {
        var random = new Random(seed);
        var said = Enumerable.Range(0, 40).Select(i => Runs.Delta(Self, $"Advice {random.Next(16)}.", (ulong)i / 4, (ulong)random.Next(2), i)).ToArray();
        var buried = Enumerable.Range(0, 4).Select(i => Runs.Tombstone(Self, $"Advice {i}.", Self, 20, 5, 100 + i)).ToArray();
        var expected = Kept(said);
        random.Shuffle(said);
        return expected.SequenceEqual(Kept(said));

        List<string> Kept(IEnumerable<SignedEnvelope> envelopes) =>
            [.. buried.Concat(envelopes).Aggregate(Empty(), Merge).Records.Select(record => record.BulletId + record.Envelope.Id)];
    }

    private static PlaybookState Empty() => PlaybookState.Empty(Runs.Author(Self).PeerId.ToString(), new PlaybookLimits(Own: Limit, Others: 4));

    private PlaybookState Pruned(PlaybookState state, string text)
    {
        for (var i = 0; i < 3; i++)
        {
            state = Learn(state, text, BulletEffect.Harmful);
        }

        return Say(state, state.Prune(Runs.TaskType, Read(state))!);
    }

    private PlaybookState Learn(PlaybookState state, string text, BulletEffect? effect) =>
        Say(state, Assert.Single(state.Reflect(Runs.TaskType, Reflected(text, effect), null, Read(state))));

    private PlaybookState Credit(PlaybookState state, string text, BulletEffect effect) =>
        Say(state, Assert.Single(state.Reflect(Runs.TaskType, new Reflection([new BulletTag(IdOf(text), effect)], []), null, Read(state))));

    private PlaybookState Say(PlaybookState state, PlaybookDelta delta) => Merge(state, Runs.Seal(Self, EnvelopeTypes.PlaybookDelta, delta, ++_serial));

    private static Reflection Reflected(string text, BulletEffect? effect) => new([], [new Insight(PlaybookSections.Insights, text, effect)]);

    private static PlaybookState Merge(PlaybookState state, SignedEnvelope envelope) => state.Merge(envelope, Runs.TaskType, out _);

    private static Playbook Read(PlaybookState state) => Playbook.Read(Runs.TaskType, [], state, AuthorWeights.Equal(state.Self));

    private static string IdOf(string text) => PlaybookRules.IdOf(Runs.TaskType, PlaybookSections.Insights, text);
}
