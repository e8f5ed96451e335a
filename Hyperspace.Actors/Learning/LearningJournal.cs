using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning.Journal;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What this folder writes into <see cref="Journals.Default"/>.</summary>
internal static class LearningJournal
{
    /// <summary>The protobuf messages are the events themselves.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<EnvelopeKept, EnvelopeKept>("envelope-kept:1", e => e, e => e)
        .Map<TaskTypeSnapshot, TaskTypeSnapshot>("task-type:1", s => s, s => s)
        .Map<ContextHanded, ContextHanded>("context-handed:1", e => e, e => e)
        .Map<RunEnded, RunEnded>("run-ended:1", e => e, e => e)
        .Map<ExemplarsCounted, ExemplarsCounted>("exemplars-counted:1", e => e, e => e)
        .Map<ContextSnapshot, ContextSnapshot>("contexts:1", s => s, s => s)
        .Map<TaskTypeRemembered, TaskTypeRemembered>("task-type-remembered:1", e => e, e => e);

    /// <summary>Opens an envelope that was verified before it was journalled, as of the moment it was signed: time has passed since, and clocks may have been set.</summary>
    /// <exception cref="InvalidDataException">It does not verify: the journal is damaged.</exception>
    public static SignedEnvelope Open(ByteString stored)
    {
        var signedAt = DateTimeOffset.FromUnixTimeMilliseconds((long)Envelope.Parser.ParseFrom(stored).WallMs);
        return SignedEnvelope.Open(stored.Memory, signedAt, out var reason)
            ?? throw new InvalidDataException($"The journal holds an envelope that does not verify ({reason}); restore the data directory from a copy.");
    }
}
