using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Metering;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.Sessions;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Tools;

namespace Hyperspace.Actors.Tools.Sales;

/// <summary>
/// Serves tools that stream to HTTP clients that pay by the token: vouchers of a channel in an escrow, tokens as server-sent
/// events. The stream stands still when the voucher runs short, says so, and goes on when another comes by POST to the same URL.
/// </summary>
internal sealed class SessionSeller(ToolCalls calls, SessionDesk desk, IReadOnlyActorRegistry registry, TimeProvider time)
{
    private const string OnChainPayer = "eip155:";
    private const int SuggestedTokens = 1000;
    private int _running;

    /// <summary>True when streams in this tool's currency can be paid for.</summary>
    public bool Takes(ToolDefinition definition) => desk.Takes(definition.Price.Currency);

    public async Task<SaleAnswer> ServeAsync(RegisteredTool tool, SaleRequest request, CancellationToken cancellationToken)
    {
        var definition = tool.Definition;
        var route = new SessionRoute(
            ToolSeller.Prefix + definition.Name + request.Query,
            definition.CostOf(1),
            definition.CostOf(SuggestedTokens),
            definition.Description,
            request.PaymentSession is [var hinted] && ChannelIds.IsText(hinted) ? hinted : null);
        var given = request.Authorization.Where(MppCredential.IsPayment).ToList();
        if (given is not [var header])
        {
            return calls.Find(definition.Name, request.Parameters, streams: true).Refusal is { } unservable
                ? SaleAnswers.Refused(unservable)
                : Ask(route, given.Count == 0 ? PaymentProblem.Required($"'{route.Path}' streams tokens at {definition.Price} per {definition.PerTokens}; answer one of the challenges.") : PaymentProblem.Malformed("A request has one credential."));
        }

        var (credential, problem) = desk.Read(header, route);
        if (credential is null)
        {
            return Ask(route, problem!);
        }

        // A POST without a body carries a voucher for a stream that runs, and asks for nothing else.
        var isContent = credential.Action is SessionAction.Open or SessionAction.Voucher && !request.IsBarePost;
        if (isContent && (calls.Find(definition.Name, request.Parameters, streams: true).Refusal ?? await calls.PrepareAsync(tool, cancellationToken).ConfigureAwait(false)) is { } refusal)
        {
            return SaleAnswers.Refused(refusal);
        }

        return await SettleInAsync(credential).ConfigureAwait(false) switch
        {
            PayeeChannelView view when view.Deposit.Currency != definition.Price.Currency => Ask(route, PaymentProblem.NotVerified("The channel holds another currency than the tool's price.")),
            PayeeChannelView view when isContent => Stream(tool, request.Parameters, credential, view, cancellationToken),
            PayeeChannelView view => Receipt(credential, view),
            VoucherRefused { Code: ErrorCodes.PaymentInsufficient or ErrorCodes.PaymentOverDeposit } refused => Ask(route, PaymentProblem.Insufficient(refused.Message)),
            VoucherRefused refused => Ask(route, PaymentProblem.NotVerified(refused.Message)),
            Refusal { Code: ErrorCodes.ChannelNotFound or ErrorCodes.ChannelRefused } refused => Ask(route, PaymentProblem.NotVerified(refused.Message)),
            Refusal refused => SaleAnswers.Refused(refused),
            var other => throw new InvalidOperationException($"A payee's channel does not answer with {other.GetType().Name}."),
        };
    }

    private SaleAnswer Ask(SessionRoute route, PaymentProblem problem) => SaleAnswers.PaymentRequired(problem, desk.Ask(route));

    /// <summary>Opens the channel as the chain has it, and does what the credential wants; the channel as it stands then, or why not.</summary>
    private async Task<object> SettleInAsync(SessionCredential credential)
    {
        var opened = await AskAsync(new PayeeChannelCommands.OpenOnChain(credential.ChannelId, credential.ChainId, credential.Profile.Domain)).ConfigureAwait(false);
        if (opened is not PayeeChannelView view)
        {
            return opened;
        }

        // Who names itself by a peer id pays over rpc; nobody who saw its vouchers spends its balance here.
        if (!view.PayerPeerId.StartsWith(OnChainPayer, StringComparison.Ordinal))
        {
            return new Refusal(ErrorCodes.ChannelRefused, "This channel is paid over between peers; open another one for HTTP.");
        }

        var done = await AskAsync(credential.Action switch
        {
            SessionAction.TopUp => new PayeeChannelCommands.TopUp(credential.ChannelId, view.PayerPeerId, view.Deposit.MicroUnits),
            SessionAction.Close => new PayeeChannelCommands.Close(credential.ChannelId, view.PayerPeerId, credential.Voucher),
            _ => new PayeeChannelCommands.Take(credential.ChannelId, view.PayerPeerId, credential.Voucher!),
        }).ConfigureAwait(false);
        return done is VoucherAccepted accepted ? view with { Accepted = accepted.Accepted, Spent = accepted.Spent } : done;
    }

