namespace Hyperspace.Contracts;

/// <summary>A command that was not carried out: a value, never an exception.</summary>
/// <param name="Code">A stable code out of <see cref="ErrorCodes"/>.</param>
/// <param name="Message">A sentence that says what to do.</param>
public sealed record Refusal(string Code, string Message);

/// <summary>The stable codes that callers may branch on (<c>data.code</c> of a JSON-RPC error).</summary>
public static class ErrorCodes
{
    /// <summary>The session's remaining budget does not cover the amount.</summary>
    public const string BudgetExceeded = "BUDGET_EXCEEDED";

    /// <summary>No such session on this peer.</summary>
    public const string SessionNotFound = "SESSION_NOT_FOUND";

    /// <summary>The session has ended and accepts nothing more.</summary>
    public const string SessionEnded = "SESSION_ENDED";

    /// <summary>A parameter is missing, of the wrong type, or breaks a limit or the tool's schema.</summary>
    public const string InvalidParams = "INVALID_PARAMS";

    /// <summary>An amount that is negative, not finite, or has more than 6 decimals.</summary>
    public const string InvalidAmount = "INVALID_AMOUNT";

    /// <summary>No such tool here or at its provider.</summary>
    public const string ToolNotFound = "TOOL_NOT_FOUND";

    /// <summary>The tool ran and failed.</summary>
    public const string ToolFailed = "TOOL_FAILED";

    /// <summary>The call ran past its deadline.</summary>
    public const string Timeout = "TIMEOUT";

    /// <summary>The peer cannot be reached.</summary>
    public const string PeerUnreachable = "PEER_UNREACHABLE";

    /// <summary>The tool has a price and the call carried no voucher.</summary>
    public const string PaymentRequired = "PAYMENT_REQUIRED";

    /// <summary>The voucher's signature is not the payer's.</summary>
    public const string PaymentBadSignature = "PAYMENT_BAD_SIGNATURE";

    /// <summary>The voucher's cumulative amount is not above what was accepted already (replayed or lower).</summary>
    public const string PaymentStaleVoucher = "PAYMENT_STALE_VOUCHER";

    /// <summary>The voucher adds less than the price.</summary>
    public const string PaymentInsufficient = "PAYMENT_INSUFFICIENT";

    /// <summary>The voucher goes over the channel's deposit or credit limit.</summary>
    public const string PaymentOverDeposit = "PAYMENT_OVER_DEPOSIT";

    /// <summary>The payer signed authorizations before that could not be settled.</summary>
    public const string PayerOwes = "PAYER_OWES";

    /// <summary>The payee does not know the channel, or it is closed.</summary>
    public const string ChannelNotFound = "CHANNEL_NOT_FOUND";

    /// <summary>The channel cannot be opened on these terms.</summary>
    public const string ChannelRefused = "CHANNEL_REFUSED";

    /// <summary>A payment whose outcome is not known yet; it is neither paid again nor released.</summary>
    public const string PaymentPending = "PAYMENT_PENDING";

    /// <summary>This request was paid and served before, and its result is no longer kept.</summary>
    public const string AlreadyServed = "ALREADY_SERVED";

    /// <summary>The same identifier was used for something else.</summary>
    public const string Conflict = "CONFLICT";

    /// <summary>Too many requests at once or per second.</summary>
    public const string RateLimited = "RATE_LIMITED";

    /// <summary>The guard's lists do not let this operation through.</summary>
    public const string OperationDenied = "OPERATION_DENIED";

    /// <summary>The same operation with the same input failed too often in a row.</summary>
    public const string LoopDetected = "LOOP_DETECTED";

    /// <summary>Something has more bytes or items than its limit.</summary>
    public const string TooLarge = "TOO_LARGE";

    /// <summary>An envelope is unsigned, mis-signed, expired, replayed, or of the wrong type.</summary>
    public const string BadEnvelope = "BAD_ENVELOPE";

    /// <summary>The bridge could not start or reach an MCP server.</summary>
    public const string BridgeFailed = "BRIDGE_FAILED";

    /// <summary>The journal refused the write; nothing was done.</summary>
    public const string JournalFailed = "JOURNAL_FAILED";

    /// <summary>Nothing here has this id.</summary>
    public const string NotFound = "NOT_FOUND";

    /// <summary>This peer is not set up for the chain.</summary>
    public const string ChainNotConfigured = "CHAIN_NOT_CONFIGURED";

    /// <summary>A defect of this peer; the log has more.</summary>
    public const string Internal = "INTERNAL";
}
