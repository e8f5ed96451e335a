using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// Pays for one stream ahead of its tokens: vouchers leave while tokens come, so that no token waits for a round trip, and
/// never for more than the tokens ahead or the stream's limit. Used by one task; vouchers on the way are awaited at the end.
/// </summary>
/// <param name="services">The channel and the network.</param>
/// <param name="channelKey">Which channel pays.</param>
/// <param name="requestId">The stream.</param>
/// <param name="provider">Who is paid.</param>
/// <param name="tool">What its tokens cost.</param>
/// <param name="terms">Limit, tokens ahead and tokens for each voucher.</param>
internal sealed class StreamPayment(InvocationServices services, string channelKey, string requestId, PeerId provider, ToolDefinition tool, ToolCommands.Stream terms) : IDisposable
{
    // Each is a call that the provider answers once it has journalled the voucher.
    private const int MaxOnTheWay = 32;
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(20);
    private readonly SemaphoreSlim _onTheWay = new(MaxOnTheWay);
    private readonly List<Task> _sending = [];
    private long _paidTokens;

    /// <summary>What the stream may cost by the vouchers so far.</summary>
    public Amount Allowed { get; private set; } = Amount.Zero(tool.Price.Currency);

    /// <summary>The provider's receipts.</summary>
    public StreamReceipts Receipts { get; } = new(provider.ToString(), services.Catalog.Self.ToString(), requestId, terms.MaxCost, services.Peer.Time);

    /// <summary>Vouchers signed, the first included.</summary>
    public long Vouchers { get; private set; }

    /// <summary>Why a voucher was not taken; the stream cannot go on.</summary>
    public Refusal? Failure { get; private set; }

    /// <summary>Opens the channel if need be and signs the first voucher; a <see cref="Refusal"/> when there is none.</summary>
    public async Task<object> BeginAsync(PaymentTerms payment, IdentityBinding binding)
    {
        _paidTokens = Payable(terms.TokensAhead);
        var first = tool.CostOf(_paidTokens);
        if (first.IsZero)
        {
            return new Refusal(ErrorCodes.BudgetExceeded, $"One token costs more than the {terms.MaxCost} that the stream may cost; give it a larger maxCost.");
        }

        var signed = await services.AskChannelAsync(new PayerChannelCommands.Pay(channelKey, requestId, first, provider.ToString(), payment, binding, terms.SessionId, Streams: true)).ConfigureAwait(false);
        (Allowed, Vouchers) = (first, 1);
        return signed;
    }

    /// <summary>Tokens have come: signs and sends vouchers for as many more.</summary>
    public async Task PayAheadAsync(long received, CancellationToken cancellationToken)
    {
        var target = Payable(received + terms.TokensAhead);
        while (Failure is null && (target - _paidTokens >= terms.TokensPerVoucher || (target > _paidTokens && target < received + terms.TokensAhead)))
        {
            var next = Math.Min(target, _paidTokens + terms.TokensPerVoucher);
            var cost = tool.CostOf(next);
            _paidTokens = next;
            if (cost == Allowed)
            {
                continue;
            }

            var by = cost - Allowed;
            Allowed = cost;
            await _onTheWay.WaitAsync(cancellationToken).ConfigureAwait(false);
            Vouchers++;
            _sending.RemoveAll(sent => sent.IsCompletedSuccessfully);
            _sending.Add(RaiseAsync(by));
        }
    }

    /// <summary>Waits for the vouchers on the way.</summary>
    public Task EndAsync() => Task.WhenAll(_sending);

    public void Dispose() => _onTheWay.Dispose();

    private async Task RaiseAsync(Amount by)
    {
        try
        {
            if (await services.AskChannelAsync(new MeteringCommands.Raise(channelKey, requestId, by)).ConfigureAwait(false) is not VoucherSigned signed)
            {
                Failure ??= new Refusal(ErrorCodes.PaymentInsufficient, "The channel signs no further voucher for this stream.");
                return;
            }

            var payment = new ToolStreamPayment { RequestId = requestId, Voucher = signed.Voucher, LimitMicro = signed.Price.MicroUnits };
            var answer = await services.Peer.Rpc.CallUnaryAsync(provider, RpcMethods.ToolStreamPay, payment.ToByteArray(), SendTimeout).ConfigureAwait(false);
            var reply = VoucherPaymentReply.Parser.ParseFrom(answer.Span);
            Receipts.Offer(reply.Accepted?.ServiceReceipt ?? ByteString.Empty);
            if (reply.Accepted is null && reply.RefusedCode != ErrorCodes.Conflict)
            {
                // A conflict: the stream ended while the voucher was on its way, and its own frames say how.
                Failure ??= new Refusal(ErrorCodes.ChannelRefused, $"The provider does not take a voucher for this stream: {(reply.RefusedMessage.Length <= 500 ? reply.RefusedMessage : reply.RefusedMessage[..500])}");
            }
        }
        catch (Exception e) when (e is RpcException or InvalidProtocolBufferException)
        {
            Failure ??= new Refusal(ErrorCodes.PeerUnreachable, $"A voucher could not be brought to the provider: {e.Message}");
        }
        finally
        {
            _onTheWay.Release();
        }
    }

    /// <summary>The most tokens, up to <paramref name="tokens"/>, that cost no more than the stream may; at least those paid for.</summary>
    private long Payable(long tokens)
    {
        var (low, high) = (_paidTokens, Math.Max(_paidTokens, tokens));
        while (low < high)
        {
            var middle = low + ((high - low + 1) / 2);
            (low, high) = tool.CostOf(middle) <= terms.MaxCost ? (middle, high) : (low, middle - 1);
        }

        return low;
    }
}
