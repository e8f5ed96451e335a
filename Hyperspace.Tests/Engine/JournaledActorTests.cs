using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;

namespace Hyperspace.Tests.Engine;

public class JournaledActorTests() : PatientTestKit(UnreliableJournal.Settings)
{
    private const int EventsPerSnapshot = 3;

    private static readonly Refusal OwnWords = new(ErrorCodes.JournalFailed, "The note was not taken.");

    [Theory]
    [InlineData(Journals.Default)]
    [InlineData(Journals.Payments)]
    public async Task A_snapshot_replaces_the_ones_before_it_and_its_events_where_nobody_reads_those(string journal)
    {
        var notes = Start("notes", journal, keepsEvents: false);
        Write(notes, "1", "2", "3", "4", "5", "6", "7");
        Stop(notes);
        Assert.Equal("snapshot 123456, 7", await ReadAsync("notes", journal, SnapshotSelectionCriteria.Latest));
        await AwaitAssertAsync(async () => Assert.Equal("7", await ReadAsync("notes", journal, SnapshotSelectionCriteria.None)));
        await AwaitAssertAsync(async () => Assert.Equal("7", await ReadAsync("notes", journal, new SnapshotSelectionCriteria(5))));
    }

    [Fact]
    public async Task Events_stay_unless_the_actor_says_that_nobody_reads_them()
    {
        var notes = Start("kept", Journals.Payments);
        Write(notes, "1", "2", "3", "4", "5", "6", "7");
        Stop(notes);
        await AwaitAssertAsync(async () => Assert.Equal("1, 2, 3, 4, 5, 6, 7", await ReadAsync("kept", Journals.Payments, new SnapshotSelectionCriteria(5))));
        Assert.Equal("snapshot 123456, 7", await ReadAsync("kept", Journals.Payments, SnapshotSelectionCriteria.Latest));
    }

    [Fact]
    public async Task A_snapshot_that_is_not_saved_replaces_nothing_and_is_told_to_the_log()
    {
        var notes = Start("notes", Journals.Default, keepsEvents: false);
        Write(notes, "1", "2", "3");
        await AwaitAssertAsync(async () => Assert.Equal("", await ReadAsync("notes", Journals.Default, SnapshotSelectionCriteria.None)));
        EventFilter.Warning(start: "The snapshot of notes was not saved").ExpectOne(() => Write(notes, "4", "5", "unsaved"));
        Stop(notes);
        Assert.Equal("snapshot 123, 4, 5, unsaved", await ReadAsync("notes", Journals.Default, SnapshotSelectionCriteria.Latest));
    }

    [Fact]
    public void What_cannot_be_deleted_is_told_to_the_log_and_the_actor_goes_on()
    {
        var notes = Start("stuck", Journals.Default, keepsEvents: false);
        EventFilter.Warning(message: "Old events of stuck were not deleted.").ExpectOne(
            () => EventFilter.Warning(message: "Old snapshots of stuck were not deleted.").ExpectOne(() => Write(notes, "1", "2", "3")));
        Write(notes, "4");
    }

    [Fact]
    public void When_the_journal_refuses_an_event_its_sender_is_told_in_the_actors_words_and_the_actor_goes_on()
    {
        var notes = Start("notes", Journals.Default);
        notes.Tell(new Note("rejected"), TestActor);
        Assert.Same(OwnWords, ExpectMsg<Refusal>());
        Write(notes, "1");
        Assert.Equal("1", TextOf(notes));
    }

    [Fact]
    public async Task When_the_journal_fails_the_sender_is_told_in_the_actors_words_and_the_actor_stops()
    {
        var notes = Watch(Start("notes", Journals.Default));
        Write(notes, "1");
        notes.Tell(new Note("failed"), TestActor);
        Assert.Same(OwnWords, ExpectMsg<Refusal>());
        ExpectTerminated(notes);
        Assert.Equal("1", await ReadAsync("notes", Journals.Default, SnapshotSelectionCriteria.Latest));
    }

