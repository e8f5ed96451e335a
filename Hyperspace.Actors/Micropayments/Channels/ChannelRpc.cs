using System.Runtime.CompilerServices;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Serves <c>channel.*</c> to payers; a channel is shown to its own payer only.</summary>
internal sealed class ChannelRpc(IActorRef payeeChannels, IReadOnlyList<PaymentTerms> terms, IdentityBinding binding)
{
    /// <summary>Serves all methods.</summary>
    public void Register(IRpc rpc)
    {
        Serve(rpc, RpcMethods.ChannelTerms, ChannelTermsQuery.Parser, (query, _, _) => Task.FromResult<IMessage>(TermsFor(query)));
        Serve(rpc, RpcMethods.ChannelOpen, OpenChannel.Parser, OpenAsync);
        Serve(rpc, RpcMethods.ChannelStatus, ChannelQuery.Parser, StatusAsync);
        Serve(rpc, RpcMethods.ChannelVoucher, VoucherPayment.Parser, PayAsync);
        Serve(rpc, RpcMethods.ChannelTopUp, TopUpChannel.Parser, TopUpAsync);
        Serve(rpc, RpcMethods.ChannelClose, CloseChannel.Parser, CloseAsync);
    }

    /// <summary>A channel as its payer sees it.</summary>
    public static ChannelStanding Standing(PayeeChannelView view) => new()
    {
        ChannelId = ByteString.CopyFrom(ChannelIds.Parse(view.ChannelId)),
        Known = true,
        Open = view.Open,
        DepositMicro = view.Deposit.MicroUnits,
        AcceptedMicro = view.Accepted.MicroUnits,
        SpentMicro = view.Spent.MicroUnits,
        RequestPaid = view.RequestPaid,
        RequestMicro = view.RequestCost.MicroUnits,
        OnChain = view.OnChain,
        Closing = view.Phase == ChannelPhase.Closing || (view.Phase == ChannelPhase.Open && view.CloseRequestedAt > 0),
        Closed = view.Phase == ChannelPhase.Closed,
        SettledMicro = view.Settled.MicroUnits,
        RefundedMicro = view.Refunded.MicroUnits,
    };

    private static void Serve<TRequest>(IRpc rpc, string method, MessageParser<TRequest> parser, Func<TRequest, string, CancellationToken, Task<IMessage>> answer)
        where TRequest : IMessage<TRequest>
    {
        rpc.Handle(method, Handle);

        async IAsyncEnumerable<ReadOnlyMemory<byte>> Handle(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            yield return (await answer(Parse(parser, call), call.Caller.ToString(), cancellationToken).ConfigureAwait(false)).ToByteArray();
        }
    }

    private ChannelTermsReply TermsFor(ChannelTermsQuery query) =>
        terms.FirstOrDefault(own => (query.ChainId == 0 || own.ChainId == query.ChainId) && (query.Currency.Length == 0 || own.Currency == query.Currency)) is { } found
            ? new ChannelTermsReply { Terms = found, Binding = binding }
            : new ChannelTermsReply { RefusedCode = ErrorCodes.ChannelRefused, RefusedMessage = "This peer is not paid in that currency on that chain; ask without them for what it takes." };

    private async Task<IMessage> OpenAsync(OpenChannel request, string caller, CancellationToken cancellationToken)
    {
        if (request.Terms is null || request.Binding is null || !ChannelIds.AreWellFormed(request.Terms))
        {
            throw new RpcException(RpcStatus.InvalidArgument, "channel.open takes terms (addresses of 20 bytes, a salt of 32) and the payer's identity binding.");
        }

        var id = ChannelIds.ToText(ChannelIds.Of(request.Terms));
        return await AskAsync(new PayeeChannelCommands.Open(id, caller, request.Terms, request.Binding, request.Funded), cancellationToken).ConfigureAwait(false) switch
        {
            PayeeChannelView view => new OpenChannelReply { Standing = Standing(view) },
            Refusal { Code: ErrorCodes.ChannelRefused } refusal => new OpenChannelReply { RefusedCode = refusal.Code, RefusedMessage = refusal.Message },
            var other => throw Unexpected(other),
        };
    }

    private async Task<IMessage> StatusAsync(ChannelQuery query, string caller, CancellationToken cancellationToken)
    {
        var id = IdOf(query.ChannelId);
        object question = query.RequestId.Length > 0 ? new PayeeChannelCommands.Resolve(id, caller, query.RequestId) : new PayeeChannelCommands.Get(id, null);
        return await AskAsync(question, cancellationToken).ConfigureAwait(false) switch
        {
            PayeeChannelView view when view.PayerPeerId == caller => Standing(view),
            PayeeChannelView or Refusal { Code: ErrorCodes.ChannelNotFound } => new ChannelStanding { ChannelId = query.ChannelId },
            var other => throw Unexpected(other),
        };
    }

