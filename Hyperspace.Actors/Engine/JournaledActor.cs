using Akka.Actor;
using Akka.Event;
using Akka.Persistence;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// What this peer's persistent actors have in common. Whoever waits for a write that comes to nothing is told so in the actor's
/// own words. A snapshot replaces the ones before it, and the events that it stands for when nobody reads those.
/// </summary>
internal abstract class JournaledActor : ReceivePersistentActor
{
    // Who waits for what PersistFor is writing, and how many events that still is.
    private IActorRef? _asker;
    private int _left;

    /// <summary>Makes an actor of a journal.</summary>
    /// <param name="persistenceId">Whose events they are; written into the journal, so never changed.</param>
    /// <param name="journal">One of <see cref="Journals"/>; its snapshots lie beside it.</param>
    protected JournaledActor(string persistenceId, string journal)
    {
        PersistenceId = persistenceId;
        JournalPluginId = journal;
        SnapshotPluginId = Journals.SnapshotsOf(journal);
        Command<SaveSnapshotSuccess>(OnSnapshotSaved);
        Command<SaveSnapshotFailure>(failed => Log.Warning(failed.Cause, "The snapshot of {0} was not saved; its events are, and recovery takes longer.", PersistenceId));
        Command<DeleteMessagesSuccess>(_ => { });
        Command<DeleteMessagesFailure>(failed => Log.Warning(failed.Cause, "Old events of {0} were not deleted.", PersistenceId));
        Command<DeleteSnapshotsSuccess>(_ => { });
        Command<DeleteSnapshotsFailure>(failed => Log.Warning(failed.Cause, "Old snapshots of {0} were not deleted.", PersistenceId));
    }

    public sealed override string PersistenceId { get; }

    /// <summary>False deletes the events that a snapshot stands for: only where nobody reads them but recovery.</summary>
    protected virtual bool KeepsEvents => true;

    /// <summary>The answer, as a rule a <see cref="Refusal"/>, to who waits for a write that comes to nothing.</summary>
    protected abstract object Unwritten { get; }

    /// <summary>Persists, and has <paramref name="asker"/> told, not the sender, when that comes to nothing.</summary>
    protected void PersistFor<TEvent>(IActorRef asker, TEvent happened, Action<TEvent> then) => PersistAllFor(asker, [happened], then, () => { });

    /// <summary>As above, all of the events or none; then, once, <paramref name="last"/>.</summary>
    protected void PersistAllFor<TEvent>(IActorRef asker, IReadOnlyCollection<TEvent> events, Action<TEvent> each, Action last)
    {
        var left = events.Count;
        (_asker, _left) = (asker, _left + left);
        PersistAll(events, written =>
        {
            Ended();
            each(written);
            if (--left == 0)
            {
                last();
            }
        });
    }

    /// <summary>Saves a snapshot when as many events have been written since the last one. Call it when an event is applied.</summary>
    protected void SaveSnapshotEvery(long events, Func<object> snapshot)
    {
        if (LastSequenceNr % events == 0)
        {
            SaveSnapshot(snapshot());
        }
    }

    /// <summary>Tells who waits for the write under way that it came to nothing.</summary>
    protected virtual void Refuse()
    {
        (_asker ?? Sender).Tell(Unwritten);
        if (_asker is not null)
        {
            // All events of one write are refused, one by one.
            _asker = ActorRefs.Nobody;
            Ended();
        }
    }

    /// <summary>The journal did not take an event, and goes on; so does the actor.</summary>
    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistRejected(cause, @event, sequenceNr);
        Refuse();
    }

    /// <summary>The journal failed; the actor is stopped after this.</summary>
    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        base.OnPersistFailure(cause, @event, sequenceNr);
        Refuse();
    }

    private void Ended()
    {
        if (--_left == 0)
        {
            _asker = null;
        }
    }

    private void OnSnapshotSaved(SaveSnapshotSuccess saved)
    {
        if (!KeepsEvents)
        {
            DeleteMessages(saved.Metadata.SequenceNr);
        }

        DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
    }
}