    [Fact]
    public void Who_asked_is_told_and_not_the_sender_when_they_are_not_the_same()
    {
        var (asker, notes) = (CreateTestProbe(), Start("notes", Journals.Default));
        notes.Tell(new NotesFor(asker, ["rejected"]), TestActor);
        Assert.Same(OwnWords, asker.ExpectMsg<Refusal>());
        notes.Tell(new NotesFor(ActorRefs.Nobody, ["rejected"]), TestActor);
        notes.Tell(new NotesFor(asker, ["1"]), TestActor);
        Assert.Equal("taken: 1", asker.ExpectMsg<string>());

        // Of the next write the sender is told again.
        notes.Tell(new Note("rejected"), TestActor);
        Assert.Same(OwnWords, ExpectMsg<Refusal>());
        notes.Tell(new NotesFor(asker, ["failed"]), TestActor);
        Assert.Same(OwnWords, asker.ExpectMsg<Refusal>());
        ExpectNoMsg(TimeSpan.Zero);
    }

    [Fact]
    public void Of_events_that_are_one_write_all_happen_or_none_and_who_asked_is_told_once()
    {
        var (asker, notes) = (CreateTestProbe(), Start("notes", Journals.Default));
        notes.Tell(new NotesFor(asker, ["1", "rejected", "2"]), TestActor);
        Assert.Same(OwnWords, asker.ExpectMsg<Refusal>());
        notes.Tell(new NotesFor(asker, ["3", "4"]), TestActor);
        Assert.Equal("taken: 34", asker.ExpectMsg<string>());
        notes.Tell(new Note("rejected"), TestActor);
        Assert.Same(OwnWords, ExpectMsg<Refusal>());
        asker.ExpectNoMsg(TimeSpan.Zero);
        Assert.Equal("34", TextOf(notes));
    }

    private IActorRef Start(string id, string journal, bool keepsEvents = true, SnapshotSelectionCriteria? from = null) =>
        Sys.ActorOf(Props.Create(() => new Notes(id, journal, keepsEvents, from ?? SnapshotSelectionCriteria.Latest)));

    private void Write(IActorRef notes, params string[] texts)
    {
        foreach (var text in texts)
        {
            notes.Tell(new Note(text), TestActor);
            Assert.Equal("taken: " + text, ExpectMsg<string>());
        }
    }

    private string TextOf(IActorRef notes)
    {
        notes.Tell(new Read(), TestActor);
        return ExpectMsg<(string Text, string Recovered)>().Text;
    }

    private void Stop(IActorRef notes)
    {
        Watch(notes);
        Sys.Stop(notes);
        ExpectTerminated(notes);
    }

    /// <summary>What is recovered from no snapshot later than asked for, one after the other.</summary>
    private async Task<string> ReadAsync(string id, string journal, SnapshotSelectionCriteria from)
    {
        var reader = Start(id, journal, from: from);
        var (_, recovered) = await reader.Ask<(string Text, string Recovered)>(new Read(), RemainingOrDefault);
        await reader.GracefulStop(RemainingOrDefault);
        return recovered;
    }

    private sealed record Note(string Text);

    private sealed record NotesFor(IActorRef Asker, IReadOnlyList<string> Texts);

    private sealed record Read;

    private sealed class Notes : JournaledActor
    {
        private readonly List<string> _recovered = [];
        private string _text = "";

        public Notes(string id, string journal, bool keepsEvents, SnapshotSelectionCriteria from)
            : base(id, journal)
        {
            KeepsEvents = keepsEvents;
            Recovery = new Recovery(from);
            Recover<SnapshotOffer>(offer =>
            {
                _text = (string)offer.Snapshot;
                _recovered.Add("snapshot " + _text);
            });
            Recover<string>(text =>
            {
                _text += text;
                _recovered.Add(text);
            });
            Command<Note>(note => Persist(note.Text, text =>
            {
                Apply(text);
                Sender.Tell("taken: " + text);
            }));
            Command<NotesFor>(notes =>
            {
                if (notes.Texts is [var only])
                {
                    PersistFor(notes.Asker, only, text =>
                    {
                        Apply(text);
                        notes.Asker.Tell("taken: " + text);
                    });
                }
                else
                {
                    PersistAllFor(notes.Asker, notes.Texts, Apply, () => notes.Asker.Tell("taken: " + string.Concat(notes.Texts)));
                }
            });
            Command<Read>(_ => Sender.Tell((_text, string.Join(", ", _recovered))));
        }

        public override Recovery Recovery { get; }

        protected override bool KeepsEvents { get; }

        protected override object Unwritten => OwnWords;

        private void Apply(string text)
        {
            _text += text;
            SaveSnapshotEvery(EventsPerSnapshot, () => _text);
        }
    }
}