    private SaleAnswer Receipt(SessionCredential credential, PayeeChannelView view)
    {
        var receipt = SessionEvents.ReceiptOf(credential, view.Accepted, view.Spent, tokens: null, time.GetUtcNow());
        return new SaleAnswer(200, [("Cache-Control", "private"), (MppReceipt.Header, receipt.ToHeader())], "application/json", Encoding.UTF8.GetBytes(receipt.ToJson().ToJsonString()));
    }

    private SaleAnswer Stream(RegisteredTool tool, string parameters, SessionCredential credential, PayeeChannelView view, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _running) >= ToolStreamHandler.Capacity)
        {
            return SaleAnswers.Refused(new Refusal(ErrorCodes.RateLimited, $"This peer serves {ToolStreamHandler.Capacity} streams already; try again when some have ended."));
        }

        return new SaleAnswer(200, [("Cache-Control", "no-cache, no-transform, private")], SessionEvents.ContentType, ReadOnlyMemory<byte>.Empty)
        {
            Stream = EventsAsync(tool, parameters, credential, view, cancellationToken),
        };
    }

    private async IAsyncEnumerable<string> EventsAsync(
        RegisteredTool tool, string parameters, SessionCredential credential, PayeeChannelView view, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (accepted, spent, tokens) = (view.Accepted, view.Spent, 0L);
        string? error = null;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var queue = Channel.CreateBounded<string>(new BoundedChannelOptions(ToolStreamHandler.MaxAhead) { SingleReader = true, SingleWriter = true });
        Interlocked.Increment(ref _running);
        var pump = calls.PumpAsync(tool, parameters, queue.Writer, stop.Token);
        string? failed = null;
        try
        {
            var meter = new TokenMeter(
                registry.Get<ActorKeys.PayeeChannels>(), credential.ChannelId, view.PayerPeerId, Guid.NewGuid().ToString("N"), tool.Definition.CostOf, ToolStreamHandler.Patience, null, time);
            await foreach (var happened in meter.RunAsync(queue.Reader, cancellationToken).ConfigureAwait(false))
            {
                switch (happened)
                {
                    case MeteredEvent.Paid paid:
                        (accepted, spent, tokens) = (paid.Accepted, paid.Spent, paid.Tokens);
                        yield return string.Concat(paid.Texts.Select(SessionEvents.Message));
                        break;
                    case MeteredEvent.VoucherNeeded needed:
                        yield return SessionEvents.NeedVoucher(credential.ChannelId, needed.Required, needed.Accepted, needed.Deposit);
                        break;
                    case MeteredEvent.Stopped stopped:
                        error = $"{stopped.Refusal.Code}: {stopped.Refusal.Message}";
                        break;
                    default:
                        throw new InvalidOperationException("A stream without an allowance of its own has three kinds of events.");
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            await stop.CancelAsync().ConfigureAwait(false);
            failed = await pump.ConfigureAwait(false);
        }

        if ((error ?? failed) is { } reason)
        {
            yield return SessionEvents.Error(reason[..Math.Max(0, reason.IndexOf(':', StringComparison.Ordinal))], reason);
        }

        yield return SessionEvents.Receipt(SessionEvents.ReceiptOf(credential, accepted, spent, tokens, time.GetUtcNow()));
    }

    // Not cancelled with the request: a voucher that may have been journalled must be answered for.
    private async Task<object> AskAsync(IPayeeChannelMessage message)
    {
        try
        {
            return await registry.Get<ActorKeys.PayeeChannels>().Ask<object>(message, ChannelLimits.AskTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, "The channel did not answer in time; send the same credential again.");
        }
    }
}
