using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>
/// Judges DHT records of the namespace <c>hyperspace</c>: <c>/hyperspace/peer/{peerId}</c> holds a capability record that
/// this very peer signed; of several the highest sequence wins.
/// </summary>
public sealed class CapabilityRecordValidator(TimeProvider time) : IRecordValidator
{
    /// <summary>The namespace of the keys.</summary>
    public const string Namespace = "hyperspace";

    /// <inheritdoc/>
    public bool IsValid(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        CapabilityRecords.PeerOf(key) is { } peer && value.Length <= CapabilityRecords.MaxBytes && CapabilityRecords.Open(value.ToArray(), time.GetUtcNow(), out _) is { } record && record.Peer == peer;

    /// <inheritdoc/>
    public int Select(ReadOnlySpan<byte> key, IReadOnlyList<ReadOnlyMemory<byte>> values)
    {
        var best = 0;
        var highest = 0UL;
        for (var i = 0; i < values.Count; i++)
        {
            var sequence = CapabilityRecords.Open(values[i], time.GetUtcNow(), out _)?.Sequence ?? 0;
            // Equal sequences are told apart by their bytes, so that every peer picks the same.
            if (sequence > highest || (sequence == highest && values[i].Span.SequenceCompareTo(values[best].Span) > 0))
            {
                (best, highest) = (i, sequence);
            }
        }

        return best;
    }
}

/// <summary>The validator of the topics under <c>hyperspace/capabilities</c>.</summary>
public static class CapabilityGossip
{
    /// <summary>For <see cref="IPubSub.Validate(string, TopicValidator)"/> with the prefix <see cref="Topics.Capabilities"/>.</summary>
    public static TopicValidator Validator(TimeProvider time) => message => Judge(message.Topic, message.Data, time.GetUtcNow());

    /// <summary>
    /// Accepts a capability record on the parent topic or on its author's own, and a capability query on the parent topic;
    /// rejects everything else. Pure.
    /// </summary>
    public static Validation Judge(string topic, ReadOnlyMemory<byte> data, DateTimeOffset now)
    {
        if (SignedEnvelope.Open(data, now, out _) is not { } envelope)
        {
            return Validation.Reject;
        }

        var fits = envelope.Type switch
        {
            EnvelopeTypes.Capabilities => (topic == Topics.Capabilities || topic == Topics.CapabilitiesOf(envelope.Author.ToString()))
                && data.Length <= CapabilityRecords.MaxBytes && CapabilityRecords.Open(data, now, out _) is not null,
            EnvelopeTypes.CapabilityQuery => topic == Topics.Capabilities && CapabilityQueries.Read(envelope) is not null,
            _ => false,
        };
        return fits ? Validation.Accept : Validation.Reject;
    }
}

/// <summary>Capability queries: how they are sealed and read; pure.</summary>
internal static class CapabilityQueries
{
    private const int MaxQuery = 1024;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    /// <summary>Seals a query.</summary>
    public static SignedEnvelope Seal(PeerIdentity identity, string query, IEnumerable<string> capabilities, HybridTime time) => SignedEnvelope.Seal(
        identity.Keys,
        EnvelopeTypes.CapabilityQuery,
        new CapabilityQuery { Query = query.Length <= MaxQuery ? query : query[..MaxQuery], Capabilities = { capabilities.Take(ToolRules.MaxCapabilities) } }.ToByteArray(),
        time,
        Lifetime);

    /// <summary>The query of a verified envelope, or null when it is none or over its limits.</summary>
    public static CapabilityQuery? Read(SignedEnvelope envelope)
    {
        try
        {
            var query = CapabilityQuery.Parser.ParseFrom(envelope.Payload.Span);
            return query.Query.Length <= MaxQuery && query.Capabilities.Count <= ToolRules.MaxCapabilities && query.Capabilities.All(ToolRules.IsCapability) ? query : null;
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
