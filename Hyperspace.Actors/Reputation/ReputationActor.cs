using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Transport;

namespace Hyperspace.Actors.Reputation;

/// <summary>
/// Remembers what peers did and what is said of them, posts what follows from it on the <see cref="TrustBoard"/>, and tells
/// the mesh what came of paid calls. Persistent; one for a process.
/// </summary>
internal sealed class ReputationActor : JournaledActor, IWithTimers
{
    private const int EventsPerSnapshot = 500;
    private const int MaxReplays = 4096;
    private const int RatingsPerRater = 20;
    private const int MaxRaters = 1024;
    private const int RatingsPerStranger = 4;
    private const int MaxStrangers = 256;
    private const int MaxRatedLately = 4096;
    private static readonly TimeSpan RatingWindow = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ReplayPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PostPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan FadePause = TimeSpan.FromMinutes(1);

    private readonly PeerIdentity _identity;
    private readonly HybridClock _clock;
    private readonly TimeProvider _time;
    private readonly TrustBoard _board;
    private readonly IActorRef _gossip;
    private readonly AuthorRate _trusted = new(RatingsPerRater, RatingWindow, MaxRaters);
    private readonly AuthorRate _strangers = new(RatingsPerStranger, RatingWindow, MaxStrangers);
    private readonly AuthorRate _rated = new(perWindow: 1, RatingWindow, MaxRatedLately);
    private readonly Dictionary<string, ReputationCommands.Replayed> _replays = new(StringComparer.Ordinal);
    private ReputationState _state;

    public ReputationActor(PeerIdentity identity, HybridClock clock, TimeProvider time, LearningOptions options, TrustBoard board, IActorRef gossip)
        : base("reputation", Journals.Default)
    {
        _identity = identity;
        _clock = clock;
        _time = time;
        _board = board;
        _gossip = gossip;
        var empty = ReputationState.Empty(identity.PeerId.ToString(), options.Confirmations);
        _state = empty;

        Recover<IReputationEvent>(e => _state = _state.Apply(e));
        Recover<SnapshotOffer>(offer => _state = ((ReputationSnapshot)offer.Snapshot).Restore(empty));
        Recover<RecoveryCompleted>(_ => Begin());

        Command<ReputationCommands.Replayed>(OnReplayed);
        Command<ReputationCommands.Foretold>(foretold => Take(_state.Decide(foretold with { News = [.. foretold.News.Take(MaxReplays)] }, _time.GetUtcNow())));
        Command<ReplayDue>(due => TakeReplay(due.Source));
        Command<ReputationCommands.Called>(OnCalled);
        Command<ReputationCommands.Rate>(OnRate);
        Command<ReputationCommands.Get>(get =>
        {
            Post();
            Sender.Tell(Explanations.Of(_state, _board.Table, get.PeerId, _time.GetUtcNow()));
        });
        Command<GossipReceived>(OnGossip);
        Command<PostDue>(_ => Post());
        Command<GossipPublished>(_ => { });
        Command<GossipSubscribed>(_ => { });
        Command<Refusal>(refusal => Log.Warning("Gossip refused a message about ratings: {0}", refusal.Message));
    }

    /// <summary>What an agent is told when the journal takes nothing.</summary>
    public static Refusal JournalFailed { get; } = new(ErrorCodes.JournalFailed, "The rating could not be journalled; free some disk space and try again.");

    public ITimerScheduler Timers { get; set; } = null!;

    protected override bool KeepsEvents => false;

    protected override object Unwritten => JournalFailed;

    private void Begin()
    {
        Post();
        _gossip.Tell(new GossipCommands.Subscribe(Topics.Reputation));
        Timers.StartPeriodicTimer(nameof(FadePause), PostDue.Instance, FadePause);
    }

    /// <summary>The first report of a source counts at once; of a burst, the last one does a moment later.</summary>
    private void OnReplayed(ReputationCommands.Replayed command)
    {
        _replays[command.Source] = command with { Replays = [.. command.Replays.Take(MaxReplays)] };
        if (!Timers.IsTimerActive(command.Source))
        {
            TakeReplay(command.Source);
        }
    }

    private void TakeReplay(string source)
    {
        if (!_replays.Remove(source, out var command))
        {
            return;
        }

        Timers.StartSingleTimer(source, new ReplayDue(source), ReplayPause);
        Take(_state.Decide(command, _time.GetUtcNow()));
    }

    private void Take(ReplaysTaken? taken)
    {
        if (taken is not null)
        {
            Persist(taken, e =>
            {
                Apply(e);
                Post();
            });
        }
    }

    private void OnCalled(ReputationCommands.Called command)
    {
        if (_state.Decide(command, _time.GetUtcNow()) is not { } noted)
        {
            return;
        }

        Persist(noted, e =>
        {
            Apply(e);
            PostSoon();
            if (e.Receipt is { } receipt && _rated.Allows(e.PeerId, e.At))
            {
                Publish(receipt, Ratings.Seal(_identity, receipt, e.Ok ? 1 : -1, _clock.Next()));
            }
        });
    }

    private void OnRate(ReputationCommands.Rate command)
    {
        var time = _clock.Next();
        var (events, receipts, refusal) = _state.Decide(command, Ratings.StampOf(time), _time.GetUtcNow());
        if (refusal is not null)
        {
            Sender.Tell(refusal);
            return;
        }

        PersistAllFor(Sender, events, Apply, () =>
        {
            Post();
            foreach (var receipt in receipts)
            {
                Publish(receipt, Ratings.Seal(_identity, receipt, command.Value, time));
            }

            Sender.Tell(new PeersRated([.. events.Select(rating => rating.Ratee)], receipts.Count));
        });
    }

    /// <summary>Strangers, who cost nothing to make up, do not use up what is let in of raters whose word weighs something.</summary>
    private void OnGossip(GossipReceived message)
    {
        var now = _time.GetUtcNow();
        if (Ratings.Read(message.Data, now, out _) is { } heard && heard.Rater != _state.Self
            && (_state.Trusts(heard.Rater, now) ? _trusted : _strangers).Allows(heard.Rater, now) && _state.Decide(heard, now) is { } taken)
        {
            Persist(taken, e =>
            {
                Apply(e);
                PostSoon();
            });
        }
    }

    private void Publish(HeldReceipt receipt, SignedEnvelope rating)
    {
        var bytes = rating.Bytes.ToArray();
        _gossip.Tell(new GossipCommands.Publish(Topics.ReputationOf(receipt.Payee), bytes));
        _gossip.Tell(new GossipCommands.Publish(Topics.Reputation, bytes));
    }

    private void Apply(IReputationEvent e)
    {
        _state = _state.Apply(e);
        SaveSnapshotEvery(EventsPerSnapshot, () => ReputationSnapshot.Of(_state));
    }

    private void PostSoon()
    {
        if (!Timers.IsTimerActive(nameof(PostDue)))
        {
            Timers.StartSingleTimer(nameof(PostDue), PostDue.Instance, PostPause);
        }
    }

    private void Post() => _board.Post(TrustTable.Of(_state, _time.GetUtcNow()));

    private sealed record ReplayDue(string Source);

    private sealed record PostDue
    {
        public static readonly PostDue Instance = new();
    }
}
