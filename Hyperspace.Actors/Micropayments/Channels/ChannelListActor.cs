using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The list of this peer's channels (one entity of a region of its own). Each channel is a line of its journal, so there
/// are no snapshots: <see cref="ChannelListState.MaxChannels"/> bounds it.
/// </summary>
internal sealed class ChannelListActor : JournaledActor
{
    /// <summary>The one entity's id.</summary>
    public const string EntityId = "channels";

    private const int ChannelsAskedAtOnce = 64;
    private readonly IReadOnlyActorRegistry _registry;
    private ChannelListState _state = new();

    public ChannelListActor(IReadOnlyActorRegistry registry, PeerOptions options)
        : base("channel-list", Journals.Payments)
    {
        _registry = registry;
        Recover<ChannelListEvents.PayerListed>(e => _state = _state.Apply(e));
        Recover<ChannelListEvents.PayeeAdmitted>(e => _state = _state.Apply(e));
        Recover<ChannelListEvents.PayeeReleased>(e => _state = _state.Apply(e));
        Command<ChannelListCommands.ListPayer>(list => Answer(_state.Decide(list), list.ChannelKey));
        Command<ChannelListCommands.AdmitPayee>(admit => Answer(_state.Decide(admit, options.MaxCreditMicro), admit.ChannelId));
        Command<ChannelListCommands.ReleasePayee>(release => Answer((_state.Decide(release), null), release.ChannelId));
        Command<GetChannelTotals>(_ => Totals(_state).PipeTo(Sender, Self, failure: e => new Refusal(ErrorCodes.Timeout, $"A channel did not answer: {e.Message} Ask again.")));
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    protected override object Unwritten => JournalRefusals.Payments;

    private void Answer((object? Event, Refusal? Refusal) decision, string channel)
    {
        if (decision.Event is null)
        {
            Sender.Tell((object?)decision.Refusal ?? new ChannelListed(channel));
            return;
        }

        Persist(decision.Event, happened =>
        {
            _state = _state.Apply(happened);
            Sender.Tell(new ChannelListed(channel));
        });
    }

    private async Task<ChannelTotals> Totals(ChannelListState state)
    {
        var paying = await AskEach<PayerChannelHistory>(_registry.Get<ActorKeys.PayerChannels>(), state.PayerKeys.Select(key => new PayerChannelCommands.GetHistory(key)));
        var receiving = await AskEach<PayeeChannelView>(_registry.Get<ActorKeys.PayeeChannels>(), state.PayeeIds.Select(id => new PayeeChannelCommands.Get(id, null)));
        return new ChannelTotals(paying.SelectMany(history => history.Channels).ToList(), receiving);
    }

    /// <summary>A channel that was listed and then not opened answers with a refusal, and is left out.</summary>
    private static async Task<IReadOnlyList<TView>> AskEach<TView>(IActorRef region, IEnumerable<object> questions)
    {
        var views = new List<TView>();
        foreach (var some in questions.Chunk(ChannelsAskedAtOnce))
        {
            var answers = await Task.WhenAll(some.Select(question => region.Ask<object>(question, ChannelLimits.AskTimeout)));
            views.AddRange(answers.OfType<TView>());
        }

        return views;
    }
}
