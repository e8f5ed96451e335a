using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>What one signed delta says.</summary>
/// <param name="Insights">Counters.</param>
/// <param name="Tombstones">Bullets that its author pruned.</param>
internal sealed record PlaybookRecords(IReadOnlyList<InsightRecord> Insights, IReadOnlyList<TombstoneRecord> Tombstones)
{
    /// <summary>Reads an opened envelope; null with a refusal when its payload is no delta of that task type within the rules.</summary>
    public static PlaybookRecords? Read(SignedEnvelope envelope, string taskType, out Refusal? refusal)
    {
        if (envelope.Bytes.Length > PlaybookRules.MaxEnvelopeBytes)
        {
            refusal = new Refusal(ErrorCodes.TooLarge, $"A delta has at most {PlaybookRules.MaxEnvelopeBytes} bytes.");
            return null;
        }

        PlaybookDelta delta;
        try
        {
            delta = PlaybookDelta.Parser.ParseFrom(envelope.Payload.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            refusal = new Refusal(ErrorCodes.BadEnvelope, "The payload is no playbook delta: " + e.Message);
            return null;
        }

        refusal = envelope.Type != EnvelopeTypes.PlaybookDelta ? new Refusal(ErrorCodes.BadEnvelope, $"An envelope of type {envelope.Type} holds no playbook delta.")
            : delta.TaskType != taskType ? new Refusal(ErrorCodes.BadEnvelope, "The delta is of another task type than its topic.")
            : PlaybookRules.Check(delta);
        var author = envelope.Author.ToString();
        return refusal is not null ? null : new PlaybookRecords(
            [.. delta.Bullets.Select(bullet => new InsightRecord(PlaybookRules.IdOf(taskType, bullet.Section, bullet.Text), author, bullet, envelope))],
            [.. delta.Tombstones.Select(tombstone => new TombstoneRecord(tombstone, envelope))]);
    }
}
