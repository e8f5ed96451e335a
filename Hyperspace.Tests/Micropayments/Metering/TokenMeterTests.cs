using System.Threading.Channels;
using Akka.Actor;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Metering;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Hyperspace.Tests.Micropayments.Channels;

namespace Hyperspace.Tests.Micropayments.Metering;

/// <summary>Tokens leave when they are paid for, whatever the order in which tokens and vouchers come.</summary>
public sealed class TokenMeterTests : PatientTestKit
{
    private static readonly string PayerId = ChannelPair.Payer.PeerId.ToString();
    private readonly IActorRef _channel;

    public TokenMeterTests() => _channel = Sys.ActorOf(Props.Create(() => new Payee()));

    [Fact]
    public async Task Paid_ahead_every_token_leaves_at_once_and_costs_its_price()
    {
        await TakeAsync(100);
        var events = await RunAsync(Tool(1), Tokens(100));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"t{i}"), events.Cast<MeteredEvent.Paid>().SelectMany(p => p.Texts));
        Assert.All(events.Cast<MeteredEvent.Paid>(), p => Assert.InRange(p.Texts.Count, 1, TokenMeter.MaxBatch));
        Assert.Equal(100UL, ((MeteredEvent.Paid)events[^1]).Spent.MicroUnits);
    }

    [Fact]
    public async Task Where_the_balance_ends_it_says_what_is_required_and_goes_on_when_the_voucher_comes()
    {
        await TakeAsync(30);
        var delivered = 0L;
        var asked = new List<ulong>();
        await foreach (var happened in Meter(Tool(10)).RunAsync(Tokens(5), CancellationToken.None))
        {
            switch (happened)
            {
                case MeteredEvent.Paid paid:
                    delivered = paid.Tokens;
                    break;
                case MeteredEvent.VoucherNeeded needed:
                    asked.Add(needed.Required.MicroUnits);
                    Assert.Equal(needed.Required.MicroUnits - 10, (ulong)delivered * 10);
                    await TakeAsync(needed.Required.MicroUnits);
                    break;
                default:
                    Assert.Fail(happened.ToString());
                    break;
            }
        }

        Assert.Equal(5, delivered);
        Assert.Equal([40UL, 50UL], asked);
    }

    [Fact]
    public async Task Prices_below_a_micro_unit_are_rounded_once_on_the_total()
    {
        await TakeAsync(3);
        var events = await RunAsync(Tool(3, per: 1000), Tokens(1000));
        Assert.Equal((1000L, 3UL), (((MeteredEvent.Paid)events[^1]).Tokens, ((MeteredEvent.Paid)events[^1]).Spent.MicroUnits));
    }

    [Fact]
    public async Task Without_a_voucher_in_time_it_stops_and_nothing_more_was_delivered()
    {
        await TakeAsync(15);
        var events = await RunAsync(Tool(10), Tokens(3), patience: TimeSpan.FromMilliseconds(50));
        Assert.IsType<MeteredEvent.VoucherNeeded>(events[^2]);
        var stopped = Assert.IsType<MeteredEvent.Stopped>(events[^1]);
        Assert.Equal((ErrorCodes.PaymentInsufficient, 1L, 10UL), (stopped.Refusal.Code, stopped.Tokens, stopped.Cost.MicroUnits));
    }

    [Fact]
    public async Task A_stream_uses_no_more_of_the_balance_than_its_payer_allows()
    {
        await TakeAsync(1_000);
        var allowance = new StreamAllowance(Amount.MicroUsdc(25));
        var delivered = 0L;
        var asked = new List<ulong>();
        await foreach (var happened in Meter(Tool(10), allowance: allowance).RunAsync(Tokens(5), CancellationToken.None))
        {
            if (happened is MeteredEvent.AllowanceNeeded needed)
            {
                asked.Add(needed.Required.MicroUnits);
                allowance.Raise(needed.Required);
                allowance.Raise(Amount.MicroUsdc(1));
            }
            else
            {
                delivered = Assert.IsType<MeteredEvent.Paid>(happened).Tokens;
            }
        }

        Assert.Equal((5L, 50UL), (delivered, allowance.Limit.MicroUnits));
        Assert.Equal([30UL, 40UL, 50UL], asked);
    }

    [Fact]
    public async Task An_allowance_that_does_not_come_stops_the_stream()
    {
        await TakeAsync(1_000);
        var events = new List<MeteredEvent>();
        await foreach (var happened in Meter(Tool(10), TimeSpan.FromMilliseconds(50), new StreamAllowance(Amount.MicroUsdc(10))).RunAsync(Tokens(5), CancellationToken.None))
        {
            events.Add(happened);
        }

        Assert.Equal((ErrorCodes.PaymentInsufficient, 1L), (Assert.IsType<MeteredEvent.Stopped>(events[^1]).Refusal.Code, ((MeteredEvent.Stopped)events[^1]).Tokens));
    }

    private TokenMeter Meter(ToolDefinition tool, TimeSpan? patience = null, StreamAllowance? allowance = null) =>
        new(_channel, ChannelPair.ChannelId, PayerId, "stream", tool.CostOf, patience ?? TimeSpan.FromSeconds(20), allowance, TimeProvider.System);

    private async Task<List<MeteredEvent>> RunAsync(ToolDefinition tool, ChannelReader<string> tokens, TimeSpan? patience = null)
    {
        var events = new List<MeteredEvent>();
        await foreach (var happened in Meter(tool, patience).RunAsync(tokens, CancellationToken.None))
        {
            events.Add(happened);
        }

        return events;
    }

    private async Task TakeAsync(ulong cumulative) =>
        Assert.IsType<VoucherAccepted>(await _channel.Ask<object>(new PayeeChannelCommands.Take(ChannelPair.ChannelId, PayerId, new() { CumulativeMicro = cumulative }), TimeSpan.FromSeconds(10)));

    private static ToolDefinition Tool(ulong price, int per = 1) => new("t", "", [], "{}", Amount.MicroUsdc(price), per);

    private static ChannelReader<string> Tokens(int count)
    {
        var queue = Channel.CreateUnbounded<string>();
        for (var i = 0; i < count; i++)
        {
            queue.Writer.TryWrite($"t{i}");
        }

        queue.Writer.Complete();
        return queue.Reader;
    }

    /// <summary>The payee's decisions without a journal.</summary>
    private sealed class Payee : ReceiveActor, IWithTimers
    {
        private PayeeChannelState _state = (ChannelPair.OpenPayee with { Checks = (_, _) => _ => true }) with { Terms = ChannelPair.Terms };

        public Payee()
        {
            var waiters = new Lazy<BalanceWaiters>(() => new BalanceWaiters(Timers));
            Receive<PayeeChannelCommands.Take>(take =>
            {
                Carry(_state.Decide(take));
                waiters.Value.Answer(_state.Decide);
            });
            Receive<MeteringCommands.Meter>(meter => Carry(_state.Decide(meter)));
            Receive<MeteringCommands.AwaitBalance>(wait =>
            {
                if (_state.Decide(wait) is { } answer)
                {
                    Sender.Tell(answer);
                }
                else
                {
                    waiters.Value.Add(wait, Sender);
                }
            });
            Receive<BalanceWaiters.Overdue>(overdue => waiters.Value.Expire(overdue, _state.Overdue));
        }

        public ITimerScheduler Timers { get; set; } = null!;

        private void Carry(PayeeDecision decision)
        {
            _state = decision.Event is null ? _state : _state.Apply(decision.Event);
            Sender.Tell(decision.Reply);
        }
    }
}
