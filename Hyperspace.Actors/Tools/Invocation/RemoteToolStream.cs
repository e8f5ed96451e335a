using Akka.Actor;
using Google.Protobuf;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// A stream of another peer's tool, paid by the token. What it may cost is set aside in the session; what it has cost by the
/// provider's word is committed at its end: no less than the tokens that came, no more than it was allowed.
/// </summary>
internal sealed class RemoteToolStream(InvocationServices services, ToolCommands.Stream command, string requestId, PeerId provider, string name, IActorRef asker) : ToolStreamCall(services, command, requestId, asker)
{
    private static readonly Refusal NobodyReads = new(ErrorCodes.Timeout, "Nobody takes the stream any more.");

    private long _total;
    private ToolTokens? _last;
    private ulong? _chargedMicro;

    public override async Task RunAsync(Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        var record = await Services.RecordAsync(provider, name, deadline).ConfigureAwait(false);
        if (record?.Find(name) is not { } tool)
        {
            answer(await RefuseTracedAsync(new Refusal(ErrorCodes.ToolNotFound, $"The provider is not known to offer '{name}', or cannot be reached; discover the tool again.")).ConfigureAwait(false));
            return;
        }

        var objection = !tool.Streams ? new Refusal(ErrorCodes.InvalidParams, $"'{name}' answers in one piece; call it with tool.invoke.")
            : Services.Catalog.Schemas.Check(tool.InputSchema, Command.Params) is { } invalid ? invalid
            : tool.Price.Currency != Terms.MaxCost.Currency ? new Refusal(ErrorCodes.InvalidAmount, $"The tool is priced in {tool.Price.Currency}; give maxCost in it.")
            : null;
        if (objection is not null)
        {
            answer(await RefuseTracedAsync(objection).ConfigureAwait(false));
            return;
        }

        if (tool.Price.IsZero)
        {
            answer(await StreamFreeAsync(tool, deadline).ConfigureAwait(false));
        }
        else if (record is { Payment: { } terms, Binding: { } binding })
        {
            await StreamPaidAsync(tool, terms, binding, answer, deadline, stopping).ConfigureAwait(false);
        }
        else
        {
            answer(await RefuseTracedAsync(new Refusal(ErrorCodes.PaymentRequired, "The provider's record does not say how it is paid; discover the tool again.")).ConfigureAwait(false));
        }
    }

    private async Task<object> StreamFreeAsync(ToolDefinition tool, CancellationToken deadline)
    {
        var free = Amount.Zero(tool.Price.Currency);
        if (await ReserveAsync(RequestId, free, channelKey: null).ConfigureAwait(false) is { } refused)
        {
            return refused;
        }

        var error = await ReadAsync(new ToolStreamRequest { RequestId = RequestId, Tool = name, Params = Command.Params }, tool, payment: null, deadline).ConfigureAwait(false);
        Judge(error, free, receipt: null);
        return _total == 0 && error is not null ? await ReleaseAsync(error).ConfigureAwait(false) : await CommitStreamAsync(Text(error), free).ConfigureAwait(false);
    }

    private async Task StreamPaidAsync(ToolDefinition tool, PaymentTerms terms, IdentityBinding binding, Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        var key = $"{provider}:{tool.Price.Currency}";
        if (await ReserveAsync(RequestId, Terms.MaxCost, key).ConfigureAwait(false) is { } refused)
        {
            answer(refused);
            return;
        }

        using var payment = new StreamPayment(Services, key, RequestId, provider, tool, Terms);
        var begun = await payment.BeginAsync(terms, binding).ConfigureAwait(false);
        if (begun is not VoucherSigned signed)
        {
            if (begun is Refusal { Code: ErrorCodes.PaymentPending })
            {
                // Nobody knows whether a voucher was signed; it never left this peer.
                await Services.AskChannelAsync(new PayerChannelCommands.Settle(key, RequestId, PaymentOutcome.Refused)).ConfigureAwait(false);
            }

            answer(await ReleaseAsync(begun as Refusal ?? new Refusal(ErrorCodes.Internal, $"The channel answered with {begun.GetType().Name}.")).ConfigureAwait(false));
            return;
        }

        var request = new ToolStreamRequest { RequestId = RequestId, Tool = name, Params = Command.Params, Voucher = signed.Voucher, LimitMicro = payment.Allowed.MicroUnits };
        var error = await ReadAsync(request, tool, payment, deadline).ConfigureAwait(false);
        await payment.EndAsync().ConfigureAwait(false);

        // Tokens that were paid and lost on the way are among what was charged; if the stream broke, the provider's journal is asked.
        var settled = await Services.AskChannelAsync(_chargedMicro is { } charged
            ? new MeteringCommands.SettleStream(key, RequestId, new Amount(Math.Min(Math.Max(charged, tool.CostOf(_total).MicroUnits), payment.Allowed.MicroUnits), tool.Price.Currency))
            : new PayerChannelCommands.Settle(key, RequestId, PaymentOutcome.Unknown)).ConfigureAwait(false);
        if (settled is PaymentSettled { Outcome: not PaymentOutcome.Unknown } known)
        {
            Judge(error, known.Cost, payment.Receipts.Best);
            answer(await CommitStreamAsync(Text(error), known.Cost, ReceiptOf(signed.Voucher, known.Cost)).ConfigureAwait(false));
            return;
        }

        answer(new Refusal(ErrorCodes.PaymentPending, $"The stream broke off after {_total} tokens, and the provider can't be asked what it has charged; {Terms.MaxCost} stays reserved until it can. {error?.Message}"));
        var (cost, receipt) = ((await ResolveLaterAsync(key, stopping).ConfigureAwait(false)).Cost, payment.Receipts.Best);
        Judge(error, cost, receipt);
        await CommitStreamAsync(Text(error), cost).ConfigureAwait(false);
    }

