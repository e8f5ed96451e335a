using System.Diagnostics;
using System.Threading.Channels;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>What every call of this peer's tools from outside goes through before it is paid, whichever way it came.</summary>
internal sealed class ToolCalls(PeerServices peer, ToolCatalog catalog)
{
    private const int MaxRequest = 2 * 1024 * 1024;
    private const int MaxRequestId = 128;

    /// <summary>A request of the wire, checked for its size and its request id.</summary>
    /// <exception cref="RpcException">It is too large, no such message, or has no request id.</exception>
    public static TRequest Parse<TRequest>(ReadOnlyMemory<byte> payload, MessageParser<TRequest> parser, Func<TRequest, string> requestIdOf)
        where TRequest : IMessage<TRequest>
    {
        if (payload.Length > MaxRequest)
        {
            throw new RpcException(RpcStatus.ResourceExhausted, $"A tool invocation has at most {MaxRequest} bytes.");
        }

        try
        {
            var request = parser.ParseFrom(payload.Span);
            return requestIdOf(request).Length is >= 1 and <= MaxRequestId
                ? request
                : throw new RpcException(RpcStatus.InvalidArgument, $"A tool invocation has a request id of 1 to {MaxRequestId} characters.");
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new RpcException(RpcStatus.InvalidArgument, $"The payload is no {typeof(TRequest).Name}: {e.Message}", e);
        }
    }

    /// <summary>The tool that is asked for, if it is offered, answers that way, and takes these parameters; else why not.</summary>
    public (RegisteredTool? Tool, Refusal? Refusal) Find(string name, string parameters, bool streams)
    {
        if (peer.Options.Profile != PeerProfile.Full || !catalog.State.Tools.TryGetValue(name, out var tool))
        {
            return (null, new Refusal(ErrorCodes.ToolNotFound, $"This peer offers no tool '{(name.Length <= ToolRules.MaxName ? name : "…")}'; discover again."));
        }

        if (tool.Definition.Streams != streams)
        {
            return (null, new Refusal(ErrorCodes.InvalidParams, streams ? $"'{name}' answers in one piece; call it with tool.invoke." : $"'{name}' streams; call it with tool.stream."));
        }

        return catalog.Schemas.Check(tool.Definition.InputSchema, parameters) is { } invalid ? (null, invalid) : (tool, null);
    }

    /// <summary>Can the tool run now? Asked before money is taken; null when it can.</summary>
    public ValueTask<Refusal?> PrepareAsync(RegisteredTool tool, CancellationToken cancellationToken) =>
        catalog.Runners.For(tool.Provider).PrepareAsync(tool.Definition, tool.Provider.Configuration, cancellationToken);

    /// <summary>This peer's word that it was paid so much for a call, as the caller needs it to rate the call; empty when it was paid nothing.</summary>
    public ByteString ReceiptFor(PeerId payer, string requestId, string tool, Amount paid) => paid.IsZero
        ? ByteString.Empty
        : ByteString.CopyFrom(Ratings.SealReceipt(peer.Identity, payer, requestId, tool, paid, peer.Clock.Next()).Bytes.Span);

    /// <summary>Runs a tool that answers in one piece, with parameters that were checked.</summary>
    public async Task<ToolOutcome> RunAsync(RegisteredTool tool, string parameters, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var run = await catalog.Runners.For(tool.Provider)
            .RunAsync(tool.Definition, tool.Provider.Configuration, parameters.Length == 0 ? "{}" : parameters, cancellationToken)
            .ConfigureAwait(false);
        return new ToolOutcome
        {
            Ok = run.Ok,
            Content = run.Content,
            Structured = run.Structured ?? "",
            Error = run.Error ?? "",
            DurationUs = (ulong)Stopwatch.GetElapsedTime(started).TotalMicroseconds,
        };
    }

    /// <summary>Runs a tool that streams into a queue, which it completes; returns the tool's error.</summary>
    public async Task<string?> PumpAsync(RegisteredTool tool, string parameters, ChannelWriter<string> queue, CancellationToken cancellationToken)
    {
        string? error = null;
        try
        {
            await foreach (var token in catalog.Runners.For(tool.Provider).StreamAsync(tool.Definition, tool.Provider.Configuration, parameters.Length == 0 ? "{}" : parameters, cancellationToken).ConfigureAwait(false))
            {
                if (token.Error is { } failed)
                {
                    error = failed;
                    break;
                }

                await queue.WriteAsync(token.Text, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            error = $"{ErrorCodes.Timeout}: The stream was cut off before the tool had ended.";
        }
        finally
        {
            queue.TryComplete();
        }

        return error;
    }

    /// <summary>What a caller must pay, and on what terms.</summary>
    public PaymentRequired Challenge(ToolDefinition tool) => new()
    {
        PriceMicro = tool.Price.MicroUnits,
        Currency = tool.Price.Currency.Code,
        Terms = CapabilityRecords.TermsOf(peer.Identity, peer.Options),
        Binding = peer.Identity.Binding,
    };
}
