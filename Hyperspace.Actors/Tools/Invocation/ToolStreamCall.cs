using Akka.Actor;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>A stream in its session: what local and remote streams share.</summary>
internal abstract class ToolStreamCall(InvocationServices services, ToolCommands.Stream command, string requestId, IActorRef asker)
    : ToolCall(services, new ToolCommands.Invoke(command.ToolId, command.Params, command.SessionId, command.Timeout), requestId)
{
    /// <summary>Most tokens ahead.</summary>
    public const int MaxTokensAhead = 10_000;

    private const int TraceCharacters = 16 * 1024;

    // Whoever reads a stream more slowly than that has gone away.
    private static readonly TimeSpan TakeTimeout = TimeSpan.FromSeconds(30);
    private readonly System.Text.StringBuilder _begin = new();

    protected ToolCommands.Stream Terms => command;

    /// <summary>How the stream begins, for the trace.</summary>
    protected string Begin => _begin.ToString();

    /// <summary>The stream that a command asks for, or why there is none.</summary>
    public static (ToolCall? Call, Refusal? Refusal) Of(InvocationServices services, ToolCommands.Stream command, string requestId, IActorRef asker)
    {
        if (command.TokensAhead is < 1 or > MaxTokensAhead || command.TokensPerVoucher < 1 || command.TokensPerVoucher > command.TokensAhead)
        {
            return (null, new Refusal(ErrorCodes.InvalidParams, $"tokensAhead is 1 to {MaxTokensAhead}, tokensPerVoucher 1 to tokensAhead."));
        }

        return Of(services, command.ToolId, command.Timeout, (provider, name) => provider == services.Catalog.Self
            ? new LocalToolStream(services, command, requestId, name, asker)
            : new RemoteToolStream(services, command, requestId, provider, name, asker));
    }

    /// <summary>Hands tokens to the asker and waits until it has taken them; false when it has gone away.</summary>
    protected async Task<bool> DeliverAsync(IReadOnlyList<string> texts, long total, Amount cost, CancellationToken cancellationToken)
    {
        foreach (var text in texts.TakeWhile(_ => _begin.Length < TraceCharacters))
        {
            _begin.Append(text);
        }

        try
        {
            return await asker.Ask<object>(new StreamedTokens(texts, total, cost), TakeTimeout, cancellationToken).ConfigureAwait(false) is TokensTaken;
        }
        catch (AskTimeoutException)
        {
            return false;
        }
    }

    /// <summary>Commits what a stream cost, with how it began as its output.</summary>
    protected async Task<object> CommitStreamAsync(string? error, Amount cost, PaymentReceipt? receipt = null) =>
        await CommitAsync(error is null, Begin, null, error, cost, receipt).ConfigureAwait(false) is InvocationResult result ? result with { Content = "" } : new Refusal(ErrorCodes.Internal, "The session did not take the stream's cost.");
}

/// <summary>A stream of a tool of this peer: no payment, no wire.</summary>
internal sealed class LocalToolStream(InvocationServices services, ToolCommands.Stream command, string requestId, string name, IActorRef asker) : ToolStreamCall(services, command, requestId, asker)
{
    public override async Task RunAsync(Action<object> answer, CancellationToken deadline, CancellationToken stopping) => answer(await RunAsync(deadline).ConfigureAwait(false));

    private async Task<object> RunAsync(CancellationToken deadline)
    {
        try
        {
            var (tool, refusal) = await BeginLocalAsync(name, streams: true, deadline).ConfigureAwait(false);
            if (tool is null)
            {
                return refusal!;
            }

            var (runner, free) = (Services.Catalog.Runners.For(tool.Provider), Amount.Zero(tool.Definition.Price.Currency));
            var total = 0L;
            await foreach (var token in runner.StreamAsync(tool.Definition, tool.Provider.Configuration, Command.Params.Length == 0 ? "{}" : Command.Params, deadline).ConfigureAwait(false))
            {
                if (token.Error is { } error)
                {
                    return await CommitStreamAsync(error, free).ConfigureAwait(false);
                }

                if (!await DeliverAsync([token.Text], ++total, free, deadline).ConfigureAwait(false))
                {
                    return await CommitStreamAsync($"{ErrorCodes.Timeout}: Nobody takes the stream any more.", free).ConfigureAwait(false);
                }
            }

            return await CommitStreamAsync(null, free).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return await ReleaseAsync(TimedOut()).ConfigureAwait(false);
        }
    }
}
