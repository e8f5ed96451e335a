using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.State;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// One call in its session: what local and remote calls share. Whatever happens, the reservation is committed or
/// released with a step that has time, cost and outcome, unless a payment's outcome is unknown.
/// </summary>
internal abstract class ToolCall(InvocationServices services, ToolCommands.Invoke command, string requestId)
{
    private const int TraceCharacters = 16 * 1024;
    private static readonly TimeSpan FirstResolve = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastResolve = TimeSpan.FromMinutes(5);
    private readonly DateTimeOffset _startedAt = services.Peer.Time.GetUtcNow();
    private readonly long _started = services.Peer.Time.GetTimestamp();

    protected InvocationServices Services => services;

    protected ToolCommands.Invoke Command => command;

    /// <summary>Also the reservation's id and the payment's request id.</summary>
    protected string RequestId => requestId;

    /// <summary>When the call began.</summary>
    protected DateTimeOffset StartedAt => _startedAt;

    protected TimeSpan Elapsed => services.Peer.Time.GetElapsedTime(_started);

    protected TimeSpan Left => command.Timeout - Elapsed;

    /// <summary>The call that a command asks for, or why there is none.</summary>
    public static (ToolCall? Call, Refusal? Refusal) Of(InvocationServices services, ToolCommands.Invoke command, string requestId) => Of(
        services, command.ToolId, command.Timeout, (provider, name) => provider == services.Catalog.Self ? new LocalToolCall(services, command, requestId, name) : new RemoteToolCall(services, command, requestId, provider, name));

    /// <summary>The call of the tool that an id names, or why there is none.</summary>
    protected static (ToolCall? Call, Refusal? Refusal) Of(InvocationServices services, string toolId, TimeSpan timeout, Func<PeerId, string, ToolCall> make)
    {
        var slash = toolId.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !PeerId.TryParse(toolId[..slash], out var provider) || !ToolRules.IsName(toolId[(slash + 1)..]))
        {
            return (null, new Refusal(ErrorCodes.ToolNotFound, "A toolId is {peerId}/{name}, as tool.discover gives it."));
        }

