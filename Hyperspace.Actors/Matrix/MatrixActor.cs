using System.Security.Cryptography;
using Akka.Actor;
using Akka.Event;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Transport;
using Microsoft.Data.Sqlite;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// Search over every capability that this peer knows, and what is learnt of their use: persists in <c>matrix.db</c>, then replies
/// and gossips. What comes while a commit waits goes into the same one.
/// </summary>
internal sealed partial class MatrixActor : ReceiveActor, IWithTimers
{
    // So long outcomes gather before they go out as one delta.
    private static readonly TimeSpan Debounce = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMinutes(1);

    // What was of no use is asked for again after one to two of them.
    private static readonly TimeSpan UselessInterval = TimeSpan.FromMinutes(15);

    // A vote of another costs a search when it helps to choose the mixture.
    private const int ValidationsPerSecond = 8;

    private readonly MatrixServices _services;
    private readonly IReadOnlyActorRegistry _registry;
    private readonly string _self;
    private readonly IActorRef _gossip;
    private readonly MatrixState _state;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly List<(Action Done, IActorRef? Asker)> _afterCommit = [];
    private readonly HashSet<string> _untold = new(StringComparer.Ordinal);
    private long _validationSecond;
    private int _validations;
    private bool _committing;

    /// <summary>Opens the file.</summary>
    public MatrixActor(MatrixServices services, IReadOnlyActorRegistry registry)
    {
        _services = services;
        _registry = registry;
        _self = services.Identity.PeerId.ToString();
        _gossip = registry.Get<ActorKeys.Gossip>();
        var store = MatrixStore.Open(services.DataDirectory, out var replaced);
        if (replaced is not null)
        {
            _log.Warning("The matrix begins anew: its file was put aside, because {0}. Neighbours give back what was gossiped.", replaced);
        }

        _state = new MatrixState(store, _self, services.Trust);
        if (services.Embedder is { } model)
        {
            _embedder = ModelEmbedder.Of(model, out var missing);
            if (_embedder is null)
            {
                _log.Warning("Nothing is embedded, the other legs of the search go on: {0}", missing);
            }
            else
            {
                _embeddings = new EmbeddingLeg(store, model.NameOfVectors());
                _state.Index.Removed += _embeddings.Remove;
                _state.Index.Removed += _turns.Forget;
            }
        }

        Receive<MatrixCommands.Search>(Search);
        Receive<MatrixMessages.Score>(score => WithEmbedding(score.Query, Sender, hits => new MatrixMessages.Scores(_state.Score(score.Query, hits))));
        Receive<MatrixMessages.GetDigest>(_ => Sender.Tell(new MatrixMessages.Digest(SHA256.HashData(_state.Model.ToCanonicalBytes()))));
        Receive<MatrixCommands.Feedback>(Feedback);
        Receive<MatrixCommands.Observe>(Observe);
        Receive<GossipReceived>(Hear);
        Receive<Tick>(OnTick);
        Receive<GossipSubscribed>(_ => { });
        Receive<GossipPublished>(_ => { });
        Receive<Refusal>(refusal => _log.Warning("What was learnt of capabilities was not gossiped: {0}", refusal.Message));
        ReceivesOfOffers();
        ReceivesOfSync();
        ReceivesOfEmbedding();
        ReceivesOfJudging();
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        _gossip.Tell(new GossipCommands.Subscribe(Topics.MatrixFeedback));
        _gossip.Tell(new GossipCommands.Subscribe(Topics.MatrixModel));
        Timers.StartPeriodicTimer(Tick.Expire, Tick.Expire, ExpiryInterval);
        Timers.StartPeriodicTimer(Tick.Age, Tick.Age, UselessInterval);
        foreach (var untold in _state.Untold)
        {
            Tell(untold);
        }

        Judge();
        StartSync();
    }

    protected override void PostStop()
    {
        StopSync();
        if (_state.Store.IsDirty)
        {
            try
            {
                _state.Store.Commit();
            }
            catch (SqliteException e)
            {
                _log.Warning(e, "What the matrix learnt at last was not written.");
            }
        }

        _embedder?.Dispose();
        _state.Dispose();
    }

    private void Search(MatrixCommands.Search search)
    {
        if (MatrixChecks.Of(search) is { } refusal)
        {
            Sender.Tell(refusal);
            return;
        }

        WithEmbedding(search.Query, Sender, hits => new MatrixHits(_state.Search(search.Query, search.Types, search.Limit, hits)));
    }

    private void Feedback(MatrixCommands.Feedback vote)
    {
        // What is learnt leaves this peer: the vote as text, the sums as hashed words.
        var query = Redaction.Apply(vote.Query);
        if (MatrixChecks.Of(vote with { Query = query }, _self) is { } refusal)
        {
            Sender.Tell(refusal);
            return;
        }

        var ordinal = _state.Learn(vote.Id, query, vote.Vote > 0, EmbeddedHits(vote.Query));
        if (ordinal == 0)
        {
            Sender.Tell(new Refusal(ErrorCodes.TooLarge, $"This peer has learnt of {MatrixModel.MaxCapabilities} capabilities already; further ones find no room."));
            return;
        }

        var (asker, self) = (Sender, Self);
        CommitSoon(
            () =>
            {
                var envelope = MatrixGossip.SealVote(_services.Identity, vote.Id, query, vote.Vote > 0, ordinal, _services.Clock.Next());
                _gossip.Tell(new GossipCommands.Publish(Topics.MatrixFeedback, envelope.Bytes.ToArray()), self);
                asker.Tell(new MatrixVoteTaken(ordinal), self);
            },
            asker);
        Tell(vote.Id);
        JudgeSoon();
    }

