using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Evm;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>What fetches need of their peer.</summary>
/// <param name="Wallet">Signs authorizations.</param>
/// <param name="Client">Sends requests.</param>
/// <param name="Chains">The configured chains.</param>
/// <param name="Time">The clock.</param>
/// <param name="NewNonce">32 random bytes.</param>
/// <param name="Registry">Where the sessions are.</param>
internal sealed record FetchServices(IWallet Wallet, FetchClient Client, IReadOnlyList<ChainOptions> Chains, TimeProvider Time, Func<byte[]> NewNonce, IReadOnlyActorRegistry Registry)
{
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Asks the session; no answer in time is a refusal too.</summary>
    public async Task<object> AskSessionAsync(ISessionMessage message)
    {
        if (!Registry.TryGet<ActorKeys.Sessions>(out var sessions))
        {
            return new Refusal(ErrorCodes.Internal, "This peer keeps no sessions.");
        }

        try
        {
            return await sessions.Ask<object>(message, SessionTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, $"The session did not answer {message.GetType().Name} within {SessionTimeout.TotalSeconds} seconds.");
        }
    }
}

/// <summary>
/// One fetch: asks the server, and if that wants money takes an offer, has the session set the amount aside, has the
/// authorization journalled, and only then sends it. Whatever was sent is settled with the session as soon as its outcome is known.
/// </summary>
/// <param name="services">The peer.</param>
/// <param name="journal">The actor that journals: answers an event with the <see cref="Authorization"/> as it now stands, or a <see cref="Refusal"/>.</param>
/// <param name="command">What the caller wants.</param>
/// <param name="call">The request, checked.</param>
internal sealed class FetchCall(FetchServices services, IActorRef journal, FetchCommands.Fetch command, HttpCall call)
{
    private const int TraceCharacters = 16 * 1024;

    // Servers are known to give one challenge to two calls; the next one is another.
    private const int MaxChallenges = 5;
    private static readonly TimeSpan JournalTimeout = TimeSpan.FromSeconds(30);
    private readonly DateTimeOffset _startedAt = services.Time.GetUtcNow();
    private readonly long _started = services.Time.GetTimestamp();

    /// <summary>What the guard's lists and the trace call fetches from that server.</summary>
    public static string OperationOf(Uri url) => "fetch:" + url.Authority;

