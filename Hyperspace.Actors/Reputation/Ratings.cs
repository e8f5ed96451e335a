using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Actors.Reputation;

/// <summary>A payee's receipt that was verified.</summary>
/// <param name="Payee">Who was paid and signed it.</param>
/// <param name="PaidAt">When, by the payee's clock.</param>
/// <param name="Content">What it says.</param>
/// <param name="Bytes">The envelope.</param>
internal sealed record HeldReceipt(string Payee, DateTimeOffset PaidAt, ServiceReceipt Content, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The session in which this peer paid; null: none, or it is another peer's.</summary>
    public string? SessionId { get; init; }
}

/// <summary>A rating that was verified with its receipt.</summary>
internal sealed record HeardRating(string Ratee, string Rater, RatingEntry Entry);

/// <summary>Receipts and ratings: how they are sealed, judged and read. Pure.</summary>
public static class Ratings
{
    /// <summary>Largest envelope of a rating, in bytes; its receipt is inside.</summary>
    public const int MaxBytes = 2048;

    private const int MaxReceiptBytes = 1024;
    private const int Scale = 100;
    private const int CounterBits = 16;

    // The end of the year 9999, after which there are no dates.
    private const ulong MaxWallMs = 253_402_300_799_999;

    // Who hears of an older one counts it for next to nothing, and might have forgotten that it did before.
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(90);

    // Ahead of what others reject, so that a rating is still taken everywhere when it arrives.
    private static readonly TimeSpan MaxAgeToRate = MaxAge - TimeSpan.FromDays(1);

    // How far payer's and payee's clocks may be apart. Less than what any peer puts up with, so that others whose clocks differ
    // from the payer's take the receipt, too.
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(2);

    /// <summary>
    /// A validator for the prefix <see cref="Topics.Reputation"/>: on the parent topic or the payee's own. What only comes at the
    /// wrong time is not passed on, but is nobody's fault: a payee could date receipts so that its customers' neighbours disagree.
    /// </summary>
    public static TopicValidator Validator(TimeProvider time) => message =>
        Read(message.Data, out _) is not { } heard || (message.Topic != Topics.Reputation && message.Topic != Topics.ReputationOf(heard.Ratee)) ? Validation.Reject
        : Untimely(heard, time.GetUtcNow()).Length > 0 ? Validation.Ignore
        : Validation.Accept;

    /// <summary>The receipt that a payee gives for a call. Refers to nothing but the call.</summary>
    internal static SignedEnvelope SealReceipt(PeerIdentity payee, PeerId payer, string requestId, string tool, Amount price, HybridTime time) => SignedEnvelope.Seal(
        payee.Keys,
        EnvelopeTypes.ServiceReceipt,
        new ServiceReceipt { Payer = payer.ToString(), RequestId = requestId, Tool = tool, AmountMicro = price.MicroUnits, Currency = price.Currency.ToString() }.ToByteArray(),
        time);

    /// <summary>What the payer makes of the call that the receipt is of.</summary>
    /// <param name="payer">The receipt's payer.</param>
    /// <param name="receipt">The receipt.</param>
    /// <param name="value">−1 to 1.</param>
    /// <param name="time">Later than those of this receipt's earlier ratings, which it replaces.</param>
    internal static SignedEnvelope Seal(PeerIdentity payer, HeldReceipt receipt, double value, HybridTime time) => SignedEnvelope.Seal(
        payer.Keys,
        EnvelopeTypes.Rating,
        new Rating { Receipt = UnsafeByteOperations.UnsafeWrap(receipt.Bytes), Value = (int)Math.Round(value * Scale) }.ToByteArray(),
        time);

    /// <summary>True when a receipt was signed during a call of this peer, as far as clocks agree, and does not expire.</summary>
    internal static bool IsOf(HeldReceipt receipt, DateTimeOffset began, DateTimeOffset ended) =>
        receipt.PaidAt >= began - MaxSkew && receipt.PaidAt <= ended + MaxSkew && !Expires(receipt.Bytes);

    /// <summary>True when others will take a rating by this receipt.</summary>
    internal static bool IsFresh(HeldReceipt receipt, DateTimeOffset now) => now - receipt.PaidAt <= MaxAgeToRate && !Expires(receipt.Bytes);

    /// <summary>The receipt in an envelope that came from anywhere, whenever it was signed; null and a reason when it does not verify or breaks a limit.</summary>
    internal static HeldReceipt? ReadReceipt(ReadOnlyMemory<byte> data, out string reason)
    {
        if (Open(data, MaxReceiptBytes, EnvelopeTypes.ServiceReceipt, out reason) is not { } envelope)
        {
            return null;
        }

        var receipt = ServiceReceipt.Parser.ParseFrom(envelope.Payload.Span);
        var payee = envelope.Author.ToString();
        reason = receipt switch
        {
            _ when !PeerId.TryParse(receipt.Payer, out var payer) || payer.ToString() != receipt.Payer => "the payer is no peer id",
            _ when receipt.Payer == payee => "the payer is the payee",
            { RequestId.Length: 0 or > 128 } or { Tool.Length: 0 or > 128 } => "the request and the tool have 1 to 128 characters",
            { AmountMicro: 0 or > Amount.MaxMicroUnits } => "nothing was paid, or more than there is",
            _ when !Currency.TryParse(receipt.Currency, out _) => "the currency is not known",
            _ => "",
        };
        return reason.Length > 0 ? null : new HeldReceipt(payee, At(envelope.Time.WallMs), receipt, envelope.Bytes);
    }

