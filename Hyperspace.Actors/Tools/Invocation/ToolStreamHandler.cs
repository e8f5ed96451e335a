using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Metering;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// The provider's side of <c>tool.stream</c>: tokens leave once the channel has paid for them, and the tool is held back while
/// vouchers are short. A request id is served once: what was metered under it before is not an entry to a second run.
/// </summary>
internal sealed class ToolStreamHandler(ToolCalls calls, IReadOnlyActorRegistry registry, TimeProvider time)
{
    /// <summary>Most streams at once; each holds a tool and a queue.</summary>
    public const int Capacity = 256;

    /// <summary>Tokens that a tool may be ahead of what was delivered.</summary>
    public const int MaxAhead = 256;

    /// <summary>How long a stream waits for a voucher.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>How often vouchers bring a receipt at most: a signature for each token would take a third of them.</summary>
    public static readonly TimeSpan ReceiptInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<(PeerId Caller, string RequestId), RunningStream> _running = new();

    /// <summary>A stream that is being served: which channel pays, how much of it it may use, and what it has spent.</summary>
    private sealed class RunningStream(ToolDefinition tool, string channelId, StreamAllowance allowance)
    {
        private readonly Lock _gate = new();
        private long _spentMicro;
        private long? _receipted;

        public ToolDefinition Tool => tool;

        public string ChannelId => channelId;

        public StreamAllowance Allowance => allowance;

        /// <summary>What was journalled as spent; vouchers come while it grows.</summary>
        public Amount Spent
        {
            get => new((ulong)Interlocked.Read(ref _spentMicro), tool.Price.Currency);
            set => Interlocked.Exchange(ref _spentMicro, (long)value.MicroUnits);
        }

        /// <summary>Whether a voucher brings a receipt: with the first one after something was spent, then every so often.</summary>
        public bool TakeReceipt(TimeProvider time)
        {
            lock (_gate)
            {
                var due = !Spent.IsZero && (_receipted is not { } last || time.GetElapsedTime(last) >= ReceiptInterval);
                _receipted = due ? time.GetTimestamp() : _receipted;
                return due;
            }
        }
    }

    /// <summary>Serves <c>tool.stream</c>.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> StreamAsync(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = ToolCalls.Parse(call.Payload, ToolStreamRequest.Parser, r => r.RequestId);
        var (tool, refusal) = calls.Find(request.Tool, request.Params, streams: true);
        if (tool is null)
        {
            yield return Refused(refusal!);
            yield break;
        }

        var free = tool.Definition.Price.IsZero;
        if (!free && request.Voucher is null)
        {
            yield return Frame(new ToolStreamFrame { PaymentRequired = calls.Challenge(tool.Definition) });
            yield break;
        }

        if (await calls.PrepareAsync(tool, cancellationToken).ConfigureAwait(false) is { } unready)
        {
            yield return Refused(unready);
            yield break;
        }

        if (_running.Count >= Capacity)
        {
            yield return Refused(new Refusal(ErrorCodes.RateLimited, $"This peer serves {Capacity} streams already; try again when some have ended."));
            yield break;
        }

        var stream = new RunningStream(tool.Definition, ChannelIds.ToText(request.Voucher is { } first ? first.ChannelId.Span : default), new StreamAllowance(Limit(request.LimitMicro, tool.Definition.Price.Currency)));
        if (!_running.TryAdd((call.Caller, request.RequestId), stream))
        {
            yield return Refused(new Refusal(ErrorCodes.Conflict, "A stream of this request id is running; choose a new one."));
            yield break;
        }

