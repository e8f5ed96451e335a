using System.Collections.Frozen;
using Google.Protobuf;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>What one rpc call to a provider came to. At most one of challenge, outcome, refused and failure is set.</summary>
/// <param name="Receipt">The provider's word that it took the voucher; may come without an outcome.</param>
/// <param name="Challenge">It wants to be paid first.</param>
/// <param name="Outcome">It ran the tool.</param>
/// <param name="Refused">It refuses.</param>
/// <param name="Failure">The call broke.</param>
/// <param name="Proof">The provider's signed receipt of the call, unverified.</param>
internal sealed record RemoteAttempt(PaymentReceipt? Receipt, PaymentRequired? Challenge, ToolOutcome? Outcome, ToolRefused? Refused, Refusal? Failure, byte[]? Proof = null)
{
    // Said before the voucher was looked at, or because it can't count. A stale voucher is not among them: the payee has
    // accepted more than this peer knows, and its standing says how much.
    private static readonly FrozenSet<string> NothingTaken = FrozenSet.ToFrozenSet(
        [
            ErrorCodes.PaymentBadSignature, ErrorCodes.PaymentInsufficient, ErrorCodes.PaymentOverDeposit, ErrorCodes.PaymentRequired, ErrorCodes.ChannelNotFound,
            ErrorCodes.ToolNotFound, ErrorCodes.InvalidParams,
        ],
        StringComparer.Ordinal);

    /// <summary>What became of the voucher that went with the call, as far as the answer tells.</summary>
    public PaymentOutcome Payment =>
        Receipt is not null ? PaymentOutcome.Accepted
        : Refused is { } refused && NothingTaken.Contains(refused.Code) ? PaymentOutcome.Refused
        : PaymentOutcome.Unknown;

    /// <summary>Whether the provider did what it was asked; null when that is not its doing, as when it refused the call.</summary>
    public bool? WentWell => this switch
    {
        { Outcome: { } outcome } => outcome.Ok,
        { Failure.Code: ErrorCodes.Timeout or ErrorCodes.PeerUnreachable or ErrorCodes.ToolFailed } => false,
        _ => null,
    };

    /// <summary>Why there is no outcome.</summary>
    public Refusal WhyNot(string otherwise) => Failure ?? (Refused is { } refused
        ? new Refusal(
            refused.Code.Length is > 0 and <= 64 ? refused.Code : ErrorCodes.ToolFailed,
            refused.Message.Length <= 2000 ? refused.Message : refused.Message[..2000])
        : new Refusal(ErrorCodes.PeerUnreachable, otherwise));

    /// <summary>Calls the provider once, telling of its receipt as soon as it comes.</summary>
    public static async Task<RemoteAttempt> MakeAsync(IRpc rpc, PeerId provider, ToolInvocation request, Currency currency, TimeSpan left, Action accepted, CancellationToken deadline)
    {
        var attempt = new RemoteAttempt(null, null, null, null, null);
        try
        {
            await foreach (var bytes in rpc.CallAsync(provider, RpcMethods.ToolInvoke, request.ToByteArray(), left, deadline).ConfigureAwait(false))
            {
                var frame = ToolInvocationFrame.Parser.ParseFrom(bytes.Span);
                if (frame.PaymentAccepted is { } receipt && request.Voucher is { } sent && !IsReceiptOf(receipt, request.RequestId, sent))
                {
                    return attempt with { Failure = new Refusal(ErrorCodes.PeerUnreachable, "The provider's receipt is not of the voucher that it was sent.") };
                }

                attempt = frame.FrameCase switch
                {
                    // The first word counts: a provider cannot take it back.
                    _ when attempt is not { Challenge: null, Outcome: null, Refused: null } => attempt,
                    ToolInvocationFrame.FrameOneofCase.PaymentRequired => attempt with { Challenge = frame.PaymentRequired },
                    ToolInvocationFrame.FrameOneofCase.PaymentAccepted when request.Voucher is not null => attempt with { Receipt = ReceiptOf(frame.PaymentAccepted, currency), Proof = ProofOf(frame.PaymentAccepted) },
                    ToolInvocationFrame.FrameOneofCase.Outcome => attempt with { Outcome = frame.Outcome },
                    ToolInvocationFrame.FrameOneofCase.Refused => attempt with { Refused = frame.Refused },
                    _ => attempt,
                };
                if (frame.FrameCase == ToolInvocationFrame.FrameOneofCase.PaymentAccepted && attempt.Receipt is not null)
                {
                    accepted();
                }
            }

            return attempt is { Challenge: null, Outcome: null, Refused: null }
                ? attempt with { Failure = new Refusal(ErrorCodes.PeerUnreachable, "The provider ended the call without an outcome.") }
                : attempt;
        }
        catch (RpcException e)
        {
            return attempt with { Failure = new Refusal(CodeOf(e.Status), $"The provider did not carry out the call: {e.Message}") };
        }
        catch (InvalidProtocolBufferException e)
        {
            return attempt with { Failure = new Refusal(ErrorCodes.PeerUnreachable, $"The provider's answer is not of the protocol: {e.Message}") };
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return attempt with { Failure = new Refusal(ErrorCodes.Timeout, "The provider did not answer before the deadline; give it a larger timeoutMs.") };
        }
    }

    private static string CodeOf(RpcStatus status) => status switch
    {
        RpcStatus.DeadlineExceeded or RpcStatus.Cancelled => ErrorCodes.Timeout,
        RpcStatus.ResourceExhausted => ErrorCodes.RateLimited,
        RpcStatus.Unimplemented => ErrorCodes.ToolNotFound,
        RpcStatus.InvalidArgument => ErrorCodes.InvalidParams,
        RpcStatus.Internal => ErrorCodes.ToolFailed,
        _ => ErrorCodes.PeerUnreachable,
    };

    /// <summary>A voucher that is sent again may have others above it by now.</summary>
    private static bool IsReceiptOf(PaymentAccepted receipt, string requestId, Voucher sent) =>
        receipt.ChannelId.Equals(sent.ChannelId) && receipt.RequestId == requestId
        && receipt.AcceptedMicro >= sent.CumulativeMicro && receipt.AcceptedMicro <= Amount.MaxMicroUnits && receipt.SpentMicro <= receipt.AcceptedMicro;

    private static byte[]? ProofOf(PaymentAccepted accepted) => accepted.ServiceReceipt.Length is > 0 and <= Ratings.MaxBytes ? accepted.ServiceReceipt.ToByteArray() : null;

    private static PaymentReceipt ReceiptOf(PaymentAccepted accepted, Currency currency) => new(
        "0x" + Convert.ToHexStringLower(accepted.ChannelId.Span),
        accepted.RequestId,
        new Amount(accepted.AcceptedMicro, currency),
        new Amount(accepted.SpentMicro, currency));
}
