using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving.Curation;

/// <summary>One author's counters of one exemplar, with the envelope that proves them.</summary>
/// <param name="TrajectoryId">The exemplar.</param>
/// <param name="Author">Whose runs were shown it: a peer id.</param>
/// <param name="Retrieved">Times that it was shown to a run that has ended.</param>
/// <param name="Succeeded">Of these, to runs that went well.</param>
/// <param name="Envelope">What the author signed.</param>
internal sealed record CreditRecord(string TrajectoryId, string Author, ulong Retrieved, ulong Succeeded, SignedEnvelope Envelope)
{
    /// <summary>Most exemplars of one envelope.</summary>
    public const int MaxPerEnvelope = 32;

    /// <summary>Largest envelope, in bytes.</summary>
    public const int MaxEnvelopeBytes = 4 * 1024;

    /// <summary>Highest counter.</summary>
    public const ulong MaxCount = 1_000_000;

    private const int IdBytes = 32;

    /// <summary>
    /// A total order. Counters only grow, so of two records of one author and exemplar the first one here is the later
    /// one, whatever the clocks say.
    /// </summary>
    public static IComparer<CreditRecord> MostEvidenceFirst { get; } = Comparer<CreditRecord>.Create((a, b) =>
    {
        var order = b.Retrieved.CompareTo(a.Retrieved);
        order = order != 0 ? order : b.Succeeded.CompareTo(a.Succeeded);
        order = order != 0 ? order : string.CompareOrdinal(a.Envelope.Id, b.Envelope.Id);
        order = order != 0 ? order : string.CompareOrdinal(a.TrajectoryId, b.TrajectoryId);
        return order;
    });

    /// <summary>Reads an opened envelope; null with a refusal when its payload is no credits of that task type within the rules.</summary>
    public static IReadOnlyList<CreditRecord>? Read(SignedEnvelope envelope, string taskType, out Refusal? refusal)
    {
        refusal = null;
        if (envelope.Bytes.Length > MaxEnvelopeBytes)
        {
            refusal = new Refusal(ErrorCodes.TooLarge, $"Credits have at most {MaxEnvelopeBytes} bytes.");
            return null;
        }

        ExemplarCredits credits;
        try
        {
            credits = ExemplarCredits.Parser.ParseFrom(envelope.Payload.Span);
        }
        catch (InvalidProtocolBufferException e)
        {
            refusal = new Refusal(ErrorCodes.BadEnvelope, "The payload is no credits: " + e.Message);
            return null;
        }

        var author = envelope.Author.ToString();
        if (envelope.Type != EnvelopeTypes.ExemplarCredits || credits.TaskType != taskType)
        {
            refusal = new Refusal(ErrorCodes.BadEnvelope, "The envelope holds no credits of the topic's task type.");
        }
        else if (credits.Credits.Count is 0 or > MaxPerEnvelope || !credits.Credits.All(IsCredit))
        {
            refusal = new Refusal(ErrorCodes.InvalidParams, $"Credits name 1 to {MaxPerEnvelope} runs by their 32-byte ids, each shown 1 to {MaxCount} times and no more often with success.");
        }

        return refusal is null
            ? [.. credits.Credits.Select(credit => new CreditRecord(Convert.ToHexStringLower(credit.TrajectoryId.Span), author, credit.Retrieved, credit.Succeeded, envelope))]
            : null;
    }

    /// <summary>The payload of an envelope with these counters.</summary>
    public static ExemplarCredits ToWire(string taskType, IEnumerable<KeyValuePair<string, Credit>> counters)
    {
        var credits = new ExemplarCredits { TaskType = taskType };
        credits.Credits.AddRange(counters.Select(counter => new ExemplarCredit
        {
            TrajectoryId = ByteString.CopyFrom(Convert.FromHexString(counter.Key)),
            Retrieved = counter.Value.Retrieved,
            Succeeded = counter.Value.Succeeded,
        }));
        return credits;
    }

    private static bool IsCredit(ExemplarCredit credit) =>
        credit.TrajectoryId.Length == IdBytes && credit.Retrieved is > 0 and <= MaxCount && credit.Succeeded <= credit.Retrieved;
}

/// <summary>What came of runs that were shown an exemplar.</summary>
/// <param name="Retrieved">Times that it was shown to a run that has ended.</param>
/// <param name="Succeeded">Of these, to runs that went well.</param>
internal readonly record struct Credit(ulong Retrieved, ulong Succeeded)
{
    /// <summary>The counters after one more run that was shown it <paramref name="times"/> times.</summary>
    public Credit After(ulong times, bool success)
    {
        var added = Math.Min(times, CreditRecord.MaxCount - Retrieved);
        return new Credit(Retrieved + added, Succeeded + (success ? added : 0));
    }
}