    /// <summary>A hash that two requests share only if they are the same.</summary>
    public static string FingerprintOf(FetchCommands.Fetch command) => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(
        new object?[] { command.Method, command.Url, command.Headers.OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => new[] { h.Key, h.Value }), command.Body })));

    /// <summary>Asks the server, and pays if it must be paid; signs an authorization of this number at most.</summary>
    public async Task<object> RunAsync(int number)
    {
        var free = Amount.Zero(command.MaxPrice.Currency);
        switch (await services.AskSessionAsync(new SessionCommands.Check(command.SessionId, OperationOf(call.Url), free)).ConfigureAwait(false))
        {
            case Refusal refusal:
                return refusal;
            case GuardVerdict { Allowed: false } verdict:
                return new Refusal(verdict.Code!, verdict.Reason!);
        }

        for (var attempt = 1; ; attempt++)
        {
            var (answer, failure) = await SendAsync(token => services.Client.SendAsync(call, token)).ConfigureAwait(false);
            if (answer is not { Status: 402 })
            {
                return await FreeAsync(answer, failure).ConfigureAwait(false);
            }

            if (call.Url.Scheme != Uri.UriSchemeHttps && !PublicAddresses.IsLoopback(call.Url.Host))
            {
                return new Refusal(ErrorCodes.PaymentRequired, $"{call.Url.Authority} wants to be paid, but is not reached by https: anybody between could take the payment's place. Nothing was signed.");
            }

            var (offer, chain, none) = Offers.Choose(answer, call.Body ?? [], command.MaxPrice, services.Chains, HasAuthorization, services.Time.GetUtcNow());
            if (none is not null)
            {
                return none;
            }

            var outcome = await PayAsync(number, offer!, chain!).ConfigureAwait(false);
            if (outcome is not Refusal { Code: ErrorCodes.Conflict } || attempt == MaxChallenges)
            {
                return outcome;
            }
        }
    }

    /// <summary>Sends an authorization again that left before, and signs none.</summary>
    public Task<object> RunAgainAsync(Authorization authorization) => SendPaidAsync(authorization, again: true);

    /// <summary>Commits or releases what the session set aside for an authorization whose outcome is known.</summary>
    public static Task<object> SettleAsync(FetchServices services, Authorization known, TraceStep step) => services.AskSessionAsync(
        known.Outcome == FetchOutcome.Paid
            ? new SessionCommands.Commit(known.Signed.SessionId, known.Signed.ReservationId, known.Amount, step)
            : new SessionCommands.Release(known.Signed.SessionId, known.Signed.ReservationId, step));

    private bool HasAuthorization => call.Headers.Keys.Any(h => h.Equals("Authorization", StringComparison.OrdinalIgnoreCase));

    private async Task<object> PayAsync(int number, PaymentOffer offer, ChainOptions chain)
    {
        var amount = new Amount(offer.Micro, command.MaxPrice.Currency);
        var reservationId = NewReservation();
        if (await ReserveAsync(reservationId, amount, FetchCommands.ChannelPrefix + command.IdempotencyKey).ConfigureAwait(false) is { } refused)
        {
            return refused;
        }

        FetchFaults.Hit(FetchFaults.Reserved);
        var transfer = new TransferAuthorization(services.Wallet.Address, offer.Payee, offer.Micro, 0, offer.ValidBefore, offer.Nonce ?? services.NewNonce());
        var domain = new TokenDomain(chain.Token.Name, chain.Token.Version, chain.ChainId, chain.Token.Address.Span);
        var (header, value) = offer.Credential(transfer, services.Wallet.SignDigest(transfer.Digest(domain)));
        var recorded = await RecordAsync(new FetchEvents.Authorized(
            command.IdempotencyKey, number, FingerprintOf(command), command.SessionId, reservationId, call.Url.GetLeftPart(UriPartial.Path), offer.Wire, offer.ChainId, offer.Token,
            services.Wallet.Address.ToArray(), offer.Payee, offer.Micro, amount.Currency.Code, transfer.Nonce.ToArray(), offer.ValidBefore, header, value,
            services.Time.GetUtcNow().ToUnixTimeMilliseconds())).ConfigureAwait(false);
        if (recorded is not Authorization authorization)
        {
            var unwritten = recorded as Refusal ?? new Refusal(ErrorCodes.Internal, "The payment was not journalled, so it was not sent.");
            await services.AskSessionAsync(new SessionCommands.Release(command.SessionId, reservationId, Step(Amount.Zero(amount.Currency), unwritten, null))).ConfigureAwait(false);
            return unwritten;
        }

        FetchFaults.Hit(FetchFaults.Journalled);
        return await SendPaidAsync(authorization, again: false).ConfigureAwait(false);
    }

    private async Task<object> SendPaidAsync(Authorization authorization, bool again)
    {
        var signed = authorization.Signed;
        var (answer, failure) = await SendAsync(token => FetchClient.PayAsync(call, signed.Key, (signed.Header, signed.Credential), token)).ConfigureAwait(false);
        FetchFaults.Hit(FetchFaults.Answered);
        var verdict = answer is null ? null : PaymentVerdict.Of(answer);
        IFetchEvent? happened = verdict switch
        {
            { IsPaid: true } => new FetchEvents.Paid(signed.Key, signed.Number, verdict.Reference),

            // Only the first answer counts as no: a later one may say so because the first was a yes that got lost.
            { IsRefused: true } when !again => new FetchEvents.Refused(signed.Key, signed.Number),
            _ => null,
        };
        var known = happened is null ? authorization : await RecordAsync(happened).ConfigureAwait(false) as Authorization ?? authorization;
        FetchFaults.Hit(FetchFaults.Recorded);
        if (known.Outcome == FetchOutcome.Paid)
        {
            await SettleAsync(services, known, Step(known.Amount, null, answer)).ConfigureAwait(false);
        }

        return (known.Outcome, answer) switch
        {
            (FetchOutcome.Paid, { IsSuccess: true } or { Status: not 402 }) when answer is not null => Response(answer, FetchPayment.Paid, known),
            (FetchOutcome.Refused, not null) => Response(answer, FetchPayment.Refused, known),
            (FetchOutcome.Unclear, { IsSuccess: true }) => Response(answer, FetchPayment.Pending, known),
            (FetchOutcome.Paid, _) => new Refusal(ErrorCodes.AlreadyServed, $"This call was paid ({known.Amount}), but the server does not answer it again{Because(answer, failure)}."),
            _ => new Refusal(
                ErrorCodes.PaymentPending,
                $"A payment of {known.Amount} was sent and it is not known whether it was taken{Because(answer, failure)}. It stays set aside until it has ended ({known.End:O}) and the chain tells. "
                + $"Call again with the idempotency key '{signed.Key}' to send the same payment again; another key would pay twice."),
        };
    }

    private async Task<object> FreeAsync(HttpAnswer? answer, string? failure)
    {
        var free = Amount.Zero(command.MaxPrice.Currency);
        var reservationId = NewReservation();
        var unreachable = answer is null ? new Refusal(ErrorCodes.PeerUnreachable, $"{call.Url.Authority} gave no answer: {failure} Nothing was paid.") : null;
        if (await ReserveAsync(reservationId, free, channelKey: null).ConfigureAwait(false) is { } refused)
        {
            return unreachable ?? refused;
        }

        var step = Step(free, unreachable, answer);
        await services.AskSessionAsync(answer is null
            ? new SessionCommands.Release(command.SessionId, reservationId, step)
            : new SessionCommands.Commit(command.SessionId, reservationId, free, step)).ConfigureAwait(false);
        return unreachable ?? (object)Response(answer!, FetchPayment.None, null);
    }

    private async Task<Refusal?> ReserveAsync(string reservationId, Amount amount, string? channelKey) =>
        await services.AskSessionAsync(new SessionCommands.Reserve(command.SessionId, reservationId, amount, OperationOf(call.Url), channelKey, FingerprintOf(command))).ConfigureAwait(false) switch
        {
            Reserved => null,
            Refusal refusal => refusal,
            var other => new Refusal(ErrorCodes.Internal, $"The session answered with {other.GetType().Name}."),
        };

    private async Task<object> RecordAsync(IFetchEvent happened)
    {
        try
        {
            return await journal.Ask<object>(new FetchRecord(happened), JournalTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.JournalFailed, "The journal of payments did not answer in time, so nothing was sent.");
        }
    }

    private async Task<(HttpAnswer? Answer, string? Failure)> SendAsync(Func<CancellationToken, Task<HttpAnswer>> send)
    {
        using var deadline = new CancellationTokenSource(command.Timeout);
        try
        {
            return (await send(deadline.Token).ConfigureAwait(false), null);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return (null, $"It took longer than {command.Timeout.TotalMilliseconds:0} ms.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (null, (e.InnerException is AddressRefusedException refused ? refused.Message : e.Message).TrimEnd('.') + ".");
        }
    }

    private FetchResponse Response(HttpAnswer answer, FetchPayment payment, Authorization? authorization)
    {
        var isText = Utf8.IsValid(answer.Body);
        return new FetchResponse(
            answer.Status, answer.Headers, isText ? Encoding.UTF8.GetString(answer.Body) : Convert.ToBase64String(answer.Body), !isText, answer.IsCut, payment, authorization?.View(),
            command.IdempotencyKey, services.Time.GetElapsedTime(_started));
    }

    private TraceStep Step(Amount cost, Refusal? refusal, HttpAnswer? answer)
    {
        var ok = refusal is null && answer is { IsSuccess: true };
        var error = refusal is not null ? $"{refusal.Code}: {refusal.Message}" : ok ? null : $"{ErrorCodes.ToolFailed}: The server answered {answer?.Status}.";
        return new TraceStep(
            0, "fetch", OperationOf(call.Url), _startedAt, services.Time.GetElapsedTime(_started), cost, ok, error, Cut($"{call.Method} {call.Url.GetLeftPart(UriPartial.Path)}"),
            answer is null ? null : Cut(Encoding.UTF8.GetString(answer.Body)));
    }

    private static string Because(HttpAnswer? answer, string? failure) => answer is null ? $" ({failure!.TrimEnd('.')})" : $" (the server answered {answer.Status})";

    private static string NewReservation() => $"fetch-{Guid.CreateVersion7():N}";

    private static string Cut(string text) => text.Length <= TraceCharacters ? text : text[..TraceCharacters];
}

/// <summary>Asks the actor to journal an event; answered with the <see cref="Authorization"/> as it then stands, or a <see cref="Refusal"/>.</summary>
internal sealed record FetchRecord(IFetchEvent Event);
