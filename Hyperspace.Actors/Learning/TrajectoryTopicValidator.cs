using Hyperspace.Actors.Identity;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Actors.Learning;

/// <summary>Judges what arrives on <c>hyperspace/trajectories/{taskType}</c>, so that nothing bad is delivered or forwarded.</summary>
public static class TrajectoryTopicValidator
{
    /// <summary>A validator for the prefix <see cref="Topics.TrajectoriesPrefix"/>.</summary>
    public static TopicValidator For(TimeProvider time) => message =>
        Validate(message.Topic, message.Data, time.GetUtcNow(), out _) ? Validation.Accept : Validation.Reject;

    /// <summary>True when the bytes are an envelope that verifies, of a run, credits or a playbook delta of the topic's task type, within all limits; pure.</summary>
    public static bool Validate(string topic, ReadOnlyMemory<byte> data, DateTimeOffset now, out string reason) => Open(topic, data, now, out reason) is not null;

    /// <summary>The envelope that <see cref="Validate"/> accepts; else null.</summary>
    internal static SignedEnvelope? Open(string topic, ReadOnlyMemory<byte> data, DateTimeOffset now, out string reason)
    {
        if (!topic.StartsWith(Topics.TrajectoriesPrefix, StringComparison.Ordinal))
        {
            reason = "the topic is not one of trajectories";
            return null;
        }

        if (data.Length > TrajectoryRules.MaxEnvelopeBytes)
        {
            reason = $"it is over {TrajectoryRules.MaxEnvelopeBytes} bytes";
            return null;
        }

        if (SignedEnvelope.Open(data, now, out reason) is not { } envelope)
        {
            return null;
        }

        var refusal = Check(envelope, topic[Topics.TrajectoriesPrefix.Length..]);
        reason = refusal?.Message ?? "";
        return refusal is null ? envelope : null;
    }

    /// <summary>Null when an opened envelope of another peer tells of the task type, within all limits; else why not.</summary>
    internal static Refusal? Check(SignedEnvelope envelope, string taskType)
    {
        Refusal? refusal;
        if (envelope.Type == EnvelopeTypes.PlaybookDelta)
        {
            PlaybookRecords.Read(envelope, taskType, out refusal);
        }
        else if (envelope.Type == EnvelopeTypes.ExemplarCredits)
        {
            CreditRecord.Read(envelope, taskType, out refusal);
        }
        else
        {
            KeptTrajectory.ReadShared(envelope, taskType, out refusal);
        }

        return refusal;
    }
}
