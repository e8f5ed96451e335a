using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Hosting;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// The provider's side: serves <c>tool.invoke</c> and <c>capabilities.get</c>. Everything that can refuse a call without
/// running it is asked before money is taken; what a voucher paid for is run once it is journalled, and only once.
/// </summary>
internal sealed class ToolInvokeHandler(ToolCalls calls, OwnRecord own, IReadOnlyActorRegistry registry, OutcomeCache outcomes, PaidRuns paidRuns)
{
    private static readonly TimeSpan AcceptTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Serves <c>capabilities.get</c>.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> CapabilitiesAsync(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield return own.Current().Bytes;
    }

    /// <summary>Serves <c>tool.invoke</c>.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> InvokeAsync(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = ToolCalls.Parse(call.Payload, ToolInvocation.Parser, r => r.RequestId);
        var (tool, refusal) = calls.Find(request.Tool, request.Params, streams: false);
        if (tool is null)
        {
            yield return Refused(refusal!);
            yield break;
        }

        var caller = call.Caller.ToString();
        var fingerprint = OutcomeCache.FingerprintOf(request.Tool, request.Params);
        var (kept, isConflict) = outcomes.Find(caller, request.RequestId, fingerprint);
        if (isConflict)
        {
            yield return Refused(ErrorCodes.Conflict, "This request id was used for another call; choose a new one.");
            yield break;
        }

        var price = tool.Definition.Price;
        if (!price.IsZero && request.Voucher is null)
        {
            yield return Frame(new ToolInvocationFrame { PaymentRequired = calls.Challenge(tool.Definition) });
            yield break;
        }

        if (kept is null && await calls.PrepareAsync(tool, cancellationToken).ConfigureAwait(false) is { } unready)
        {
            yield return Refused(unready);
            yield break;
        }

        VoucherAccepted? paid = null;
        if (!price.IsZero)
        {
            if (kept is null && paidRuns.IsFull)
            {
                yield return Refused(ErrorCodes.RateLimited, "This peer runs as many paid calls as it can; try again when some have ended.");
                yield break;
            }

            // An outcome that is kept was paid for, whatever the tool costs by now.
            var answer = await TakeAsync(call, request, kept is null ? price : Contracts.Money.Amount.Zero(price.Currency)).ConfigureAwait(false);
            if (answer is not VoucherAccepted accepted)
            {
                yield return answer is VoucherRefused refused ? Refused(refused) : Refused((Refusal)answer);
                yield break;
            }

            paid = accepted;
            yield return Frame(new ToolInvocationFrame
            {
                PaymentAccepted = new PaymentAccepted
                {
                    ChannelId = request.Voucher!.ChannelId,
                    RequestId = request.RequestId,
                    AcceptedMicro = accepted.Accepted.MicroUnits,
                    SpentMicro = accepted.Spent.MicroUnits,
                    ServiceReceipt = calls.ReceiptFor(call.Caller, request.RequestId, tool.Definition.Name, price),
                },
            });
        }

        if (kept is null && paid is { Repeated: true })
        {
            kept = outcomes.Find(caller, request.RequestId, fingerprint).Outcome;
        }

        if (kept is null && paid is { Repeated: true, WasDelivered: true })
        {
            yield return Refused(ErrorCodes.AlreadyServed, "This request was paid and served before, and its result is no longer kept; it was not charged again.");
            yield break;
        }

        if (kept is null && paid is { IsFromBefore: true } && !paidRuns.IsRunning(caller, request.RequestId))
        {
            yield return Refused(ErrorCodes.AlreadyServed, "This request was paid before this peer restarted, and may have been served; it is not run twice, and was not charged again.");
            yield break;
        }

        if (kept is null && paid is not null)
        {
            kept = await paidRuns.JoinAsync(
                caller,
                request.RequestId,
                fingerprint,
                limit => calls.RunAsync(tool, request.Params, limit),
                () =>
                {
                    ChannelFaults.Hit(ChannelFaults.PayeeServed);
                    registry.Get<ActorKeys.PayeeChannels>().Tell(new PayeeChannelCommands.Delivered(paid.ChannelId, request.RequestId), ActorRefs.NoSender);
                },
                cancellationToken).ConfigureAwait(false);
            if (kept is null)
            {
                yield return Refused(ErrorCodes.Conflict, "This request id was used for another call; choose a new one.");
                yield break;
            }
        }
        else if (kept is null)
        {
            kept = await calls.RunAsync(tool, request.Params, cancellationToken).ConfigureAwait(false);
            outcomes.Keep(caller, request.RequestId, fingerprint, kept);
        }

        yield return Frame(new ToolInvocationFrame { Outcome = kept });
    }

    // Not cancelled with the call: a voucher that may have been journalled must be answered for.
    private async Task<object> TakeAsync(RpcCall call, ToolInvocation request, Contracts.Money.Amount price)
    {
        if (!registry.TryGet<ActorKeys.PayeeChannels>(out var channels))
        {
            return new Refusal(ErrorCodes.ChannelNotFound, "This peer takes no payments.");
        }

        if (request.Voucher!.ChannelId.Length != 32)
        {
            return new Refusal(ErrorCodes.ChannelNotFound, "A voucher names its channel by 32 bytes.");
        }

        try
        {
            var channelId = "0x" + Convert.ToHexStringLower(request.Voucher.ChannelId.Span);
            return await channels.Ask<object>(new PayeeChannelCommands.Accept(channelId, call.Caller.ToString(), request.RequestId, request.Voucher, price), AcceptTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException e)
        {
            throw new RpcException(RpcStatus.Unavailable, "The payment's outcome is not known yet; ask channel.status.", e);
        }
    }

    private static ReadOnlyMemory<byte> Refused(Refusal refusal) => Refused(refusal.Code, refusal.Message);

    private static ReadOnlyMemory<byte> Refused(string code, string message) => Frame(new ToolInvocationFrame { Refused = new ToolRefused { Code = code, Message = message } });

    private static ReadOnlyMemory<byte> Refused(VoucherRefused refused)
    {
        var standing = refused.Standing is not { } channel ? null : new ChannelStanding
        {
            ChannelId = ByteString.CopyFrom(Convert.FromHexString(channel.ChannelId.AsSpan(2))),
            Known = true,
            Open = channel.Open,
            DepositMicro = channel.Deposit.MicroUnits,
            AcceptedMicro = channel.Accepted.MicroUnits,
            SpentMicro = channel.Spent.MicroUnits,
            RequestPaid = channel.RequestPaid,
            RequestMicro = channel.RequestCost.MicroUnits,
        };
        return Frame(new ToolInvocationFrame { Refused = new ToolRefused { Code = refused.Code, Message = refused.Message, Standing = standing } });
    }

    private static ReadOnlyMemory<byte> Frame(ToolInvocationFrame frame) => frame.ToByteArray();
}
