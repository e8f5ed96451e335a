using System.Security.Cryptography;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Tools.Sales;

/// <summary>
/// Serves priced tools for one payment each, by MPP or x402. Everything that can refuse a request without running it is asked
/// before money is taken; what was paid for is run once it is journalled, once, and to its end.
/// </summary>
internal sealed class ToolSeller(ToolCalls calls, ToolCatalog catalog, ChargeDesk desk, SessionSeller sessions, PayerFunds funds, IReadOnlyActorRegistry registry, OutcomeCache outcomes, PaidRuns runs, TimeProvider time)
{
    /// <summary>Where tools are sold.</summary>
    public const string Prefix = "/pay/";

    private static readonly TimeSpan AcceptTimeout = TimeSpan.FromSeconds(10);

    public async Task<SaleAnswer> ServeAsync(SaleRequest request, CancellationToken cancellationToken)
    {
        if (catalog.State.Tools.TryGetValue(request.Tool, out var asked) && asked.Definition is { Streams: true, Price.IsZero: false } && sessions.Takes(asked.Definition))
        {
            return await sessions.ServeAsync(asked, request, cancellationToken).ConfigureAwait(false);
        }

        var (tool, unservable) = calls.Find(request.Tool, request.Parameters, streams: false);
        if (tool is null)
        {
            return SaleAnswers.Refused(unservable!);
        }

        var definition = tool.Definition;
        if (definition.Price.IsZero || !desk.Takes(definition.Price.Currency))
        {
            return SaleAnswers.Refused(new Refusal(ErrorCodes.ToolNotFound, $"'{definition.Name}' is not sold here; call it over a session of a peer."));
        }

        if (request.IdempotencyKeys is not ([] or [{ Length: >= 1 and <= ChargeState.MaxIdempotencyKey }]) || request.IdempotencyKeys.Any(key => key.Any(c => c is < '!' or > '~')))
        {
            return SaleAnswers.Refused(new Refusal(ErrorCodes.InvalidParams, $"Idempotency-Key is given at most once: 1 to {ChargeState.MaxIdempotencyKey} visible ASCII characters."));
        }

        var route = new ChargeRoute(Prefix + definition.Name + request.Query, definition.Price, definition.Description, DigestOf(request.Body.Span));
        var (charge, problem) = Verify(request, route);
        if (charge is null)
        {
            return SaleAnswers.PaymentRequired(problem!, desk.Ask(route, problem!.Detail));
        }

        if (await calls.PrepareAsync(tool, cancellationToken).ConfigureAwait(false) is { } unready)
        {
            return SaleAnswers.Refused(unready with { Code = ErrorCodes.PeerUnreachable });
        }

        if (runs.IsFull)
        {
            return SaleAnswers.Refused(new Refusal(ErrorCodes.PeerUnreachable, "This peer runs as many paid calls as it can; try again when some have ended. Nothing was charged."));
        }

        var fingerprint = OutcomeCache.FingerprintOf(definition.Name, request.Parameters);
        return await TakeAsync(charge, fingerprint, request.IdempotencyKeys is [var key] ? key : null).ConfigureAwait(false) switch
        {
            ChargeAccepted accepted => await RunAsync(tool, request.Parameters, fingerprint, charge, accepted, cancellationToken).ConfigureAwait(false),
            Refusal { Code: ErrorCodes.PaymentInsufficient } refusal => SaleAnswers.PaymentRequired(PaymentProblem.Insufficient(refusal.Message), desk.Ask(route, refusal.Message)),
            Refusal { Code: ErrorCodes.PayerOwes or ErrorCodes.InvalidAmount } refusal => SaleAnswers.PaymentRequired(PaymentProblem.NotVerified(refusal.Message), desk.Ask(route, refusal.Message)),
            Refusal { Code: ErrorCodes.Conflict } refusal when request.IdempotencyKeys.Count == 0 => SaleAnswers.PaymentRequired(PaymentProblem.NotVerified(refusal.Message), desk.Ask(route, refusal.Message)),
            Refusal refusal => SaleAnswers.Refused(refusal),
            var other => throw new InvalidOperationException($"Charges do not answer with {other.GetType().Name}."),
        };
    }

    private (VerifiedCharge? Charge, PaymentProblem? Problem) Verify(SaleRequest request, ChargeRoute route)
    {
        var mpp = request.Authorization.Where(MppCredential.IsPayment).ToList();
        return (mpp, request.PaymentSignature) switch
        {
            ([], []) => (null, PaymentProblem.Required($"'{route.Path}' costs {route.Price}; answer one of the challenges.")),
            ([var credential], []) => desk.VerifyMpp(credential, route),
            ([], [var payment]) => desk.VerifyX402(payment, route),
            _ => (null, PaymentProblem.Malformed("A request is paid once: by one Authorization: Payment, or by one PAYMENT-SIGNATURE.")),
        };
    }

    // Not cancelled with the request: a payment that may have been journalled must be answered for.
    private async Task<object> TakeAsync(VerifiedCharge charge, string fingerprint, string? idempotencyKey)
    {
        var authorization = charge.Authorization;
        try
        {
            var held = await funds.OfAsync(authorization.ChainId, authorization.Value.Currency, authorization.From).ConfigureAwait(false);
            return await registry.Get<ActorKeys.Charges>()
                .Ask<object>(new ChargeCommands.Accept(authorization.PayerKey, authorization, fingerprint, idempotencyKey, held), AcceptTimeout)
                .ConfigureAwait(false);
        }
        catch (IOException)
        {
            return new Refusal(ErrorCodes.PeerUnreachable, "The chain cannot be asked now whether the payment is covered; try again. Nothing was charged.");
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.PaymentPending, "It is not known yet whether the payment counts; send the same credential again, do not sign another one.");
        }
    }

    private async Task<SaleAnswer> RunAsync(RegisteredTool tool, string parameters, string fingerprint, VerifiedCharge charge, ChargeAccepted accepted, CancellationToken cancellationToken)
    {
        var (payer, payment) = (accepted.PayerKey, accepted.PaymentId);
        var outcome = outcomes.Find(payer, payment, fingerprint).Outcome;
        if (outcome is null && accepted.WasServed)
        {
            return SaleAnswers.Refused(new Refusal(ErrorCodes.AlreadyServed, "This request was paid and served before, and its result is no longer kept; it was not charged again."));
        }

        byte[]? body = null;
        outcome ??= await runs.JoinAsync(
            payer,
            payment,
            fingerprint,
            async limit =>
            {
                var ran = await calls.RunAsync(tool, parameters, limit).ConfigureAwait(false);
                body = SaleAnswers.BodyOf(ran);
                return ran;
            },
            () =>
            {
                ChargeFaults.Hit(ChargeFaults.Ran);
                registry.Get<ActorKeys.Charges>().Tell(new ChargeCommands.Served(payer, payment, 200, SaleAnswers.HashOf(body ?? [])), ActorRefs.NoSender);
            },
            cancellationToken).ConfigureAwait(false);
        return outcome is null
            ? throw new InvalidOperationException("A payment cannot be for two requests.")
            : SaleAnswers.Served(body ?? SaleAnswers.BodyOf(outcome), charge, payment, time.GetUtcNow());
    }

    private static string? DigestOf(ReadOnlySpan<byte> body) => body.IsEmpty ? null : $"sha-256=:{Convert.ToBase64String(SHA256.HashData(body))}:";
}
