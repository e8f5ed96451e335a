using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Persistence;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// What both sides of a channel have in common: they commit in groups. Commands go on being decided while a write is under
/// way, and all their events are the next write; no reply leaves before what it rests on is on disk.
/// </summary>
/// <typeparam name="TState">The pure state.</typeparam>
internal abstract class ChannelActor<TState> : JournaledActor, IWithTimers
    where TState : class
{
    private const string LazyTimer = "lazy";
    private static readonly TimeSpan Laziness = TimeSpan.FromMilliseconds(50);
    private List<object> _events = [];
    private List<(Action Then, Action<object> Failed)> _after = [];
    private List<(Action Then, Action<object> Failed)> _writing = [];
    private bool _isWriting;
    private bool _isStopping;

    protected ChannelActor(string persistenceId, TState state, Func<TState, object> snapshotOf, Func<object, TState> stateOf, Func<TState, object, TState> apply)
        : base(persistenceId, Journals.Payments)
    {
        (State, SnapshotOf, ApplyTo) = (state, snapshotOf, apply);
        Recover<SnapshotOffer>(offer => State = stateOf(offer.Snapshot));
        Recover<RecoveryCompleted>(_ => Recovered());
        Recover<object>(happened => State = apply(State, happened));
        Command<Flush>(_ => Write());
        Command<ReceiveTimeout>(_ =>
        {
            if (!_isWriting && _events.Count == 0 && IsIdle)
            {
                Context.Parent.Tell(new Passivate(StopEntity.Instance));
            }
        });
        Command<StopEntity>(_ =>
        {
            _isStopping = true;
            StopWhenWritten();
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override object Unwritten => JournalRefusals.Payments;

    /// <summary>What all commands so far have led to; may be ahead of the disk.</summary>
    protected TState State { get; private set; }

    /// <summary>False keeps the entity in memory.</summary>
    protected virtual bool IsIdle => true;

    private Func<TState, object> SnapshotOf { get; }

    private Func<TState, object, TState> ApplyTo { get; }

    protected abstract void Recovered();

    /// <summary>Applies an event now, writes it with the next group, and then runs <paramref name="then"/>; without one it runs as soon as all before it is written.</summary>
    protected void Commit(object? happened, Action then, Action<object> failed)
    {
        if (happened is not null)
        {
            Add(happened);
        }
        else if (!_isWriting && _events.Count == 0)
        {
            then();
            return;
        }

        (_events.Count > 0 ? _after : _writing).Add((then, failed));
        Write();
    }

    /// <summary>As above, and the reply to the sender is what the event leads to.</summary>
    protected void CommitAndTell(object? happened, object reply)
    {
        var sender = Sender;
        Commit(happened, () => sender.Tell(reply), sender.Tell);
    }

    /// <summary>Applies an event that can be found out again after a crash; it is written with the next group, or a moment later.</summary>
    protected void CommitLater(object happened)
    {
        Add(happened);
        if (!_isWriting)
        {
            Timers.StartSingleTimer(LazyTimer, Flush.Instance, Laziness);
        }
    }

    /// <summary>Changes what is not part of the journal.</summary>
    protected void Change(Func<TState, TState> change) => State = change(State);

    /// <summary>Told after each event is on disk.</summary>
    protected virtual void Written(object happened)
    {
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);

        // What was decided on top of it has not happened: the next message finds what the journal has.
        Context.Stop(Self);
    }

    protected override void Refuse()
    {
        foreach (var (_, failed) in _writing.Concat(_after))
        {
            failed(Unwritten);
        }

        _writing.Clear();
        _after.Clear();
    }

    private void Add(object happened)
    {
        State = ApplyTo(State, happened);
        if (happened is ChannelBatch batch)
        {
            _events.AddRange(batch.Events);
        }
        else
        {
            _events.Add(happened);
        }
    }

    private void Write()
    {
        if (_isWriting || _events.Count == 0)
        {
            return;
        }

        var (events, written) = (_events, State);
        _isWriting = true;
        (_events, _writing, _after) = ([], _after, []);
        PersistAsync<object>(events.Count == 1 ? events[0] : new ChannelBatch(events), _ =>
        {
            events.ForEach(Written);
            var after = _writing;
            (_isWriting, _writing) = (false, []);
            SaveSnapshotEvery(ChannelLimits.SnapshotEvery, () => SnapshotOf(written));
            after.ForEach(a => a.Then());
            StopWhenWritten();
        });
    }

    private void StopWhenWritten()
    {
        Write();
        if (_isStopping && !_isWriting)
        {
            Context.Stop(Self);
        }
    }

    private sealed class Flush
    {
        public static readonly Flush Instance = new();
    }
}