        return timeout <= TimeSpan.Zero || timeout > TimeSpan.FromMinutes(10)
            ? (null, new Refusal(ErrorCodes.InvalidParams, "timeoutMs is 1 to 600000."))
            : (make(provider, toolId[(slash + 1)..]), null);
    }

    /// <summary>
    /// Carries the call out. <paramref name="answer"/> gets an <see cref="InvocationResult"/> or a <see cref="Refusal"/>, once;
    /// the task may go on after it while a payment's outcome is being found out.
    /// </summary>
    /// <param name="answer">Told the result.</param>
    /// <param name="deadline">Cancelled when the command's time is over.</param>
    /// <param name="stopping">Cancelled when this peer stops.</param>
    public abstract Task RunAsync(Action<object> answer, CancellationToken deadline, CancellationToken stopping);

    /// <summary>Sets the amount aside; a refusal when the session doesn't let it.</summary>
    protected async Task<Refusal?> ReserveAsync(string reservationId, Amount amount, string? channelKey) =>
        await services.AskSessionAsync(new SessionCommands.Reserve(command.SessionId, reservationId, amount, command.ToolId, channelKey, OutcomeCache.FingerprintOf(command.ToolId, command.Params))).ConfigureAwait(false) switch
        {
            Reserved => null,
            Refusal { Code: ErrorCodes.BudgetExceeded } refusal => refusal with { Message = $"{refusal.Message} The tool costs {amount}; begin a session with a larger budget or choose a cheaper tool." },
            Refusal refusal => refusal,
            var other => new Refusal(ErrorCodes.Internal, $"The session answered with {other.GetType().Name}."),
        };

    /// <summary>Traces a call that failed before anything was reserved.</summary>
    protected async Task<Refusal> RefuseTracedAsync(Refusal refusal) =>
        await ReserveAsync(requestId, Amount.Zero(Currency.Usdc), channelKey: null).ConfigureAwait(false) ?? await ReleaseAsync(refusal).ConfigureAwait(false);

    /// <summary>Releases the reservation with a failed step.</summary>
    protected async Task<Refusal> ReleaseAsync(Refusal refusal, string? reservationId = null)
    {
        await services.AskSessionAsync(new SessionCommands.Release(command.SessionId, reservationId ?? requestId, Step(Amount.Zero(Currency.Usdc), ok: false, $"{refusal.Code}: {refusal.Message}", null))).ConfigureAwait(false);
        return refusal;
    }

    /// <summary>Commits the reservation with what the call gave.</summary>
    protected async Task<object> CommitAsync(bool ok, string content, string? structured, string? error, Amount cost, PaymentReceipt? receipt)
    {
        var answer = await services.AskSessionAsync(new SessionCommands.Commit(command.SessionId, requestId, cost, Step(cost, ok, error, content))).ConfigureAwait(false);
        return answer is Refusal refusal && cost.IsZero ? refusal : new InvocationResult(ok, content, structured, error, Elapsed, cost, receipt);
    }

    /// <summary>What became of this request's payment, once the payee can be asked: accepted or refused.</summary>
    /// <exception cref="OperationCanceledException">This peer stops; the session finds out after its restart.</exception>
    protected async Task<PaymentSettled> ResolveLaterAsync(string channelKey, CancellationToken stopping)
    {
        for (var wait = FirstResolve; ; wait = wait * 2 < LastResolve ? wait * 2 : LastResolve)
        {
            await Task.Delay(wait, services.Peer.Time, stopping).ConfigureAwait(false);
            if (await services.AskChannelAsync(new PayerChannelCommands.Resolve(channelKey, requestId)).ConfigureAwait(false) is PaymentSettled { Outcome: not PaymentOutcome.Unknown } settled)
            {
                return settled;
            }
        }
    }

    /// <summary>A tool of this peer that answers that way, with parameters that fit, reserved at no cost and ready to run; else why not, traced.</summary>
    protected async Task<(RegisteredTool? Tool, Refusal? Refusal)> BeginLocalAsync(string name, bool streams, CancellationToken deadline)
    {
        if (!services.Catalog.State.Tools.TryGetValue(name, out var tool) || tool.Definition.Streams != streams)
        {
            return (null, await RefuseTracedAsync(new Refusal(
                ErrorCodes.ToolNotFound, $"This peer has no tool '{name}' {(streams ? "that streams; tool.list tells which do" : "that answers in one piece; tool.discover lists what there is")}.")).ConfigureAwait(false));
        }

        if (services.Catalog.Schemas.Check(tool.Definition.InputSchema, command.Params) is { } invalid)
        {
            return (null, await RefuseTracedAsync(invalid).ConfigureAwait(false));
        }

        if (await ReserveAsync(requestId, Amount.Zero(tool.Definition.Price.Currency), channelKey: null).ConfigureAwait(false) is { } refused)
        {
            return (null, refused);
        }

        return await services.Catalog.Runners.For(tool.Provider).PrepareAsync(tool.Definition, tool.Provider.Configuration, deadline).ConfigureAwait(false) is { } unready
            ? (null, await ReleaseAsync(unready).ConfigureAwait(false))
            : (tool, null);
    }

    protected Refusal TimedOut(string what = "The tool") =>
        new(ErrorCodes.Timeout, $"{what} did not answer within {command.Timeout.TotalMilliseconds:0} ms; give it a larger timeoutMs.");

    private TraceStep Step(Amount cost, bool ok, string? error, string? output) =>
        new(0, "tool", command.ToolId, _startedAt, Elapsed, cost, ok, error, Cut(command.Params), output is null ? null : Cut(output));

    private static string Cut(string text) => text.Length <= TraceCharacters ? text : text[..TraceCharacters];
}

/// <summary>A call of a tool of this peer: no payment, no wire.</summary>
internal sealed class LocalToolCall(InvocationServices services, ToolCommands.Invoke command, string requestId, string name) : ToolCall(services, command, requestId)
{
    public override async Task RunAsync(Action<object> answer, CancellationToken deadline, CancellationToken stopping) => answer(await RunAsync(deadline).ConfigureAwait(false));

    private async Task<object> RunAsync(CancellationToken deadline)
    {
        try
        {
            var (tool, refusal) = await BeginLocalAsync(name, streams: false, deadline).ConfigureAwait(false);
            if (tool is null)
            {
                return refusal!;
            }

            var (runner, free) = (Services.Catalog.Runners.For(tool.Provider), Amount.Zero(tool.Definition.Price.Currency));
            var run = await runner.RunAsync(tool.Definition, tool.Provider.Configuration, Command.Params.Length == 0 ? "{}" : Command.Params, deadline).ConfigureAwait(false);
            return await CommitAsync(run.Ok, run.Content, run.Structured, run.Error, free, receipt: null).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return await ReleaseAsync(TimedOut()).ConfigureAwait(false);
        }
    }
}