    /// <summary>The rating in an envelope that came from anywhere; null and a reason when it or its receipt does not verify, does not fit the other, breaks a limit, or comes too early or too late.</summary>
    internal static HeardRating? Read(ReadOnlyMemory<byte> data, DateTimeOffset now, out string reason)
    {
        if (Read(data, out reason) is not { } heard)
        {
            return null;
        }

        reason = Untimely(heard, now);
        return reason.Length > 0 ? null : heard;
    }

    /// <summary>The rating, whenever it and its receipt were signed.</summary>
    private static HeardRating? Read(ReadOnlyMemory<byte> data, out string reason)
    {
        if (Open(data, MaxBytes, EnvelopeTypes.Rating, out reason) is not { } envelope)
        {
            return null;
        }

        var rating = Rating.Parser.ParseFrom(envelope.Payload.Span);
        if (ReadReceipt(rating.Receipt.Memory, out reason) is not { } receipt)
        {
            return null;
        }

        reason = rating switch
        {
            { Value: < -Scale or > Scale } => $"a rating is -{Scale} to {Scale}",
            _ when receipt.Content.Payer != envelope.Author.ToString() => "the receipt is of another payer",
            _ when Expires(envelope.Bytes) || Expires(receipt.Bytes) => "it expires, which ratings and receipts don't",
            _ => "",
        };
        return reason.Length > 0 ? null : new HeardRating(receipt.Payee, receipt.Content.Payer, EntryOf(receipt, (double)rating.Value / Scale, envelope.Time));
    }

    /// <summary>Why a rating can't be taken now, though it may be elsewhere or at another time; empty when it can.</summary>
    private static string Untimely(HeardRating heard, DateTimeOffset now) => heard.Entry switch
    {
        { PaidAt: var paid, RatedAt: var rated } when (paid > rated ? paid : rated) > now + SignedEnvelope.MaxClockSkew => "it is from the future",
        { PaidAt: var paid } when now - paid > MaxAge => $"it is over {MaxAge.TotalDays:0} days old",
        _ => "",
    };

    /// <summary>How a rating is remembered.</summary>
    internal static RatingEntry EntryOf(HeldReceipt receipt, double value, HybridTime time) =>
        new(receipt.Content.RequestId, value, receipt.Content.AmountMicro, receipt.PaidAt, StampOf(time));

    /// <summary>A hybrid time in one number, in the same order.</summary>
    internal static ulong StampOf(HybridTime time) => (time.WallMs << CounterBits) | Math.Min(time.Counter, (1u << CounterBits) - 1);

    /// <summary>The time that a stamp was made of, to the millisecond.</summary>
    internal static DateTimeOffset TimeOf(ulong stamp) => At(stamp >> CounterBits);

    private static DateTimeOffset At(ulong wallMs) => DateTimeOffset.FromUnixTimeMilliseconds((long)wallMs);

    /// <summary>An envelope as of the moment when it was signed: the time is judged apart, since clocks differ.</summary>
    private static SignedEnvelope? Open(ReadOnlyMemory<byte> data, int maxBytes, string type, out string reason)
    {
        if (data.Length > maxBytes)
        {
            reason = $"it is over {maxBytes} bytes";
            return null;
        }

        if (SignedAt(data, out reason) is not { } signedAt || SignedEnvelope.Open(data, signedAt, out reason) is not { } envelope)
        {
            return null;
        }

        if (envelope.Type != type || !IsMessage(envelope))
        {
            reason = $"it is no {type}";
            return null;
        }

        return envelope;
    }

    // A payee's receipt that expires would do so before its payer's rating has arrived.
    private static bool Expires(ReadOnlyMemory<byte> envelope) => Envelope.Parser.ParseFrom(envelope.Span).ExpiresMs != 0;

    private static DateTimeOffset? SignedAt(ReadOnlyMemory<byte> data, out string reason)
    {
        try
        {
            var wallMs = Envelope.Parser.ParseFrom(data.Span).WallMs;
            reason = wallMs > MaxWallMs ? "its time is out of range" : "";
            return wallMs > MaxWallMs ? null : At(wallMs);
        }
        catch (InvalidProtocolBufferException e)
        {
            reason = "the bytes are no envelope: " + e.Message;
            return null;
        }
    }

    private static bool IsMessage(SignedEnvelope envelope)
    {
        try
        {
            _ = envelope.Type == EnvelopeTypes.Rating ? (IMessage)Rating.Parser.ParseFrom(envelope.Payload.Span) : ServiceReceipt.Parser.ParseFrom(envelope.Payload.Span);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
