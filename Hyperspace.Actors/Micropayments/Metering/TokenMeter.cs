using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Akka.Actor;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Metering;

/// <summary>What becomes of a stream that is paid by the token.</summary>
internal abstract record MeteredEvent
{
    /// <summary>These tokens are paid for: deliver them.</summary>
    /// <param name="Texts">In order.</param>
    /// <param name="Tokens">How many of the stream are paid for, these included.</param>
    /// <param name="Cost">What they cost together.</param>
    /// <param name="Accepted">The highest voucher's cumulative amount.</param>
    /// <param name="Spent">What of it is spent.</param>
    public sealed record Paid(IReadOnlyList<string> Texts, long Tokens, Amount Cost, Amount Accepted, Amount Spent) : MeteredEvent;

    /// <summary>The stream stands still until a voucher over <paramref name="Required"/> (cumulative) comes.</summary>
    public sealed record VoucherNeeded(Amount Required, Amount Accepted, Amount Deposit) : MeteredEvent;

    /// <summary>The stream stands still until its payer allows it to cost <paramref name="Required"/>.</summary>
    public sealed record AllowanceNeeded(Amount Required) : MeteredEvent;

    /// <summary>The stream cannot go on: no voucher came, the channel ended, or the journal failed. Nothing more is delivered.</summary>
    public sealed record Stopped(Refusal Refusal, long Tokens, Amount Cost) : MeteredEvent;
}

/// <summary>
/// Lets the tokens of a stream out as they are paid: what they cost is spent of the channel's balance, journalled, before they
/// are delivered. Tokens that have gathered meanwhile share one journal write. When the balance runs short it says so,
/// stands still, and goes on when vouchers come; whoever makes the tokens is held back by the bounded queue.
/// </summary>
/// <param name="channels">The payee's channels.</param>
/// <param name="channelId">Which of them pays.</param>
/// <param name="payerId">Who pays.</param>
/// <param name="streamId">Names the stream; its request id.</param>
/// <param name="costOf">What the first so many tokens cost together.</param>
/// <param name="patience">How long to wait for a voucher.</param>
/// <param name="allowance">What the payer lets this stream use; null: whatever the balance is.</param>
/// <param name="time">The clock.</param>
internal sealed class TokenMeter(
    IActorRef channels, string channelId, string payerId, string streamId, Func<long, Amount> costOf, TimeSpan patience, StreamAllowance? allowance, TimeProvider time)
{
    /// <summary>Most tokens that are paid in one step: what a crash between payment and delivery may cost the payer.</summary>
    public const int MaxBatch = 64;

    private long _paid;

    /// <summary>Runs until the queue is complete, the stream is stopped or the token is cancelled.</summary>
    public async IAsyncEnumerable<MeteredEvent> RunAsync(ChannelReader<string> tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var held = new List<string>(MaxBatch);
        while (held.Count > 0 || await tokens.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (held.Count < MaxBatch && tokens.TryRead(out var token))
            {
                held.Add(token);
            }

            if (held.Count == 0)
            {
                continue;
            }

            var allowed = allowance is null ? held.Count : Affordable(allowance.Limit, held.Count);
            if (allowed == 0)
            {
                var required = costOf(_paid + 1);
                yield return new MeteredEvent.AllowanceNeeded(required);
                if (!await allowance!.WaitAsync(required, patience, time, cancellationToken).ConfigureAwait(false))
                {
                    yield return Stop(new Refusal(ErrorCodes.PaymentInsufficient, $"The stream may cost {allowance.Limit}, and {required} is needed."));
                    yield break;
                }

                continue;
            }

            var (reply, count) = await PayAsync(allowed).ConfigureAwait(false);
            switch (reply)
            {
                case VoucherAccepted accepted:
                    _paid += count;
                    yield return new MeteredEvent.Paid(held[..count], _paid, costOf(_paid), accepted.Accepted, accepted.Spent);
                    held.RemoveRange(0, count);
                    break;
                case VoucherRefused { Code: ErrorCodes.PaymentInsufficient, Required: { } required, Standing: { } standing }:
                    yield return new MeteredEvent.VoucherNeeded(required, standing.Accepted, standing.Deposit);
                    var next = required - standing.Spent;
                    var waited = await AskAsync(new MeteringCommands.AwaitBalance(channelId, payerId, next, patience), patience + ChannelLimits.AskTimeout, cancellationToken).ConfigureAwait(false);
                    if (waited is not VoucherAccepted)
                    {
                        yield return Stop(waited);
                        yield break;
                    }

                    break;
                default:
                    yield return Stop(reply);
                    yield break;
            }
        }
    }

    /// <summary>Pays for as many of the tokens as the balance allows; for one, to be told what is required, when it allows none.</summary>
    private async Task<(object Reply, int Count)> PayAsync(int count)
    {
        // Not cancelled with the stream: what may have been journalled must be answered for.
        var reply = await MeterAsync(count).ConfigureAwait(false);
        if (count > 1 && reply is VoucherRefused { Code: ErrorCodes.PaymentInsufficient, Standing: { } standing })
        {
            var affordable = Math.Max(1, Affordable(costOf(_paid) + (standing.Accepted - standing.Spent), count - 1));
            return (await MeterAsync(affordable).ConfigureAwait(false), affordable);
        }

        return (reply, count);
    }

    private Task<object> MeterAsync(int count) => AskAsync(new MeteringCommands.Meter(channelId, payerId, streamId, costOf(_paid), costOf(_paid + count)), ChannelLimits.AskTimeout, CancellationToken.None);

    /// <summary>The most further tokens, up to <paramref name="most"/>, with which the stream costs no more than <paramref name="limit"/>; costs only rise, so halving finds it.</summary>
    private int Affordable(Amount limit, int most)
    {
        var low = 0;
        while (low < most)
        {
            var middle = (low + most + 1) / 2;
            (low, most) = costOf(_paid + middle) <= limit ? (middle, most) : (low, middle - 1);
        }

        return low;
    }

    private async Task<object> AskAsync(object message, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            return await channels.Ask<object>(message, timeout, cancellationToken).ConfigureAwait(false);
        }
        catch (AskTimeoutException)
        {
            return new Refusal(ErrorCodes.Timeout, "The channel did not answer in time; ask channel.status what the stream has cost.");
        }
    }

    private MeteredEvent.Stopped Stop(object reply) => new(
        reply switch
        {
            VoucherRefused refused => Late(new Refusal(refused.Code, refused.Message)),
            Refusal refusal => Late(refusal),
            _ => new Refusal(ErrorCodes.Internal, $"The channel answered with {reply.GetType().Name}."),
        },
        _paid,
        costOf(_paid));

    private Refusal Late(Refusal refusal) =>
        refusal.Code == ErrorCodes.PaymentInsufficient ? refusal with { Message = $"No voucher came within {patience.TotalSeconds:0} s. {refusal.Message}" } : refusal;
}
