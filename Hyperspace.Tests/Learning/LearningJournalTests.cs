using System.Collections.Frozen;
using Google.Protobuf;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Learning;

/// <summary>The bytes of the journal of learning, frozen: a journal that was written once must be readable for ever.</summary>
public class LearningJournalTests
{
    private static readonly ByteString Exemplar = ByteString.CopyFrom(Enumerable.Repeat((byte)0xe1, 32).ToArray());
    private static readonly ByteString Envelope = ByteString.CopyFrom(Runs.Seal(1, EnvelopeTypes.ExemplarCredits, Credits()).Bytes.Span);

    private static readonly ContextHanded Handed = new() { ContextId = "ctx_1", SessionId = "ses_1", BulletIds = { "b1", "b2" }, Exemplars = { Exemplar }, Version = 2, Settled = true };

    private static readonly FrozenDictionary<string, (IMessage Record, string Hex)> Frozen = new Dictionary<string, (IMessage Record, string Hex)>
    {
        ["envelope-kept:1"] = (new EnvelopeKept { Envelope = Envelope }, "0ac5010801121b687970657273706163652e6578656d706c61722d637265646974731a350a0b646f63732d6c6f6f6b757012260a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1100518042224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394289898f1c2b1347a4052af3a548e2fcff4279d24db7f2ee04787837af5852f8792d0d2e8a4313d6588b0e0cd802abf8e81878dcc02dcf4de3a70975fb813b6e376f73fb267b166c301"),
        ["task-type:1"] = (new TaskTypeSnapshot { Envelopes = { Envelope } }, "0ac5010801121b687970657273706163652e6578656d706c61722d637265646974731a350a0b646f63732d6c6f6f6b757012260a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1100518042224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394289898f1c2b1347a4052af3a548e2fcff4279d24db7f2ee04787837af5852f8792d0d2e8a4313d6588b0e0cd802abf8e81878dcc02dcf4de3a70975fb813b6e376f73fb267b166c301"),
        ["context-handed:1"] = (Handed, "0a056374785f3112057365735f311a0262311a0262322220e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e128023001"),
        ["run-ended:1"] = (new RunEnded { TrajectoryId = Exemplar, ContextIds = { "ctx_1", "ctx_2" }, Outcome = Outcome.Failure, Growing = { Exemplar } }, "0a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e112056374785f3112056374785f3218022220e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"),
        ["exemplars-counted:1"] = (new ExemplarsCounted { Own = 20, Growing = { Exemplar } }, "08141220e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"),
        ["contexts:1"] = (
            new ContextSnapshot
            {
                Open = { Handed },
                Closed = { "ctx_0" },
                Handed = 7,
                Counters = { new ExemplarCounter { TrajectoryId = Exemplar, Retrieved = 5, Succeeded = 4 } },
                Envelopes = { Envelope },
                OwnExemplars = 20,
                Version = 2,
                Settled = { Exemplar },
                Aside = { Exemplar },
                SettledRuns = 4,
                SettledSuccesses = 3,
                GrowingRuns = 12,
                GrowingSuccesses = 11,
            },
            "0a3c0a056374785f3112057365735f311a0262311a0262322220e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e12802300112056374785f30180722260a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1100518042ac5010801121b687970657273706163652e6578656d706c61722d637265646974731a350a0b646f63732d6c6f6f6b757012260a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1100518042224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394289898f1c2b1347a4052af3a548e2fcff4279d24db7f2ee04787837af5852f8792d0d2e8a4313d6588b0e0cd802abf8e81878dcc02dcf4de3a70975fb813b6e376f73fb267b166c301301438024220e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e14a20e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e150045803600c680b"),
        ["task-type-remembered:1"] = (new TaskTypeRemembered { TaskType = "docs-lookup" }, "0a0b646f63732d6c6f6f6b7570"),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static TheoryData<string> Manifests => [.. LearningJournal.Format.Manifests];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void What_was_written_stays_readable(string manifest)
    {
        Assert.True(Frozen.TryGetValue(manifest, out var frozen), $"{manifest} is written and not frozen; add its bytes here.");
        Assert.Equal(manifest, LearningJournal.Format.ManifestOf(frozen.Record));
        Assert.Equal(frozen.Hex, Convert.ToHexStringLower(LearningJournal.Format.ToBytes(frozen.Record)));
        Assert.Equal(frozen.Record, LearningJournal.Format.FromBytes(manifest, Convert.FromHexString(frozen.Hex)));
    }

    [Fact]
    public void Nothing_is_frozen_that_is_read_no_more() => Assert.Subset(LearningJournal.Format.Manifests.ToHashSet(), Frozen.Keys.ToHashSet());

    [Fact]
    public void Credits_in_a_kept_envelope_are_read_as_they_were_signed()
    {
        var kept = (EnvelopeKept)LearningJournal.Format.FromBytes("envelope-kept:1", Convert.FromHexString(Frozen["envelope-kept:1"].Hex));
        var record = Assert.Single(CreditRecord.Read(LearningJournal.Open(kept.Envelope), Runs.TaskType, out _)!);
        Assert.Equal((Convert.ToHexStringLower(Exemplar.Span), Runs.Author(1).PeerId.ToString(), 5UL, 4UL), (record.TrajectoryId, record.Author, record.Retrieved, record.Succeeded));
    }

    [Fact]
    public void Bullets_and_tombstones_in_a_kept_envelope_are_read_as_they_were_signed()
    {
        const string hex = "08011219687970657273706163652e706c6179626f6f6b2d64656c74611ad7010a0b646f63732d6c6f6f6b757012620a08696e736967687473120e5573652066657720776f7264732e180320012a406531653165316531653165316531653165316531653165316531653165316531653165316531653165316531653165316531653165316531653165316531653130021a640a203561633366333933396563633437303537303162623965353633633162346138123c0a34313244334b6f6f57526e645668565a504369517748424242646737363947797250555731337a787771517966397233414e6162611001180920041a0218022224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394289898f1c2b1347a4001810719d6a4a2edaca5da94fb183ba57679bf4daa4450108a230f0888af418aef3ca7ca9c168c222a98654a8271491092c565dba8691824ed42067f7648c20e";
        var delta = Delta();
        Assert.Equal(hex, Convert.ToHexStringLower(Runs.Seal(1, EnvelopeTypes.PlaybookDelta, delta).Bytes.Span));

        var read = PlaybookRecords.Read(LearningJournal.Open(ByteString.CopyFrom(Convert.FromHexString(hex))), Runs.TaskType, out _)!;
        var (bullet, tombstone) = (Assert.Single(read.Insights), Assert.Single(read.Tombstones));
        Assert.Equal(delta.Bullets[0], bullet.Count);
        Assert.Equal(delta.Tombstones[0].BulletId, tombstone.BulletId);
        Assert.Equal(new BulletEvidence(1, 9, 4), tombstone.SeenOf(Runs.Author(2).PeerId.ToString()));
        Assert.Equal(new BulletEvidence(0, 2, 0), tombstone.SeenOf("anybody else"));
    }

    [Fact]
    public void A_snapshot_gives_back_the_contexts_that_it_was_taken_of()
    {
        var state = ContextState.From((ContextSnapshot)Frozen["contexts:1"].Record, Runs.TaskType, Runs.Author(1).PeerId.ToString());
        Assert.Equal((7L, 20L, 2, false), (state.Handed, state.Versions.Own, state.Versions.Version, state.Unsigned().Any()));
        Assert.Null(state.Check("ctx_1"));
        Assert.Contains("before", state.Check("ctx_0")!.Message, StringComparison.Ordinal);
        Assert.Equal((new SegmentTally(4, 3), new SegmentTally(12, 11)), (state.Versions.OfSettled, state.Versions.OfGrowing));
        Assert.Equal(Frozen["contexts:1"].Record, state.ToSnapshot());
    }

    private static PlaybookDelta Delta()
    {
        var delta = new PlaybookDelta { TaskType = Runs.TaskType };
        delta.Bullets.Add(new BulletCount { Section = "insights", Text = "Use few words.", Helpful = 3, Harmful = 1, Neutral = 2, Sources = { Convert.ToHexStringLower(Exemplar.Span) } });
        delta.Tombstones.Add(new BulletTombstone
        {
            BulletId = PlaybookRules.IdOf(Runs.TaskType, "insights", "Use many words."),
            Seen = { new EvidenceSeen { Author = Runs.Author(2).PeerId.ToString(), Helpful = 1, Harmful = 9, Neutral = 4 } },
            Others = new EvidenceSeen { Harmful = 2 },
        });
        return delta;
    }

    private static ExemplarCredits Credits() => new() { TaskType = Runs.TaskType, Credits = { new ExemplarCredit { TrajectoryId = Exemplar, Retrieved = 5, Succeeded = 4 } } };
}
