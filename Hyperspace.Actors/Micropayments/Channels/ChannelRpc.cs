using System.Runtime.CompilerServices;
using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Serves <c>channel.open</c> and <c>channel.status</c> to payers; a channel is shown to its own payer only.</summary>
internal sealed class ChannelRpc(IActorRef payeeChannels)
{
    /// <summary>Serves both methods.</summary>
    public void Register(IRpc rpc)
    {
        rpc.Handle(RpcMethods.ChannelOpen, Open);
        rpc.Handle(RpcMethods.ChannelStatus, Status);
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> Open(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = Parse(OpenChannel.Parser, call);
        if (request.Terms is null || request.Binding is null || !ChannelIds.AreWellFormed(request.Terms))
        {
            throw new RpcException(RpcStatus.InvalidArgument, "channel.open takes terms (addresses of 20 bytes, a salt of 32) and the payer's identity binding.");
        }

        var id = ChannelIds.Of(request.Terms);
        var answer = await payeeChannels.Ask<object>(
            new PayeeChannelCommands.Open(ChannelIds.ToText(id), call.Caller.ToString(), request.Terms, request.Binding), ChannelLimits.AskTimeout, cancellationToken);
        yield return (answer switch
        {
            PayeeChannelView view => new OpenChannelReply { Standing = Standing(id, view) },
            Refusal { Code: ErrorCodes.ChannelRefused } refusal => new OpenChannelReply { RefusedCode = refusal.Code, RefusedMessage = refusal.Message },
            Refusal refusal => throw new RpcException(RpcStatus.Internal, refusal.Message),
            _ => throw new InvalidOperationException($"A payee's channel does not answer with {answer.GetType().Name}."),
        }).ToByteArray();
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> Status(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var query = Parse(ChannelQuery.Parser, call);
        if (query.ChannelId.Length != ChannelIds.Size)
        {
            throw new RpcException(RpcStatus.InvalidArgument, "A channel's id has 32 bytes.");
        }

        var (id, caller) = (ChannelIds.ToText(query.ChannelId.Span), call.Caller.ToString());
        object question = query.RequestId.Length > 0 ? new PayeeChannelCommands.Resolve(id, caller, query.RequestId) : new PayeeChannelCommands.Get(id, null);
        var answer = await payeeChannels.Ask<object>(question, ChannelLimits.AskTimeout, cancellationToken);
        yield return (answer switch
        {
            PayeeChannelView view when view.PayerPeerId == caller => Standing(query.ChannelId.Span, view),
            PayeeChannelView or Refusal { Code: ErrorCodes.ChannelNotFound } => new ChannelStanding { ChannelId = query.ChannelId },
            Refusal { Code: ErrorCodes.RateLimited } refusal => throw new RpcException(RpcStatus.ResourceExhausted, refusal.Message),
            Refusal { Code: ErrorCodes.InvalidParams } refusal => throw new RpcException(RpcStatus.InvalidArgument, refusal.Message),
            Refusal refusal => throw new RpcException(RpcStatus.Internal, refusal.Message),
            _ => throw new InvalidOperationException($"A payee's channel does not answer with {answer.GetType().Name}."),
        }).ToByteArray();
    }

    private static ChannelStanding Standing(ReadOnlySpan<byte> id, PayeeChannelView view) => new()
    {
        ChannelId = ByteString.CopyFrom(id),
        Known = true,
        Open = view.Open,
        DepositMicro = view.Deposit.MicroUnits,
        AcceptedMicro = view.Accepted.MicroUnits,
        SpentMicro = view.Spent.MicroUnits,
        RequestPaid = view.RequestPaid,
        RequestMicro = view.RequestCost.MicroUnits,
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
