using System.Globalization;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>How much of a peer's memory and disk others can fill with a playbook.</summary>
public class PlaybookBoundsTests
{
    [Fact]
    public void One_identity_has_no_more_than_its_share_of_an_empty_playbook()
    {
        var state = PlaybookState.Empty("self", new PlaybookLimits(Own: 8, Others: 64, PerAuthor: 5));
        for (var i = 0; i < 20; i++)
        {
            state = Merge(Merge(state, Runs.Delta(1, $"Advice {i}.", (ulong)i, 0, i)), Runs.Tombstone(1, $"Advice {i}.", 2, 0, (ulong)(1 + i), 100 + i));
        }

        Assert.Equal(["Advice 19.", "Advice 18.", "Advice 17.", "Advice 16.", "Advice 15."], state.Records.Select(record => record.Count.Text));
        Assert.Equal(5, state.Tombstones.Count);
        Assert.Contains(Merge(state, Runs.Delta(2, "Another.", 1, 0)).Records, record => record.Count.Text == "Another.");
        Assert.True(PlaybookLimits.Default is { PerAuthor: 512, Others: 2_048, OthersTombstones: 2_048 });
    }

    [Fact]
    public void What_this_peer_says_at_most_fits_into_an_envelope_and_more_is_refused()
    {
        var state = PlaybookState.Empty(Runs.Author(1).PeerId.ToString(), PlaybookLimits.Default);
        var read = Playbook.Read(Runs.TaskType, [], state, AuthorWeights.Equal(state.Self));
        var texts = Enumerable.Range(0, PlaybookRules.MaxInsights).Select(i => new string('x', PlaybookRules.MaxTextBytes - 2) + i.ToString("x2", CultureInfo.InvariantCulture));
        var deltas = state.Reflect(Runs.TaskType, new Reflection([], [.. texts.Select(text => new Insight(new string('s', 32), text, BulletEffect.Helpful))]), null, read);
        Assert.Equal(PlaybookRules.MaxInsights, deltas.Sum(delta => delta.Bullets.Count));
        foreach (var bullet in deltas.SelectMany(delta => delta.Bullets))
        {
            bullet.Helpful = bullet.Harmful = bullet.Neutral = PlaybookRules.MaxCount;
            bullet.Sources.AddRange(Enumerable.Range(0, PlaybookRules.MaxSources).Select(i => i.ToString("x64", CultureInfo.InvariantCulture)));
        }

        Assert.All(deltas, delta => Assert.NotNull(PlaybookRecords.Read(Runs.Seal(1, EnvelopeTypes.PlaybookDelta, delta), Runs.TaskType, out _)));

        var all = new EvidenceSeen { Helpful = PlaybookRules.MaxCount, Harmful = PlaybookRules.MaxCount, Neutral = PlaybookRules.MaxCount };
        var tombstone = new BulletTombstone { BulletId = new string('a', 32), Others = all };
        tombstone.Seen.AddRange(Enumerable.Range(10, PlaybookRules.MaxAuthorsSeen).Select(i => new EvidenceSeen(all) { Author = Runs.Author(1).PeerId.ToString()[..^2] + i.ToString(CultureInfo.InvariantCulture) }));
        var buried = new PlaybookDelta { TaskType = Runs.TaskType };
        buried.Tombstones.AddRange(Enumerable.Repeat(tombstone, PlaybookRules.MaxBulletsPerDelta));
        Assert.NotNull(PlaybookRecords.Read(Runs.Seal(1, EnvelopeTypes.PlaybookDelta, buried), Runs.TaskType, out _));

        buried.Tombstones.Add(tombstone);
        Assert.Null(PlaybookRecords.Read(Runs.Seal(1, EnvelopeTypes.PlaybookDelta, buried), Runs.TaskType, out var refusal));
        Assert.Equal(ErrorCodes.TooLarge, refusal!.Code);
    }

    [Fact]
    public void Snapshots_of_a_large_state_write_no_more_than_the_events_between_them()
    {
        var pace = new SnapshotPace(events: 10);
        var (written, snapshots) = (0L, 0L);
        for (var i = 0; i < 10_000; i++)
        {
            // The state holds a hundred events' worth; the events renew it.
            pace.Wrote(50);
            written += 50;
            if (pace.IsDue(5_000))
            {
                snapshots += 5_000;
            }
        }

        Assert.Equal(written, snapshots);

        var due = Enumerable.Range(0, 30).Count(_ =>
        {
            pace.Wrote(50);
            return pace.IsDue(1);
        });
        Assert.Equal(3, due);
    }

    private static PlaybookState Merge(PlaybookState state, SignedEnvelope envelope) => state.Merge(envelope, Runs.TaskType, out _);
}
