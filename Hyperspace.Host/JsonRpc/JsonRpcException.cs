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
        ErrorCodes.OperationDenied,
        ErrorCodes.LoopDetected,
        ErrorCodes.NotFound,
        ErrorCodes.ChainNotConfigured,
        ErrorCodes.PayerOwes,
    ];

    public int Code { get; } = code;

    public string? StableCode { get; } = stableCode;

    public static IEnumerable<(int Number, string Code)> Table => Numbered.Select(code => (NumberOf(code), code));

    public static JsonRpcException Refused(Refusal refusal) => new(NumberOf(refusal.Code), refusal.Message, refusal.Code);

    public static JsonRpcException BadParams(string message) => Refused(new Refusal(ErrorCodes.InvalidParams, message));

    public JsonObject ToJson()
    {
        var error = new JsonObject { ["code"] = Code, ["message"] = Message };
        if (StableCode is not null)
        {
            error["data"] = new JsonObject { ["code"] = StableCode };
        }

        return error;
    }

    /// <summary>Faults that JSON-RPC has a number for keep that one, whoever finds them; so does a code that is unknown here.</summary>
    private static int NumberOf(string code) => code switch
    {
        ErrorCodes.InvalidParams => InvalidParams,
        ErrorCodes.Internal => InternalError,
        _ => Array.IndexOf(Numbered, code) is >= 0 and var index ? -32000 - index : InternalError,
    };
}
