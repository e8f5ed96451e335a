using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Reputation;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Matrix;

/// <summary>
/// All that the matrix knows, with its file behind it: what is changed here is in the file after the next
/// <see cref="MatrixStore.Commit"/>, and a new object on the same file goes on from there. No actor, no network, no clock.
/// For one thread at a time.
/// </summary>
internal sealed class MatrixState : IDisposable
{
    // From this weight on an author's votes help to choose the mixture.
    private const double Trusted = 0.5;

    private readonly string _self;
    private readonly ITrust? _trust;
    private readonly MatrixModel _model;
    private readonly MatrixRoom _room;
    private readonly LearnedLeg _learned;
    private readonly MatrixRanker _ranker;
    private readonly RecentSums _recent = new();
    private readonly Dictionary<string, Tally> _foretold = new(StringComparer.Ordinal);
    private Func<string, double> _weightOf;
    private long _weighed = -1;
    private int _weighedAuthors;

    /// <summary>Reads what the store holds.</summary>
    /// <param name="store">The file.</param>
    /// <param name="self">This peer.</param>
    /// <param name="trust">What the others weigh; null: all the same.</param>
    /// <param name="most">Most that the sums and envelopes weigh, see <see cref="MatrixRoom"/>.</param>
    public MatrixState(MatrixStore store, string self, ITrust? trust, long most = MatrixRoom.MaxSize)
    {
        (Store, _self, _trust, _weightOf) = (store, self, trust, trust is null ? _ => 1 : trust.WeightOf);
        _model = new MatrixModel(self);
        Proofs = store.LoadSums(_model);
        _model.Changed += Keep;
        _room = new MatrixRoom(_model, Proofs, trust, most);
        Own = store.LoadOutcomes();
        Index = new CapabilityIndex(store, self);
        _learned = new LearnedLeg(_model, self, WeightOf);
        _ranker = new MatrixRanker(Index, _learned);
        var counters = store.LoadCounters();
        _room.Shrink();
        store.Commit();
        Fusion = Fusion.Of([.. Fusion.Mixtures.Select((_, i) => counters.GetValueOrDefault($"credit-{i}", -1))], (int)counters.GetValueOrDefault("trials", -1));
    }

    /// <summary>The file.</summary>
    public MatrixStore Store { get; }

    /// <summary>Every author's sums.</summary>
    public MatrixModel Model => _model;

    /// <summary>What may be handed on.</summary>
    public MatrixProofs Proofs { get; }

    /// <summary>What need not be asked for.</summary>
    public UselessKeys Useless { get; } = new();

    /// <summary>The capabilities.</summary>
    public CapabilityIndex Index { get; }

    /// <summary>This peer's latest outcomes.</summary>
    public OwnOutcomes Own { get; private set; }

    /// <summary>Which mixture has proved best.</summary>
    public Fusion Fusion { get; private set; }

    /// <summary>This peer's capabilities of which the mesh has not been told all.</summary>
    public IEnumerable<string> Untold => _model.Of(_self).Where(s => s.Value.Outcomes > Proofs.OutcomesOf(_self, s.Key)).Select(s => s.Key);

    /// <summary>The capabilities that fit, best first.</summary>
    public IReadOnlyList<MatrixHit> Search(string query, IReadOnlyList<string> types, int limit, IReadOnlyList<Scored> embedded)
    {
        Weigh();
        return _ranker.Search(query, types, limit, Fusion.Best(embedded.Count > 0), embedded);
    }

    /// <summary>The scores of all that fit, 0 (exclusive) to 1.</summary>
    public IReadOnlyDictionary<string, double> Score(string query, IReadOnlyList<Scored> embedded)
    {
        Weigh();
        return _ranker.Scores(query, Fusion.Best(embedded.Count > 0), embedded);
    }

    /// <summary>Learns an outcome of this peer's own. Returns how many it has had of the capability; 0 when it can't be counted.</summary>
    public ulong Learn(string capability, string query, bool good, IReadOnlyList<Scored> embedded)
    {
        Validate([(capability, good)], query, embedded);
        return Count(capability, TermsOf(query), good);
    }

