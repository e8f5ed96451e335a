using System.Numerics;
using Google.Protobuf;
using Hyperspace.Actors.Chain.Journal;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Chain;

/// <summary>Chain transactions in the payments journal (<c>chain_journal.proto</c>).</summary>
internal static class ChainFormat
{
    /// <summary>Every event.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<ChainEvents.Submitted, IntentSubmittedV1>("chain-submitted:1", ToMessage, ToRecord)
        .Map<ChainEvents.Signed, TransactionSignedV1>("chain-signed:1", ToMessage, ToRecord)
        .Map<ChainEvents.Executed, IntentExecutedV1>("chain-executed:1", ToMessage, ToRecord)
        .Map<ChainEvents.Rejected, IntentRejectedV1>("chain-rejected:1", ToMessage, ToRecord);

    private static IntentSubmittedV1 ToMessage(ChainEvents.Submitted record) => new()
    {
        IntentId = record.IntentId,
        ChainId = record.ChainId,
        To = Bytes(record.To),
        Data = Bytes(record.Data),
        AtTicks = record.At.UtcTicks,
    };

    private static ChainEvents.Submitted ToRecord(IntentSubmittedV1 message) => new(message.IntentId, message.ChainId, message.To.Memory, message.Data.Memory, Time(message.AtTicks));

    private static TransactionSignedV1 ToMessage(ChainEvents.Signed record) => new()
    {
        IntentId = record.IntentId,
        From = Bytes(record.From),
        Nonce = record.Nonce,
        MaxFee = Wei(record.MaxFee),
        PriorityFee = Wei(record.PriorityFee),
        GasLimit = record.GasLimit,
        Raw = Bytes(record.Raw),
        Hash = Bytes(record.Hash),
        AtTicks = record.At.UtcTicks,
    };

    private static ChainEvents.Signed ToRecord(TransactionSignedV1 message) => new(
        message.IntentId, message.From.Memory, message.Nonce, Wei(message.MaxFee), Wei(message.PriorityFee), message.GasLimit, message.Raw.Memory, message.Hash.Memory, Time(message.AtTicks));

    private static IntentExecutedV1 ToMessage(ChainEvents.Executed record) => new()
    {
        IntentId = record.IntentId,
        Hash = Bytes(record.Hash),
        Succeeded = record.Succeeded,
        BlockNumber = record.BlockNumber,
        BlockHash = Bytes(record.BlockHash),
        GasUsed = record.GasUsed,
        FeeWei = Wei(record.FeeWei),
        AtTicks = record.At.UtcTicks,
    };

    private static ChainEvents.Executed ToRecord(IntentExecutedV1 message) => new(
        message.IntentId, message.Hash.Memory, message.Succeeded, message.BlockNumber, message.BlockHash.Memory, message.GasUsed, Wei(message.FeeWei), Time(message.AtTicks));

    private static IntentRejectedV1 ToMessage(ChainEvents.Rejected record) => new() { IntentId = record.IntentId, Reason = record.Reason, AtTicks = record.At.UtcTicks };

    private static ChainEvents.Rejected ToRecord(IntentRejectedV1 message) => new(message.IntentId, message.Reason, Time(message.AtTicks));

    private static ByteString Bytes(ReadOnlyMemory<byte> bytes) => ByteString.CopyFrom(bytes.Span);

    private static ByteString Wei(BigInteger wei) => wei.IsZero ? ByteString.Empty : ByteString.CopyFrom(wei.ToByteArray(isUnsigned: true, isBigEndian: true));

    private static BigInteger Wei(ByteString wei) => new(wei.Span, isUnsigned: true, isBigEndian: true);

    private static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);
}