    // Not cancelled with the call: a voucher that may have been journalled must be answered for.
    private async Task<IMessage> PayAsync(VoucherPayment payment, string caller, CancellationToken cancellationToken)
    {
        if (payment.Voucher is null || payment.AmountMicro > Amount.MaxMicroUnits)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "channel.voucher takes a voucher and an amount.");
        }

        var id = IdOf(payment.Voucher.ChannelId);
        if (payment.RequestId.Length == 0)
        {
            return Reply(payment, await AskAsync(new PayeeChannelCommands.Take(id, caller, payment.Voucher), CancellationToken.None).ConfigureAwait(false));
        }

        if (payment.AmountMicro == 0)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "A payment for a request is above zero.");
        }

        var currency = await AskAsync(new PayeeChannelCommands.Get(id, null), cancellationToken).ConfigureAwait(false) is PayeeChannelView view ? view.Deposit.Currency : Currency.Usdc;
        var accept = new PayeeChannelCommands.Accept(id, caller, payment.RequestId, payment.Voucher, new Amount(payment.AmountMicro, currency), payment.Memo.Length > 0 ? payment.Memo : null);
        return Reply(payment, await AskAsync(accept, CancellationToken.None).ConfigureAwait(false));
    }

    private async Task<IMessage> TopUpAsync(TopUpChannel request, string caller, CancellationToken cancellationToken) =>
        Reply(await AskAsync(new PayeeChannelCommands.TopUp(IdOf(request.ChannelId), caller, request.DepositMicro), cancellationToken).ConfigureAwait(false));

    private async Task<IMessage> CloseAsync(CloseChannel request, string caller, CancellationToken cancellationToken) => request.Voucher is { } final
        ? Reply(await AskAsync(new PayeeChannelCommands.Close(IdOf(final.ChannelId), caller, final), cancellationToken).ConfigureAwait(false))
        : throw new RpcException(RpcStatus.InvalidArgument, "channel.close takes a final voucher over what was spent.");

    private static VoucherPaymentReply Reply(VoucherPayment payment, object answer) => answer switch
    {
        VoucherAccepted accepted => new VoucherPaymentReply
        {
            Accepted = new PaymentAccepted { ChannelId = payment.Voucher.ChannelId, RequestId = payment.RequestId, AcceptedMicro = accepted.Accepted.MicroUnits, SpentMicro = accepted.Spent.MicroUnits },
        },
        VoucherRefused refused => new VoucherPaymentReply
        {
            RefusedCode = refused.Code,
            RefusedMessage = refused.Message,
            Standing = refused.Standing is { } standing ? Standing(standing) : null,
            RequiredMicro = refused.Required?.MicroUnits ?? 0,
        },
        _ => throw Unexpected(answer),
    };

    private static ChannelReply Reply(object answer) => answer switch
    {
        PayeeChannelView view => new ChannelReply { Standing = Standing(view) },
        VoucherRefused refused => new ChannelReply { RefusedCode = refused.Code, RefusedMessage = refused.Message, Standing = refused.Standing is { } standing ? Standing(standing) : null },
        Refusal { Code: ErrorCodes.ChannelRefused or ErrorCodes.ChannelNotFound or ErrorCodes.InvalidAmount } refusal => new ChannelReply { RefusedCode = refusal.Code, RefusedMessage = refusal.Message },
        _ => throw Unexpected(answer),
    };

    private Task<object> AskAsync(object question, CancellationToken cancellationToken) => payeeChannels.Ask<object>(question, ChannelLimits.AskTimeout, cancellationToken);

    private static string IdOf(ByteString channelId) =>
        channelId.Length == ChannelIds.Size ? ChannelIds.ToText(channelId.Span) : throw new RpcException(RpcStatus.InvalidArgument, "A channel's id has 32 bytes.");

    private static Exception Unexpected(object answer) => answer switch
    {
        Refusal { Code: ErrorCodes.RateLimited } refusal => new RpcException(RpcStatus.ResourceExhausted, refusal.Message),
        Refusal { Code: ErrorCodes.InvalidParams } refusal => new RpcException(RpcStatus.InvalidArgument, refusal.Message),
        Refusal { Code: ErrorCodes.PeerUnreachable or ErrorCodes.Timeout } refusal => new RpcException(RpcStatus.Unavailable, refusal.Message),
        Refusal refusal => new RpcException(RpcStatus.Internal, refusal.Message),
        _ => new InvalidOperationException($"A payee's channel does not answer with {answer.GetType().Name}."),
    };

    private static T Parse<T>(MessageParser<T> parser, RpcCall call)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(call.Payload.Span);
        }
        catch (InvalidProtocolBufferException)
        {
            throw new RpcException(RpcStatus.InvalidArgument, $"The request of '{call.Method}' cannot be read.");
        }
    }
}