    /// <summary>
    /// Learns the outcomes of a run of this peer's own, which are all of one query: whatever came of a capability in it, that is one trial of the
    /// mixtures, made before anything of the run is learnt. Returns the capabilities of which something could be counted.
    /// </summary>
    public IReadOnlyCollection<string> Learn(IReadOnlyList<CapabilityOutcome> outcomes, string query, IReadOnlyList<Scored> embedded)
    {
        // What served in the end was the right choice, whatever it took.
        Validate([.. outcomes.GroupBy(o => o.Id, StringComparer.Ordinal).Select(g => (g.Key, g.Any(o => o.Ok)))], query, embedded);
        var terms = TermsOf(query);
        return outcomes.Where(o => Count(o.Id, terms, o.Ok) > 0).Select(o => o.Id).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Takes another's vote in. The author's next delta proves it.</summary>
    /// <param name="author">Who voted.</param>
    /// <param name="vote">What.</param>
    /// <param name="mayValidate">Whether it may help to choose the mixture, which costs a search. Asked only when it could.</param>
    public VoteFate Take(string author, MatrixVote vote, Func<bool> mayValidate)
    {
        if (_model.OutcomesOf(author) == 0 && (vote.Ordinal > 1 || !_room.Admits(author, 1)))
        {
            return vote.Ordinal > 1 ? VoteFate.Early : VoteFate.Refused;
        }

        if (vote.Ordinal == _model.Find(author, vote.Capability).Outcomes + 1 && !MatrixModel.IsOwn(author, vote.Capability)
            && WeightOf(author) >= Trusted && Index.Contains(vote.Capability) && mayValidate())
        {
            Validate([(vote.Capability, vote.Vote > 0)], vote.Query, []);
        }

        var fate = _model.Apply(author, vote.Capability, vote.Ordinal, TermsOf(vote.Query), vote.Vote > 0);
        _room.Shrink();
        return fate;
    }

    /// <summary>Takes a verified delta in, also one of this peer's own that it had lost. Returns whether something of it was new.</summary>
    public bool Take(SignedEnvelope envelope, IReadOnlyList<(string Capability, OutcomeSums Sums)> delta)
    {
        var (author, key) = (envelope.Author.ToString(), MatrixProofs.KeyOf(envelope));
        var (news, proves) = (false, false);
        if (_room.Admits(author, delta.Aggregate(0UL, (sum, d) => sum + d.Sums.Outcomes)))
        {
            foreach (var (capability, sums) in delta)
            {
                var fate = _model.Merge(author, capability, sums);
                news |= fate == SumsFate.News;
                if (fate != SumsFate.Refused && Proofs.Put(author, capability, sums.Outcomes, (key, envelope.Bytes.Length), fate == SumsFate.Same, out var forgotten))
                {
                    proves = true;
                    Store.PutProof(author, capability, sums.Outcomes, key);
                    Drop(forgotten);
                }
            }

            _room.Shrink();
        }

        if (!Proofs.Contains(key))
        {
            Useless.Add(key);
        }
        else if (proves)
        {
            Store.PutEnvelope(key, author, envelope.Bytes);
        }

        return news;
    }

    /// <summary>Envelopes that others want, as many as fit; the file is read only for those that it has.</summary>
    /// <param name="wanted">Their keys.</param>
    /// <param name="most">Bytes from which on no further one is added.</param>
    public IEnumerable<byte[]> EnvelopesOf(IEnumerable<ulong> wanted, int most)
    {
        foreach (var key in wanted.Where(Proofs.Contains))
        {
            if (most <= 0)
            {
                yield break;
            }

            if (Store.Envelope(key) is { } envelope)
            {
                most -= envelope.Length;
                yield return envelope;
            }
        }
    }

    /// <summary>Takes all that a peer offers. Returns for how many of its capabilities there was no room.</summary>
    public int Take(MatrixMessages.Offered offered)
    {
        var fitting = offered.Capabilities.Where(c => c.PeerId == offered.PeerId && MatrixModel.IsOwn(offered.PeerId, c.Id)).ToList();
        foreach (var gone in Index.OfPeer(offered.PeerId).Except(fitting.Select(c => c.Id), StringComparer.Ordinal).ToList())
        {
            Index.Remove(gone);
        }

        return fitting.Count(capability => !Index.Put(capability, offered.Expires.ToUnixTimeMilliseconds()));
    }

    /// <summary>What others had told when own outcomes came that were learnt since the last call. Not kept over a restart.</summary>
    public IReadOnlyList<Replay> TakeForetold()
    {
        IReadOnlyList<Replay> news = [.. _foretold.Select(f => new Replay(f.Key, f.Value.For, f.Value.Against))];
        _foretold.Clear();
        return news;
    }

    /// <summary>How the others' experience agrees with this peer's own outcomes.</summary>
    public IReadOnlyList<Replay> Replay() => Own.Count == 0 ? [] : Own.Replay(_model, _self, _learned.Rarity);

    /// <summary>The same of what each of them told lately.</summary>
    public IReadOnlyList<Replay> ReplayRecent()
    {
        _recent.Look(_model);
        return Own.Count == 0 ? [] : Own.Replay(_model, _self, _learned.Rarity, _recent.Before);
    }

    /// <summary>The others' experience, to be compared with each other's.</summary>
    public IReadOnlyList<Voice> Voices()
    {
        var authors = _model.Others.Order(StringComparer.Ordinal).ToList();
        return authors.ConvertAll(a => Voice.Of(a, _model.Of(a).SelectMany(s => OpinionsOf(s.Key, s.Value)), authors.Count));
    }

    public void Dispose() => Store.Dispose();

    // The key is only ever compared within this process.
    private static IEnumerable<KeyValuePair<ulong, int>> OpinionsOf(string capability, OutcomeSums sums)
    {
        var high = (ulong)(uint)capability.GetHashCode(StringComparison.Ordinal) << 32;
        for (var i = 0; i < sums.Terms.Length; i++)
        {
            yield return KeyValuePair.Create(high | sums.Terms[i], sums.GoodCounts[i].CompareTo(sums.BadCounts[i]));
        }
    }

    private static uint[] TermsOf(string query) => MatrixTerms.Of(CapabilityIndex.Spaced(query));

    // Asked before it is learnt and told: who foretold it did not copy it.
    private void Foretell(OwnOutcome outcome)
    {
        if (!Own.IsTelling(outcome))
        {
            return;
        }

        foreach (var author in _model.Others)
        {
            if (_model.Find(author, outcome.Capability) is { Outcomes: > 0 } sums && OwnOutcomes.Foretold(sums, outcome.Terms.AsSpan(), _learned.Rarity) is { } good)
            {
                _foretold[author] = _foretold.GetValueOrDefault(author) + Tally.Of(good == outcome.Good);
            }
        }
    }

    private double WeightOf(string author) => _weightOf(author);

    private void Weigh()
    {
        if (_trust is { Version: var version } && (version != _weighed || _model.Authors.Count != _weighedAuthors))
        {
            (_weighed, _weighedAuthors) = (version, _model.Authors.Count);
            _weightOf = LentWeight.Shared(_model.Authors, _trust.WeightOf, _trust.EarnedBy);
            _learned.Weigh(WeightOf);
        }
    }

    // Asked before it is learnt, else every mixture would know the answer.
    private void Validate(IReadOnlyList<(string Capability, bool Good)> outcomes, string query, IReadOnlyList<Scored> embedded)
    {
        var known = outcomes.Where(o => Index.Contains(o.Capability)).ToList();
        if (known.Count == 0)
        {
            return;
        }

        Weigh();
        var candidates = _ranker.Candidates(query, embedded);
        Fusion = known.Aggregate(Fusion, (fusion, o) => fusion.With(MatrixRanker.Ranks(candidates, o.Capability, embedded.Count > 0), o.Good));
        for (var i = 0; i < Fusion.Credits.Length; i++)
        {
            Store.PutCounter($"credit-{i}", Fusion.Credits[i]);
        }

        Store.PutCounter("trials", Fusion.Trials);
    }

    private ulong Count(string capability, uint[] terms, bool good)
    {
        var outcome = new OwnOutcome(capability, [.. terms], good);
        Foretell(outcome);
        var outcomes = _model.Record(MatrixModel.IsOwn(_self, capability) ? "" : _self, capability, terms, good);
        if (outcomes > 0)
        {
            Own = Own.With(outcome);
            Store.PutOutcome(outcome);
        }

        return outcomes;
    }

    private void Keep(SumsChange change)
    {
        Store.PutSums(change.Author, change.Capability, change.After);
        if (change.After.Outcomes == 0)
        {
            Store.RemoveProof(change.Author, change.Capability);
            Drop(Proofs.Remove(change.Author, change.Capability));
        }
    }

    private void Drop(ulong? key)
    {
        if (key is { } gone)
        {
            Store.RemoveEnvelope(gone);
            Useless.Add(gone);
        }
    }
}
