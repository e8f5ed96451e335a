using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// A call of another peer's tool. A priced one is reserved, then paid by a voucher that goes with the call; a price that
/// isn't known yet comes with the provider's challenge. What became of every voucher is told to its channel.
/// </summary>
internal sealed class RemoteToolCall(InvocationServices services, ToolCommands.Invoke command, string requestId, PeerId provider, string name) : ToolCall(services, command, requestId)
{
    private Task<object>? _settling;

    private string ChannelKey(Currency currency) => $"{provider}:{currency}";

    public override async Task RunAsync(Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        var record = await Services.RecordAsync(provider, name, deadline).ConfigureAwait(false);
        var definition = record?.Find(name);
        if (definition is not null && Services.Catalog.Schemas.Check(definition.InputSchema, Command.Params) is { } invalid)
        {
            answer(await RefuseTracedAsync(invalid).ConfigureAwait(false));
            return;
        }

        if (definition is { Price.IsZero: false } && record is { Payment: { } terms, Binding: { } binding })
        {
            await PayAndCallAsync(definition.Price, terms, binding, answer, deadline, stopping).ConfigureAwait(false);
            return;
        }

        await CallUnpaidAsync(definition?.Price, answer, deadline, stopping).ConfigureAwait(false);
    }

    private async Task CallUnpaidAsync(Amount? known, Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        // The probe has a reservation of its own: once the price is known, the call reserves it under the request's id.
        var free = Amount.Zero(known?.Currency ?? Currency.Usdc);
        var probeId = known is { IsZero: true } ? RequestId : RequestId + "-probe";
        if (await ReserveAsync(probeId, free, channelKey: null).ConfigureAwait(false) is { } refused)
        {
            answer(refused);
            return;
        }

        var attempt = await AttemptAsync(null, free.Currency, deadline).ConfigureAwait(false);
        if (attempt.Challenge is not { } challenge)
        {
            answer(await FinishUnpaidAsync(attempt, probeId, free).ConfigureAwait(false));
            return;
        }

        var (price, wrong) = PriceOf(challenge, known);
        var reason = wrong ?? new Refusal(ErrorCodes.PaymentRequired, $"The provider asked for {price}; it is paid in the next step.");
        await ReleaseAsync(reason, probeId).ConfigureAwait(false);
        if (wrong is not null)
        {
            Services.Store.Forget(provider);
            answer(wrong);
            return;
        }

        await PayAndCallAsync(price, challenge.Terms, challenge.Binding, answer, deadline, stopping).ConfigureAwait(false);
    }

    private async Task<object> FinishUnpaidAsync(RemoteAttempt attempt, string reservationId, Amount free)
    {
        Judge(attempt, paid: null);
        if (attempt.Outcome is not { } outcome)
        {
            return await ReleaseAsync(attempt.WhyNot("The provider gave no outcome."), reservationId).ConfigureAwait(false);
        }

        if (reservationId != RequestId)
        {
            // The tool proved free: its step goes under the request's own id, like every other call's.
            if (await ReserveAsync(RequestId, free, channelKey: null).ConfigureAwait(false) is { } refused)
            {
                return refused;
            }

            await ReleaseAsync(new Refusal(ErrorCodes.PaymentRequired, "No payment was asked for; the next step has the outcome."), reservationId).ConfigureAwait(false);
        }

        return await CommitOutcomeAsync(outcome, free, receipt: null).ConfigureAwait(false);
    }

    private async Task PayAndCallAsync(Amount price, PaymentTerms terms, IdentityBinding binding, Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        var key = ChannelKey(price.Currency);
        if (await ReserveAsync(RequestId, price, key).ConfigureAwait(false) is { } refused)
        {
            answer(refused);
            return;
        }

        var signed = await Services.AskChannelAsync(new PayerChannelCommands.Pay(key, RequestId, price, provider.ToString(), terms, binding, Command.SessionId, name)).ConfigureAwait(false);
        if (signed is not VoucherSigned { Voucher: { } voucher })
        {
            if (signed is Refusal { Code: ErrorCodes.PaymentPending } pending)
            {
                // Nobody knows whether a voucher was signed; it never left this peer.
                answer(pending);
                await SettleAsync(key, PaymentOutcome.Refused).ConfigureAwait(false);
                await ReleaseAsync(pending).ConfigureAwait(false);
                return;
            }

            answer(await ReleaseAsync(signed as Refusal ?? new Refusal(ErrorCodes.Internal, $"The channel answered with {signed.GetType().Name}.")).ConfigureAwait(false));
            return;
        }

        if (deadline.IsCancellationRequested)
        {
            await SettleAsync(key, PaymentOutcome.Refused).ConfigureAwait(false);
            answer(await ReleaseAsync(TimedOut("The payment channel")).ConfigureAwait(false));
            return;
        }

        var attempt = await AttemptAsync(voucher, price.Currency, deadline).ConfigureAwait(false);
        if (attempt.Refused is not null)
        {
            // A refusal may mean that the price changed since its record was made.
            Services.Store.Forget(provider);
        }

        var settlement = await (_settling ?? SettleAsync(key, attempt.Payment)).ConfigureAwait(false);
        await FinishPaidAsync(attempt, settlement, key, price, voucher, answer, deadline, stopping).ConfigureAwait(false);
    }

