using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.SelfImproving;

/// <summary>Makes signed runs and deltas for tests; the same arguments give the same envelope.</summary>
internal static class Runs
{
    public const string TaskType = "docs-lookup";

    private static readonly KeyPair[] Authors = [.. Enumerable.Range(1, 8).Select(i => KeyPair.FromSeed(Enumerable.Repeat((byte)i, 32).ToArray()))];

    public static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000);

    public static KeyPair Author(int index) => Authors[index % Authors.Length];

    public static TrajectoryStep Call(string name, string input, bool ok = true, string error = "") =>
        new() { Kind = "tool", Name = name, Input = input, Ok = ok, Error = error, Output = ok ? "found" : "" };

    public static SignedEnvelope Sealed(int author, double reward, string input = "", int serial = 0, string taskType = TaskType, params TrajectoryStep[] steps)
    {
        var run = new Trajectory { TaskType = taskType, Input = input, Reward = reward, RecordedMs = (ulong)Now.ToUnixTimeMilliseconds() };
        run.Steps.AddRange(steps);
        return Seal(author, EnvelopeTypes.Trajectory, run, serial);
    }

    /// <summary>A run of an author besides <see cref="Author"/>'s.</summary>
    public static SignedEnvelope SealedBy(KeyPair author, double reward, string input, string output = "") => SignedEnvelope.Seal(
        author, EnvelopeTypes.Trajectory, new Trajectory { TaskType = TaskType, Input = input, Output = output, Reward = reward, RecordedMs = (ulong)Now.ToUnixTimeMilliseconds() }.ToByteArray(),
        new HybridTime((ulong)Now.ToUnixTimeMilliseconds(), 0));

    public static SignedEnvelope Seal(int author, string type, IMessage payload, int serial = 0, DateTimeOffset? at = null, TimeSpan? lifetime = null) =>
        SignedEnvelope.Seal(Author(author), type, payload.ToByteArray(), new HybridTime((ulong)(at ?? Now).ToUnixTimeMilliseconds() - 1_000, (uint)serial), lifetime);

    public static SignedEnvelope Delta(int author, string text, ulong helpful, ulong harmful, int serial = 0, string taskType = TaskType)
    {
        var delta = new PlaybookDelta { TaskType = taskType };
        delta.Bullets.Add(new BulletCount { Section = "insights", Text = text, Helpful = helpful, Harmful = harmful });
        return Seal(author, EnvelopeTypes.PlaybookDelta, delta, serial);
    }

    /// <summary>An author's tombstone of an insight, which has seen so much of what another author said.</summary>
    public static SignedEnvelope Tombstone(int author, string text, int of, ulong helpful, ulong harmful, int serial = 0)
    {
        var tombstone = new BulletTombstone { BulletId = Hyperspace.Actors.Learning.PlaybookRules.IdOf(TaskType, "insights", text) };
        tombstone.Seen.Add(new EvidenceSeen { Author = Author(of).PeerId.ToString(), Helpful = helpful, Harmful = harmful });
        return Seal(author, EnvelopeTypes.PlaybookDelta, new PlaybookDelta { TaskType = TaskType, Tombstones = { tombstone } }, serial);
    }

    public static KeptTrajectory Kept(int author, double reward, string input = "", int serial = 0, params TrajectoryStep[] steps) =>
        Kept(Sealed(author, reward, input, serial, TaskType, steps));

    public static KeptTrajectory Repair(int author, double reward, string input, KeptTrajectory repairs) => Kept(SealedRepair(author, reward, input, repairs));

    public static SignedEnvelope SealedRepair(int author, double reward, string input, KeptTrajectory repairs) => Seal(
        author, EnvelopeTypes.Trajectory,
        new Trajectory { TaskType = TaskType, Input = input, Reward = reward, RecordedMs = (ulong)Now.ToUnixTimeMilliseconds(), Repairs = ByteString.CopyFrom(Convert.FromHexString(repairs.Id)) });

    public static KeptTrajectory Kept(SignedEnvelope envelope, string taskType = TaskType) => KeptTrajectory.Read(envelope, taskType, out _)!;

    public static Task<KeepOutcome> KeepAsync(this IExperienceStore store, SignedEnvelope envelope, string taskType = TaskType) => store.KeepAsync(taskType, envelope, Kept(envelope, taskType));
}
