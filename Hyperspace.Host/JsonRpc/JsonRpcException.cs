using System.Text.Json.Nodes;
using Hyperspace.Contracts;

namespace Hyperspace.Host.JsonRpc;

/// <summary>A call that is answered with a JSON-RPC error object.</summary>
internal sealed class JsonRpcException(int code, string message, string? stableCode = null) : Exception(message)
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;

    // A code keeps its number for good: clients may branch on either. New ones go to the end.
    private static readonly string[] Numbered =
    [
        ErrorCodes.Internal,
        ErrorCodes.BudgetExceeded,
        ErrorCodes.PaymentRequired,
        ErrorCodes.ToolNotFound,
        ErrorCodes.SessionNotFound,
        ErrorCodes.SessionEnded,
        ErrorCodes.InvalidParams,
        ErrorCodes.InvalidAmount,
        ErrorCodes.Timeout,
        ErrorCodes.ToolFailed,
        ErrorCodes.PeerUnreachable,
        ErrorCodes.PaymentBadSignature,
        ErrorCodes.PaymentStaleVoucher,
        ErrorCodes.PaymentInsufficient,
        ErrorCodes.PaymentOverDeposit,
        ErrorCodes.ChannelNotFound,
        ErrorCodes.ChannelRefused,
        ErrorCodes.PaymentPending,
        ErrorCodes.AlreadyServed,
        ErrorCodes.Conflict,
        ErrorCodes.RateLimited,
        ErrorCodes.TooLarge,
        ErrorCodes.BadEnvelope,
        ErrorCodes.BridgeFailed,
        ErrorCodes.JournalFailed,
    ];

    public int Code { get; } = code;

    public string? StableCode { get; } = stableCode;

    public static IEnumerable<(int Number, string Code)> Table => Numbered.Select((code, i) => (NumberOf(i), code));

    public static JsonRpcException Refused(Refusal refusal) => new(NumberOf(Math.Max(0, Array.IndexOf(Numbered, refusal.Code))), refusal.Message, refusal.Code);

    public static JsonRpcException BadParams(string message) => new(InvalidParams, message, ErrorCodes.InvalidParams);

    public JsonObject ToJson()
    {
        var error = new JsonObject { ["code"] = Code, ["message"] = Message };
        if (StableCode is not null)
        {
            error["data"] = new JsonObject { ["code"] = StableCode };
        }

        return error;
    }

    private static int NumberOf(int index) => -32000 - index;
}