    /// <summary>Reads the stream to its end; returns why it broke, or null.</summary>
    private async Task<Refusal?> ReadAsync(ToolStreamRequest request, ToolDefinition tool, StreamPayment? payment, CancellationToken deadline)
    {
        try
        {
            await foreach (var bytes in Services.Peer.Rpc.CallAsync(provider, RpcMethods.ToolStream, request.ToByteArray(), Left, deadline).ConfigureAwait(false))
            {
                var frame = ToolStreamFrame.Parser.ParseFrom(bytes.Span);
                switch (frame.FrameCase)
                {
                    case ToolStreamFrame.FrameOneofCase.Tokens:
                        if (await TakeAsync(frame.Tokens, tool, payment, deadline).ConfigureAwait(false) is { } broken)
                        {
                            return broken;
                        }

                        break;
                    case ToolStreamFrame.FrameOneofCase.VoucherNeeded when payment is not null && frame.VoucherNeeded.LimitMicro > payment.Allowed.MicroUnits:
                        payment.Receipts.Offer(frame.VoucherNeeded.ServiceReceipt);
                        return new Refusal(ErrorCodes.BudgetExceeded, $"The stream has come to its maxCost of {Terms.MaxCost}; give the next one more.");
                    case ToolStreamFrame.FrameOneofCase.Ended:
                        _chargedMicro = frame.Ended.CostMicro;
                        payment?.Receipts.Offer(frame.Ended.ServiceReceipt);
                        return frame.Ended.Ok ? null : new Refusal(ErrorCodes.ToolFailed, Cut(frame.Ended.Error));
                    case ToolStreamFrame.FrameOneofCase.Refused:
                        _chargedMicro = 0;
                        Services.Store.Forget(provider);
                        return new Refusal(frame.Refused.Code.Length is > 0 and <= 64 ? frame.Refused.Code : ErrorCodes.ToolFailed, Cut(frame.Refused.Message));
                    case ToolStreamFrame.FrameOneofCase.PaymentRequired:
                        Services.Store.Forget(provider);
                        return new Refusal(ErrorCodes.PaymentRequired, "The provider asks for a payment that its record did not; discover the tool again.");
                    default:
                        // Vouchers are on their way, or a frame of a later version.
                        break;
                }
            }

            return new Refusal(ErrorCodes.PeerUnreachable, "The provider ended the stream without saying how it ended.");
        }
        catch (RpcException e)
        {
            return deadline.IsCancellationRequested ? TimedOut("The stream") : new Refusal(ErrorCodes.PeerUnreachable, $"The stream broke: {e.Message}");
        }
        catch (InvalidProtocolBufferException e)
        {
            return new Refusal(ErrorCodes.PeerUnreachable, $"The provider's answer is not of the protocol: {e.Message}");
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return TimedOut("The stream");
        }
    }

    private async Task<Refusal?> TakeAsync(ToolTokens tokens, ToolDefinition tool, StreamPayment? payment, CancellationToken deadline)
    {
        (_total, _last) = (_total + tokens.Texts.Count, tokens);
        if (payment is not null)
        {
            await payment.PayAheadAsync(_total, deadline).ConfigureAwait(false);
            if (payment.Failure is { } failure)
            {
                return failure;
            }
        }

        return await DeliverAsync(tokens.Texts, _total, tool.CostOf(_total), deadline).ConfigureAwait(false) ? null : NobodyReads;
    }

    /// <summary>Tells what came of the stream, unless that is not the provider's doing. Whoever was paid and gave no token did not do what it was paid for.</summary>
    private void Judge(Refusal? error, Amount cost, byte[]? receipt)
    {
        var broken = error is not null && !ReferenceEquals(error, NobodyReads) && error.Code is ErrorCodes.Timeout or ErrorCodes.PeerUnreachable or ErrorCodes.ToolFailed;
        if (broken || _total > 0 || !cost.IsZero || error is null)
        {
            var paid = cost.IsZero ? null : new PaidCall(cost, StartedAt, receipt, InParts: true);
            Services.Tell(new ReputationCommands.Called(provider.ToString(), !broken && (_total > 0 || cost.IsZero), paid, Command.SessionId));
        }
    }

    /// <summary>What the provider said of the channel with its last tokens; null when nothing was paid, or that can't be.</summary>
    private PaymentReceipt? ReceiptOf(Voucher first, Amount cost) =>
        cost.IsZero || _last is not { AcceptedMicro: <= Amount.MaxMicroUnits } last || last.SpentMicro > last.AcceptedMicro
            ? null
            : new PaymentReceipt(ChannelIds.ToText(first.ChannelId.Span), RequestId, new Amount(last.AcceptedMicro, cost.Currency), new Amount(last.SpentMicro, cost.Currency));

    private static string? Text(Refusal? error) => error is null ? null : $"{error.Code}: {error.Message}";

    private static string Cut(string text) => text.Length <= 2000 ? text : text[..2000];
}