    private async Task FinishPaidAsync(RemoteAttempt attempt, object settlement, string key, Amount price, Voucher voucher, Action<object> answer, CancellationToken deadline, CancellationToken stopping)
    {
        var settled = settlement as PaymentSettled;
        if (settled is { Outcome: PaymentOutcome.Refused })
        {
            Judge(attempt, paid: null);

            // Served without taking the payment, because the tool has become free, say.
            answer(attempt.Outcome is { } gift
                ? await CommitOutcomeAsync(gift, Amount.Zero(price.Currency), receipt: null).ConfigureAwait(false)
                : await ReleaseAsync(attempt.WhyNot("The provider did not take the payment.")).ConfigureAwait(false));
            return;
        }

        if (settled is null or { Outcome: PaymentOutcome.Unknown })
        {
            Judge(attempt, paid: null);
            answer(new Refusal(ErrorCodes.PaymentPending, $"The call broke off and the provider can't be asked whether it took the payment of {price}; the amount stays reserved until it can. {attempt.WhyNot("").Message}"));
            var resolved = await ResolveLaterAsync(key, stopping).ConfigureAwait(false);
            _ = resolved.Outcome == PaymentOutcome.Accepted
                ? await CommitAsync(false, "", null, LostError(attempt), resolved.Cost, attempt.Receipt).ConfigureAwait(false)
                : await ReleaseAsync(attempt.WhyNot("The provider did not take the payment.")).ConfigureAwait(false);
            return;
        }

        // Paid, but the outcome was lost on the way: the same request with the same voucher is not charged again.
        if (attempt.Outcome is null && Left > TimeSpan.Zero && !deadline.IsCancellationRequested && attempt.Refused is null)
        {
            var again = await AttemptAsync(voucher, price.Currency, deadline, retry: true).ConfigureAwait(false);
            attempt = again with { Receipt = attempt.Receipt ?? again.Receipt, Proof = attempt.Proof ?? again.Proof, Failure = again.Failure ?? attempt.Failure };
        }

        Judge(attempt, settled.Cost);
        answer(attempt.Outcome is { } outcome
            ? await CommitOutcomeAsync(outcome, settled.Cost, attempt.Receipt).ConfigureAwait(false)
            : await CommitAsync(false, "", null, LostError(attempt), settled.Cost, attempt.Receipt).ConfigureAwait(false));
    }

    private Task<RemoteAttempt> AttemptAsync(Voucher? voucher, Currency currency, CancellationToken deadline, bool retry = false) => RemoteAttempt.MakeAsync(
        Services.Peer.Rpc,
        provider,
        new ToolInvocation { RequestId = RequestId, Tool = name, Params = Command.Params, Voucher = voucher },
        currency,
        Left,
        // Settled at once, so that the channel's next voucher need not wait for this tool.
        () => _settling ??= retry ? null : SettleAsync(ChannelKey(currency), PaymentOutcome.Accepted),
        deadline);

    private void Judge(RemoteAttempt attempt, Amount? paid)
    {
        // Whoever takes the money and refuses did not do what it was paid for.
        if ((attempt.WentWell ?? (paid is null ? (bool?)null : false)) is { } ok)
        {
            Services.Tell(new ReputationCommands.Called(provider.ToString(), ok, paid is { } cost ? new PaidCall(cost, StartedAt, attempt.Proof) : null, Command.SessionId));
        }
    }

    private Task<object> SettleAsync(string key, PaymentOutcome outcome) => Services.AskChannelAsync(new PayerChannelCommands.Settle(key, RequestId, outcome));

    private Task<object> CommitOutcomeAsync(ToolOutcome outcome, Amount cost, PaymentReceipt? receipt) => CommitAsync(
        outcome.Ok,
        outcome.Content,
        outcome.Structured.Length > 0 ? outcome.Structured : null,
        outcome.Ok ? null : outcome.Error.Length > 0 ? outcome.Error : ErrorCodes.ToolFailed,
        cost,
        receipt);

    private static (Amount Price, Refusal? Wrong) PriceOf(PaymentRequired challenge, Amount? known)
    {
        if (!Currency.TryParse(challenge.Currency, out var currency) || challenge.PriceMicro is 0 or > Amount.MaxMicroUnits || challenge.Terms is null || challenge.Binding is null)
        {
            return (default, new Refusal(ErrorCodes.PaymentRequired, "The provider asks for a payment but not on terms that can be met; choose another provider."));
        }

        var price = new Amount(challenge.PriceMicro, currency.Value);
        return known is { } said && (said.Currency != price.Currency || said < price)
            ? (price, new Refusal(ErrorCodes.PaymentRequired, $"The provider asks for {price} where its record said {said}; discover the tool again to see its new price, then call it again."))
            : (price, null);
    }

    private static string LostError(RemoteAttempt attempt)
    {
        var why = attempt.WhyNot("The provider gave no outcome.");
        return $"{why.Code}: The provider took the payment, but its outcome was lost. {why.Message}";
    }
}