        try
        {
            if (!free && await AdmitAsync(call.Caller.ToString(), stream.ChannelId, request).ConfigureAwait(false) is { } objection)
            {
                yield return Refused(objection);
                yield break;
            }

            await foreach (var frame in DeliverAsync(call.Caller, request, stream, tool, cancellationToken).ConfigureAwait(false))
            {
                yield return Frame(frame);
            }
        }
        finally
        {
            _running.TryRemove((call.Caller, request.RequestId), out _);
        }
    }

    /// <summary>Serves <c>tool.stream.pay</c>: takes the voucher, then lets the stream use it.</summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> PayAsync(RpcCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var payment = ToolCalls.Parse(call.Payload, ToolStreamPayment.Parser, p => p.RequestId);
        if (payment.Voucher is null || !_running.TryGetValue((call.Caller, payment.RequestId), out var stream) || ChannelIds.ToText(payment.Voucher.ChannelId.Span) != stream.ChannelId)
        {
            yield return new VoucherPaymentReply { RefusedCode = ErrorCodes.Conflict, RefusedMessage = "No stream of this request id is running that is paid over this channel; the voucher was not taken." }.ToByteArray();
            yield break;
        }

        switch (await TakeAsync(stream.ChannelId, call.Caller.ToString(), payment.Voucher).ConfigureAwait(false))
        {
            case VoucherAccepted accepted:
                stream.Allowance.Raise(Limit(payment.LimitMicro, accepted.Accepted.Currency));
                yield return new VoucherPaymentReply
                {
                    Accepted = new PaymentAccepted
                    {
                        ChannelId = payment.Voucher.ChannelId,
                        RequestId = payment.RequestId,
                        AcceptedMicro = accepted.Accepted.MicroUnits,
                        SpentMicro = accepted.Spent.MicroUnits,
                        ServiceReceipt = stream.TakeReceipt(time) ? ReceiptFor(call.Caller, payment.RequestId, stream) : ByteString.Empty,
                    },
                }.ToByteArray();
                break;
            case VoucherRefused refused:
                yield return new VoucherPaymentReply { RefusedCode = refused.Code, RefusedMessage = refused.Message, RequiredMicro = refused.Required?.MicroUnits ?? 0 }.ToByteArray();
                break;
            case Refusal refusal:
                yield return new VoucherPaymentReply { RefusedCode = refusal.Code, RefusedMessage = refusal.Message }.ToByteArray();
                break;
            case var other:
                throw new InvalidOperationException($"A payee's channel does not answer with {other.GetType().Name}.");
        }
    }

    private async IAsyncEnumerable<ToolStreamFrame> DeliverAsync(PeerId caller, ToolStreamRequest request, RunningStream stream, RegisteredTool tool, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var (total, cost, error) = (0L, tool.Definition.CostOf(0), (string?)null);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var queue = Channel.CreateBounded<string>(new BoundedChannelOptions(MaxAhead) { SingleReader = true, SingleWriter = true });
        var pump = calls.PumpAsync(tool, request.Params, queue.Writer, stop.Token);
        string? failed = null;
        try
        {
            await foreach (var happened in Events(caller, request.RequestId, stream, tool.Definition, queue.Reader, cancellationToken).ConfigureAwait(false))
            {
                switch (happened)
                {
                    case MeteredEvent.Paid paid:
                        (total, cost, stream.Spent) = (paid.Tokens, paid.Cost, paid.Cost);
                        yield return new ToolStreamFrame
                        {
                            Tokens = new ToolTokens { Texts = { paid.Texts }, Total = (ulong)total, CostMicro = cost.MicroUnits, AcceptedMicro = paid.Accepted.MicroUnits, SpentMicro = paid.Spent.MicroUnits },
                        };
                        break;
                    case MeteredEvent.VoucherNeeded needed:
                        yield return new ToolStreamFrame { VoucherNeeded = new VoucherNeeded { RequiredMicro = needed.Required.MicroUnits } };
                        break;
                    case MeteredEvent.AllowanceNeeded needed:
                        yield return new ToolStreamFrame { VoucherNeeded = new VoucherNeeded { LimitMicro = needed.Required.MicroUnits, ServiceReceipt = ReceiptFor(caller, request.RequestId, stream) } };
                        break;
                    case MeteredEvent.Stopped stopped:
                        error = $"{stopped.Refusal.Code}: {stopped.Refusal.Message}";
                        break;
                    default:
                        throw new InvalidOperationException("A metered stream has four kinds of events.");
                }
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            failed = await pump.ConfigureAwait(false);
        }

        error ??= failed;
        yield return new ToolStreamFrame
        {
            Ended = new ToolStreamEnded
            {
                Ok = error is null,
                Error = error ?? "",
                Total = (ulong)total,
                CostMicro = cost.MicroUnits,
                DurationUs = (ulong)Stopwatch.GetElapsedTime(started).TotalMicroseconds,
                ServiceReceipt = ReceiptFor(caller, request.RequestId, stream),
            },
        };
    }

    private IAsyncEnumerable<MeteredEvent> Events(PeerId caller, string requestId, RunningStream stream, ToolDefinition tool, ChannelReader<string> tokens, CancellationToken cancellationToken) => tool.Price.IsZero
        ? FreeAsync(tokens, tool, cancellationToken)
        : new TokenMeter(registry.Get<ActorKeys.PayeeChannels>(), stream.ChannelId, caller.ToString(), requestId, tool.CostOf, Patience, stream.Allowance, time).RunAsync(tokens, cancellationToken);

    private static async IAsyncEnumerable<MeteredEvent> FreeAsync(ChannelReader<string> tokens, ToolDefinition tool, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (count, nothing) = (0L, tool.CostOf(0));
        await foreach (var token in tokens.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return new MeteredEvent.Paid([token], ++count, nothing, nothing, nothing);
        }
    }

    /// <summary>Takes the first voucher, and makes sure that nothing was metered under this request id before; null when the stream may begin.</summary>
    private async Task<Refusal?> AdmitAsync(string payer, string channelId, ToolStreamRequest request)
    {
        var taken = await TakeAsync(channelId, payer, request.Voucher).ConfigureAwait(false);
        if (taken is not VoucherAccepted)
        {
            return taken is VoucherRefused refused ? new Refusal(refused.Code, refused.Message) : (Refusal)taken;
        }

        return await AskAsync(new PayeeChannelCommands.Get(channelId, request.RequestId)).ConfigureAwait(false) switch
        {
            PayeeChannelView { RequestPaid: true } => new Refusal(ErrorCodes.AlreadyServed, "A stream of this request id was served before; choose a new one."),
            PayeeChannelView => null,
            var other => (Refusal)other,
        };
    }

    private Task<object> TakeAsync(string channelId, string payer, Voucher voucher) => AskAsync(new PayeeChannelCommands.Take(channelId, payer, voucher));

    // Not cancelled with the call: a voucher that may have been journalled must be answered for.
    private async Task<object> AskAsync(IPayeeChannelMessage message)
    {
        if (!registry.TryGet<ActorKeys.PayeeChannels>(out var channels))
        {
            return new Refusal(ErrorCodes.ChannelNotFound, "This peer takes no payments.");
        }

        if (!ChannelIds.IsText(message.ChannelId))
        {
            return new Refusal(ErrorCodes.ChannelNotFound, "A voucher names its channel by 32 bytes.");
        }

        try
        {
            return await channels.Ask<object>(message, ChannelLimits.AskTimeout).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, "The channel did not answer in time; try again.");
        }
    }

    // While it runs too, so that nobody can withhold it once the stream goes badly.
    private ByteString ReceiptFor(PeerId payer, string requestId, RunningStream stream) => calls.ReceiptFor(payer, requestId, stream.Tool.Name, stream.Spent);

    private static Amount Limit(ulong micro, Currency currency) => new(Math.Min(micro, Amount.MaxMicroUnits), currency);

    private static ReadOnlyMemory<byte> Refused(Refusal refusal) => Frame(new ToolStreamFrame { Refused = new ToolRefused { Code = refusal.Code, Message = refusal.Message } });

    private static ReadOnlyMemory<byte> Frame(ToolStreamFrame frame) => frame.ToByteArray();
}
