using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Akka.Persistence;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Transport;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What the ledger needs of its peer.</summary>
internal sealed record LedgerServices(PeerOptions Options, PeerIdentity Identity, HybridClock Clock, TimeProvider Time);

/// <summary>
/// The ledger of this peer (one entity of a region of its own): reads the payments journal on, answers from all that it
/// held when the question came, closes the rounds of settlements and gets them onto the mesh. Nobody posts to it, so it
/// costs a payment nothing; only its rounds are events of its own.
/// </summary>
internal sealed partial class LedgerActor : JournaledActor
{
    /// <summary>The one entity's id.</summary>
    public const string EntityId = "ledger";

    /// <summary>Questions that may wait while it catches up.</summary>
    public const int MaxWaiting = 256;

    private const int SnapshotEvery = 100;
    private static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(5);
    private readonly LedgerServices _services;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly Queue<(Func<OpenLedger, object?> Answer, IActorRef ReplyTo)> _waiting = new();
    private readonly CancellationTokenSource _stopping = new();
    private RoundState _state = new();
    private OpenLedger? _ledger;
    private ITimer? _timer;
    private IActorRef _asker = ActorRefs.Nobody;
    private bool _stepping;
    private bool _closing;
    private bool _publishing;

    public LedgerActor(LedgerServices services, IReadOnlyActorRegistry registry)
        : base("ledger", Journals.Payments)
    {
        (_services, _registry) = (services, registry);
        Recover<SnapshotOffer>(offer => _state = ((RoundSnapshot)offer.Snapshot).State);
        Recover<LedgerEvents.RoundClosed>(e => _state = _state.Apply(e));
        Recover<LedgerEvents.RoundPublished>(e => _state = _state.Apply(e));
        Recover<RecoveryCompleted>(_ => Begin());

        Command<LedgerCommands.Wake>(_ => { });
        Command<LedgerCommands.GetBalances>(m => WhenCaughtUp(ledger => LedgerAnswers.Of(ledger.Queries, m)));
        Command<LedgerCommands.GetStatement>(m => WhenCaughtUp(ledger => LedgerAnswers.Of(ledger.Queries, m)));
        Command<LedgerCommands.GetCredit>(m => WhenCaughtUp(ledger => LedgerAnswers.Of(ledger.Queries, m, services.Options.MaxCreditMicro)));
        Command<LedgerCommands.GetSettlements>(m => WhenCaughtUp(ledger => LedgerAnswers.Of(ledger.Settlements, m)));
        Command<LedgerCommands.Audit>(m => WhenCaughtUp(ledger => BeginAudit(ledger, m)));
        Command<LedgerCommands.CloseRound>(m => WhenCaughtUp(ledger => Close(ledger, m)));
        Command<ChannelsAnswered>(GoOnWithAudit);
        Command<AuditEnded>(_ => _auditing = false);
        Command<Tick>(_ => !_stepping, _ => WhenCaughtUp(ledger => Close(ledger, asked: null), ActorRefs.Nobody));
        Command<Tick>(_ => { });
        Command<Step>(_ => TakeStep());
        Command<PublishEnded>(Published);
        Command<GossipReceived>(Hear);
        Command<GossipSubscribed>(_ => { });
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    protected override object Unwritten => JournalRefusals.Payments;

    protected override void PostStop()
    {
        _timer?.Dispose();
        _stopping.Cancel();
        _stopping.Dispose();
        RefuseWaiting(new Refusal(ErrorCodes.Internal, "The ledger stopped before it could answer. Ask again."));
        _ledger?.Dispose();
        base.PostStop();
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        (_closing, _publishing) = (false, false);
    }

    private void Begin()
    {
        var self = Self;
        _timer = _services.Time.CreateTimer(_ => self.Tell(Tick.Instance), null, TimeSpan.Zero, TickEvery);
        if (_registry.TryGet<ActorKeys.Gossip>(out var gossip))
        {
            gossip.Tell(new GossipCommands.Subscribe(Topics.Settlements));
        }
    }

    private void WhenCaughtUp(Func<OpenLedger, object?> answer, IActorRef? replyTo = null)
    {
        if (_waiting.Count >= MaxWaiting)
        {
            (replyTo ?? Sender).Tell(new Refusal(ErrorCodes.RateLimited, $"{MaxWaiting} questions to the ledger wait already. Ask again later."));
            return;
        }

        _waiting.Enqueue((answer, replyTo ?? Sender));
        if (!_stepping)
        {
            _stepping = true;
            Self.Tell(Step.Instance);
        }
    }

    /// <summary>Reads one page, so that other messages get their turn; the last page answers whatever came before it was read.</summary>
    private void TakeStep()
    {
        try
        {
            var ledger = _ledger ??= Open();
            if (ledger.Projection.Step() == LedgerProjection.PageSize)
            {
                Self.Tell(Step.Instance);
                return;
            }

            _stepping = false;
            for (var count = _waiting.Count; count > 0; count--)
            {
                // Out of the queue only then: if its answer fails, it is refused with the others.
                (var answer, _asker) = _waiting.Peek();
                if (answer(ledger) is { } reply)
                {
                    _asker.Tell(reply);
                }

                _waiting.Dequeue();
            }
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            Log.Warning(e, "The ledger's file cannot be used; it is opened again when somebody asks");
            _stepping = false;
            _ledger?.Dispose();
            _ledger = null;
            RefuseWaiting(Unusable(e));
        }
    }

    private static Refusal Unusable(Exception e) => new(
        ErrorCodes.Internal, $"{LedgerFile.FileName} or the payments journal cannot be used: {e.Message} No money is touched by that; check the disk of the data directory, then ask again.");

    private void Record(object happened, IActorRef replyTo, Action then) => PersistFor(replyTo, happened, e =>
    {
        _state = _state.Apply(e);
        SaveSnapshotEvery(SnapshotEvery, () => new RoundSnapshot(_state));
        then();
    });

    private OpenLedger Open()
    {
        var ledger = OpenLedger.Open(_services.Options.DataDirectory, _services.Identity.PeerId.ToString(), out var replaced);
        if (replaced is not null)
        {
            Log.Warning("{0} was thrown away, because {1}; it is made again from the payments journal", LedgerFile.FileName, replaced);
        }

        return ledger;
    }

    private void RefuseWaiting(Refusal refusal)
    {
        while (_waiting.TryDequeue(out var waiting))
        {
            waiting.ReplyTo.Tell(refusal);
        }
    }

    private sealed record Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record Step
    {
        public static readonly Step Instance = new();
    }
}
