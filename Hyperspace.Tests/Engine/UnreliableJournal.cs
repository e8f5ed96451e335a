using System.Collections.Immutable;
using Akka.Persistence;
using Akka.Persistence.Journal;
using Akka.Persistence.Snapshot;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Tests.Engine;

/// <summary>
/// A journal in memory that fails on demand: an event that begins with <c>rejected</c> is refused, one with <c>failed</c> breaks the
/// write, and nothing of a persistence id that begins with <c>stuck</c> is deleted.
/// </summary>
public sealed class UnreliableJournal : MemoryJournal
{
    /// <summary>Settings of an actor system that has such journals and snapshots instead of the peer's own.</summary>
    public static string Settings { get; } = string.Concat(new[] { Journals.Default, Journals.Payments }.Select(journal => $$"""
        {{journal}} { class = "{{typeof(UnreliableJournal).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }
        {{Journals.SnapshotsOf(journal)}} { class = "{{typeof(UnreliableSnapshots).AssemblyQualifiedName}}", plugin-dispatcher = "akka.actor.default-dispatcher" }

        """));

    protected override async Task<IImmutableList<Exception>> WriteMessagesAsync(IEnumerable<AtomicWrite> messages, CancellationToken cancellationToken)
    {
        var writes = messages.ToList();
        if (writes.Any(write => Has(write, "failed")))
        {
            throw new IOException("The disk is gone.");
        }

        await base.WriteMessagesAsync(writes.Where(write => !Has(write, "rejected")), cancellationToken);
        return [.. writes.Select(write => Has(write, "rejected") ? new NotSupportedException("It cannot be written.") : null!)];
    }

    protected override Task DeleteMessagesToAsync(string persistenceId, long toSequenceNr, CancellationToken cancellationToken) => persistenceId.StartsWith("stuck", StringComparison.Ordinal)
        ? throw new IOException("It cannot be deleted.")
        : base.DeleteMessagesToAsync(persistenceId, toSequenceNr, cancellationToken);

    private static bool Has(AtomicWrite write, string what) =>
        ((IImmutableList<IPersistentRepresentation>)write.Payload).Any(e => e.Payload is string text && text.StartsWith(what, StringComparison.Ordinal));
}

/// <summary>Snapshots in memory that fail on demand: one that ends with <c>unsaved</c> is not saved, and none of a persistence id that begins with <c>stuck</c> is deleted.</summary>
public sealed class UnreliableSnapshots : MemorySnapshotStore
{
    protected override Task SaveAsync(SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken) => snapshot is string text && text.EndsWith("unsaved", StringComparison.Ordinal)
        ? throw new IOException("It cannot be saved.")
        : base.SaveAsync(metadata, snapshot, cancellationToken);

    protected override Task DeleteAsync(string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) => persistenceId.StartsWith("stuck", StringComparison.Ordinal)
        ? throw new IOException("It cannot be deleted.")
        : base.DeleteAsync(persistenceId, criteria, cancellationToken);
}
