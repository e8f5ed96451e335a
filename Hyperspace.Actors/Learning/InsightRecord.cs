using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Learning;

/// <summary>One author's counters of one bullet, with the envelope that proves them.</summary>
/// <param name="BulletId">The bullet.</param>
/// <param name="Author">The author's peer id.</param>
/// <param name="Count">Section, text, counters and sources; not to be changed.</param>
/// <param name="Envelope">What the author signed.</param>
internal sealed record InsightRecord(string BulletId, string Author, BulletCount Count, SignedEnvelope Envelope)
{
    /// <summary>Where the bullet comes from: the runs that the reflections named, else the signed reflection itself.</summary>
    public IReadOnlyList<string> Sources => Count.Sources.Count > 0 ? Count.Sources : [Envelope.Id];

    /// <summary>
    /// A total order. Counters only grow, so of two records of one author and bullet the first one here is the later
    /// one, whatever the clocks say.
    /// </summary>
    public static IComparer<InsightRecord> MostEvidenceFirst { get; } = Comparer<InsightRecord>.Create((a, b) =>
    {
        var order = (b.Count.Helpful + b.Count.Harmful).CompareTo(a.Count.Helpful + a.Count.Harmful);
        order = order != 0 ? order : b.Count.Helpful.CompareTo(a.Count.Helpful);
        order = order != 0 ? order : b.Envelope.Time.CompareTo(a.Envelope.Time);
        order = order != 0 ? order : string.CompareOrdinal(a.Envelope.Id, b.Envelope.Id);
        order = order != 0 ? order : string.CompareOrdinal(a.BulletId, b.BulletId);
        return order != 0 ? order : string.CompareOrdinal(a.Count.Text, b.Count.Text);
    });

    /// <summary>Reads an opened envelope; null with a refusal when its payload is no delta of that task type within the rules.</summary>
    public static IReadOnlyList<InsightRecord>? Read(SignedEnvelope envelope, string taskType, out Refusal? refusal)
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
        return refusal is null
            ? [.. delta.Bullets.Select(bullet => new InsightRecord(PlaybookRules.IdOf(taskType, bullet.Section, bullet.Text), author, bullet, envelope))]
            : null;
    }
}