    private void Observe(MatrixCommands.Observe seen)
    {
        var query = Redaction.Apply(seen.Query);
        List<CapabilityOutcome> outcomes = [.. seen.Outcomes.Where(outcome => MatrixChecks.CanLearn(outcome.Id, query))];
        if (outcomes.Count > 0 && _state.Store.PutRun(seen.RunId))
        {
            foreach (var learnt in _state.Learn(outcomes, query, EmbeddedHits(seen.Query)))
            {
                Tell(learnt);
                JudgeSoon();
            }
        }

        var (asker, self) = (Sender, Self);
        CommitSoon(() => asker.Tell(new RunObserved(seen.RunId), self));
    }

    private void Hear(GossipReceived message)
    {
        if (SignedEnvelope.Open(message.Data, _services.Time.GetUtcNow(), out _) is not { } envelope)
        {
            return;
        }

        var author = envelope.Author.ToString();
        if (message.Topic == Topics.MatrixFeedback && author != _self && MatrixGossip.ReadVotes(envelope) is { } votes)
        {
            foreach (var vote in votes.Votes)
            {
                if (_state.Take(author, vote, MayValidate) == VoteFate.Applied)
                {
                    JudgeSoon();
                }
            }

            CommitSoon();
        }
        else if (message.Topic == Topics.MatrixModel && MatrixGossip.ReadDelta(envelope) is { } delta)
        {
            Take(envelope, delta);
        }
    }

    private bool Take(SignedEnvelope envelope, IReadOnlyList<(string Capability, OutcomeSums Sums)> delta)
    {
        var news = _state.Take(envelope, delta);
        if (news)
        {
            JudgeSoon();
        }

        CommitSoon();
        return news;
    }

    private bool MayValidate()
    {
        var second = _services.Time.GetUtcNow().ToUnixTimeSeconds();
        _validations = second == _validationSecond ? _validations + 1 : 1;
        _validationSecond = second;
        return _validations <= ValidationsPerSecond;
    }

    private void OnTick(Tick tick)
    {
        if (ReferenceEquals(tick, Tick.Commit))
        {
            Commit();
        }
        else if (ReferenceEquals(tick, Tick.Publish))
        {
            Publish();
        }
        else if (ReferenceEquals(tick, Tick.Judge))
        {
            Judge();
        }
        else if (ReferenceEquals(tick, Tick.Expire))
        {
            _state.Index.Expire(_services.Time.GetUtcNow().ToUnixTimeMilliseconds());
            CommitSoon();
        }
        else if (ReferenceEquals(tick, Tick.Age))
        {
            _state.Useless.Age();
        }
        else
        {
            SyncWithSomebody();
        }
    }

    // Behind what waits in the mailbox now: all of that goes into one commit.
    private void CommitSoon(Action? done = null, IActorRef? asker = null)
    {
        if (done is not null)
        {
            _afterCommit.Add((done, asker));
        }

        if (!_committing && (_state.Store.IsDirty || done is not null))
        {
            _committing = true;
            Self.Tell(Tick.Commit);
        }
    }

    private void Commit()
    {
        _committing = false;
        var waiting = _afterCommit.ToList();
        _afterCommit.Clear();
        try
        {
            _state.Store.Commit();
        }
        catch (SqliteException)
        {
            foreach (var (_, asker) in waiting)
            {
                asker?.Tell(new Refusal(ErrorCodes.JournalFailed, "The vote was not written, so it does not count; check the disk of the data directory and vote again."));
            }

            // What is in memory is not on the disk: start anew from the disk.
            throw;
        }

        waiting.ForEach(w => w.Done());
    }

    private void Tell(string capability)
    {
        if (!MatrixModel.IsOwn(_self, capability) && _untold.Add(capability) && _untold.Count == 1)
        {
            Timers.StartSingleTimer(Tick.Publish, Tick.Publish, Debounce);
        }
    }

    private void Publish()
    {
        var sums = _untold.Order(StringComparer.Ordinal).Select(c => _state.Model.Find(_self, c).ToWire(c)).Where(s => s.Outcomes > 0).ToList();
        _untold.Clear();
        var self = Self;
        foreach (var (envelope, content) in MatrixGossip.SealDeltas(_services.Identity, sums, _services.Clock.Next))
        {
            _state.Take(envelope, [.. content.Select(s => (s.Capability, _state.Model.Find(_self, s.Capability)))]);
            CommitSoon(() => _gossip.Tell(new GossipCommands.Publish(Topics.MatrixModel, envelope.Bytes.ToArray()), self));
        }
    }

    private sealed record Tick(string Name)
    {
        public static readonly Tick Commit = new("commit");
        public static readonly Tick Publish = new("publish");
        public static readonly Tick Judge = new("judge");
        public static readonly Tick Expire = new("expire");
        public static readonly Tick Age = new("age");
        public static readonly Tick Sync = new("sync");
    }
}
