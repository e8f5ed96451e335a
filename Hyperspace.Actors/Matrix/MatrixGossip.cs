using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Actors.Matrix;

/// <summary>Votes and deltas on the mesh: how they are sealed, judged and read. Pure.</summary>
public static class MatrixGossip
{
    /// <summary>Largest envelope of votes or of a delta, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Most votes of one envelope.</summary>
    public const int MaxVotes = 64;

    /// <summary>Longest query of a vote, in characters.</summary>
    public const int MaxQuery = 2048;

    // What one delta is filled up to; the largest sums and the envelope's own fields still fit above it.
    private const int FullDelta = 40 * 1024;

    /// <summary>A validator for both topics: <see cref="Topics.MatrixFeedback"/> takes votes, <see cref="Topics.MatrixModel"/> deltas, each signed and within its limits.</summary>
    public static TopicValidator Validator(TimeProvider time) => message => Judge(message.Topic, message.Data, time.GetUtcNow());

    /// <summary>Accepts what belongs on the topic and rejects everything else; pure.</summary>
    public static Validation Judge(string topic, ReadOnlyMemory<byte> data, DateTimeOffset now)
    {
        var envelope = data.Length <= MaxBytes ? SignedEnvelope.Open(data, now, out _) : null;
        var fits = envelope is not null && topic switch
        {
            Topics.MatrixFeedback => ReadVotes(envelope) is not null,
            Topics.MatrixModel => ReadDelta(envelope) is not null,
            _ => false,
        };
        return fits ? Validation.Accept : Validation.Reject;
    }

    /// <summary>True for <c>{peerId}/{name}</c> and <c>{peerId}/{type}/{name}</c>.</summary>
    internal static bool IsCapability(string id) =>
        id.Length <= MatrixModel.MaxCapability && id.Split('/') is [var peer, .. { Length: 1 or 2 } rest] && rest.All(part => part.Length > 0) && PeerId.TryParse(peer, out _);

    /// <summary>Seals one vote.</summary>
    internal static SignedEnvelope SealVote(PeerIdentity identity, string capability, string query, bool good, ulong ordinal, HybridTime time) => SignedEnvelope.Seal(
        identity.Keys,
        EnvelopeTypes.MatrixVotes,
        new MatrixVotes { Votes = { new MatrixVote { Capability = capability, Query = query, Vote = good ? 1 : -1, Ordinal = ordinal } } }.ToByteArray(),
        time);

    /// <summary>Seals sums in as many envelopes as they need.</summary>
    internal static IEnumerable<(SignedEnvelope Envelope, IReadOnlyList<MatrixSums> Sums)> SealDeltas(PeerIdentity identity, IEnumerable<MatrixSums> sums, Func<HybridTime> clock)
    {
        var (delta, bytes) = (new MatrixDelta(), 0);
        foreach (var one in sums)
        {
            if (bytes > 0 && bytes + one.CalculateSize() > FullDelta)
            {
                yield return Seal(delta);
                (delta, bytes) = (new MatrixDelta(), 0);
            }

            delta.Sums.Add(one);
            bytes += one.CalculateSize();
        }

        if (bytes > 0)
        {
            yield return Seal(delta);
        }

        (SignedEnvelope, IReadOnlyList<MatrixSums>) Seal(MatrixDelta full) => (SignedEnvelope.Seal(identity.Keys, EnvelopeTypes.MatrixDelta, full.ToByteArray(), clock()), full.Sums);
    }

    /// <summary>The votes of a verified envelope; null when it holds none, or one breaks a rule. Votes on the author's own capabilities break one.</summary>
    internal static MatrixVotes? ReadVotes(SignedEnvelope envelope)
    {
        var author = envelope.Author.ToString();
        return envelope.Type == EnvelopeTypes.MatrixVotes && Parse(MatrixVotes.Parser, envelope.Payload.Span) is { Votes.Count: >= 1 and <= MaxVotes } votes
            && votes.Votes.All(v => v.Vote is 1 or -1 && v.Ordinal is > 0 and <= OutcomeSums.MaxOutcomes && v.Query.Length is > 0 and <= MaxQuery && IsCapability(v.Capability) && !MatrixModel.IsOwn(author, v.Capability))
            ? votes
            : null;
    }

    /// <summary>The sums of a verified envelope by capability; null when it holds none, or some break a rule.</summary>
    internal static IReadOnlyList<(string Capability, OutcomeSums Sums)>? ReadDelta(SignedEnvelope envelope) =>
        envelope.Type == EnvelopeTypes.MatrixDelta ? SumsOf(envelope.Author.ToString(), envelope.Payload.Span) : null;

    /// <summary>The same of an envelope that was verified before it was stored.</summary>
    internal static IReadOnlyList<(string Capability, OutcomeSums Sums)>? ReadStoredDelta(string author, byte[] envelope) =>
        Parse(Envelope.Parser, envelope) is { } stored ? SumsOf(author, stored.Payload.Span) : null;

    private static List<(string Capability, OutcomeSums Sums)>? SumsOf(string author, ReadOnlySpan<byte> payload)
    {
        if (Parse(MatrixDelta.Parser, payload) is not { Sums.Count: > 0 } delta)
        {
            return null;
        }

        var read = new List<(string, OutcomeSums)>(delta.Sums.Count);
        foreach (var wire in delta.Sums)
        {
            if (!IsCapability(wire.Capability) || MatrixModel.IsOwn(author, wire.Capability) || OutcomeSums.FromWire(wire) is not { } sums)
            {
                return null;
            }

            read.Add((wire.Capability, sums));
        }

        return read;
    }

    private static T? Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
