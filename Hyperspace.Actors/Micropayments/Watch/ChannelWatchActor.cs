using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Watch;

/// <summary>
/// Looks at every channel on chain that pays this peer, at start and then at intervals, and claims in time. It keeps nothing
/// itself: channels and chain know where they stand, and what it asks of them is idempotent.
/// </summary>
internal sealed class ChannelWatchActor : ReceiveActor, IWithTimers
{
    private const int AtOnce = 16;
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(30);

    private readonly IReadOnlyActorRegistry _registry;
    private readonly string _peerId;
    private readonly ChannelWatch _watch;
    private readonly ILoggingAdapter _log = Context.GetLogger();

    public ChannelWatchActor(IReadOnlyActorRegistry registry, string peerId, ChannelWatch watch)
    {
        _registry = registry;
        _peerId = peerId;
        _watch = watch;
        Receive<Look>(_ => LookAtAllAsync().PipeTo(Self, failure: e => new Looked(e.Message)));
        Receive<Looked>(looked =>
        {
            if (looked.Trouble is not null)
            {
                _log.Warning("Channels could not be watched: {0} Trying again.", looked.Trouble);
            }

            Timers.StartSingleTimer("look", new Look(), watch.Interval);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Self.Tell(new Look());

    private async Task<Looked> LookAtAllAsync()
    {
        if (await (await _registry.GetAsync<ActorKeys.Channels>()).Ask<object>(new GetChannelTotals(), AskTimeout) is not ChannelTotals totals)
        {
            return new Looked("the list of channels gave no answer.");
        }

        foreach (var some in totals.Receiving.Where(channel => channel is { OnChain: true, Phase: not ChannelPhase.Closed }).Chunk(AtOnce))
        {
            await Task.WhenAll(some.Select(channel => LookAsync(channel.ChannelId)));
        }

        return new Looked(null);
    }

    /// <summary>What goes wrong with one channel must not keep the others from being looked at.</summary>
    private async Task LookAsync(string channelId)
    {
        try
        {
            var problem = await ActAsync(channelId);
            if (problem is not null)
            {
                _log.Warning("The channel {0} was not taken care of: {1}", channelId, problem.Message);
            }
        }
        catch (AskTimeoutException)
        {
            _log.Warning("The channel {0} gave no answer in time.", channelId);
        }
    }

    private async Task<Refusal?> ActAsync(string channelId)
    {
        var channels = await _registry.GetAsync<ActorKeys.PayeeChannels>();
        if (await channels.Ask<object>(new PayeeChannelCommands.Refresh(channelId), AskTimeout) is not PayeeChannelView channel)
        {
            return new Refusal(ErrorCodes.Timeout, "its chain cannot be asked.");
        }

        switch (_watch.Decide(channel))
        {
            case WatchStep.Close:
                return await channels.Ask<object>(new PayeeChannelCommands.Close(channelId, _peerId, null), AskTimeout) as Refusal;
            case WatchStep.Settle:
                return await channels.Ask<object>(new PayeeChannelCommands.GetHighestVoucher(channelId), AskTimeout) is HighestVoucher highest && ChannelWatch.Settle(highest) is { } submit
                    ? await (await _registry.GetAsync<ActorKeys.Chain>()).Ask<object>(submit, AskTimeout) as Refusal
                    : null;
            default:
                return null;
        }
    }

    private sealed record Look;

    private sealed record Looked(string? Trouble);
}
