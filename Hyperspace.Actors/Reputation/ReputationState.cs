using System.Collections.Immutable;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>
/// What this peer knows about the others; immutable and pure. <see cref="TrustTable"/> tells what follows from it. Bounded:
/// beyond <see cref="MaxPeers"/> and <see cref="MaxRatings"/> what has the least evidence is forgotten (<see cref="Eviction"/>).
/// </summary>
internal sealed class ReputationState
{
    /// <summary>Peers that are remembered.</summary>
    public const int MaxPeers = 10_000;

    /// <summary>Ratings that are remembered, of all peers together.</summary>
    public const int MaxRatings = 16_384;

    /// <summary>Receipts of this peer's own payments that are held to rate by; the oldest are forgotten.</summary>
    public const int MaxReceipts = 512;

    private const string OwnWord = "own";

    // What is left when ratings are forgotten: many at once, since all have to be looked at.
    private const int KeptRatings = MaxRatings / 8 * 7;
    private readonly ImmutableDictionary<string, PeerRecord> _peers;
    private readonly int _ratings;

    private ReputationState(string self, int confirmations, ImmutableDictionary<string, PeerRecord> peers, int ratings, ImmutableList<HeldReceipt> receipts)
    {
        Self = self;
        Confirmations = confirmations;
        _peers = peers;
        _ratings = ratings;
        Receipts = receipts;
    }

    /// <summary>This peer's id: it trusts itself, and says nothing about itself.</summary>
    public string Self { get; }

    /// <summary>Trusted peers that there must be before unconfirmed ones are put into quarantine.</summary>
    public int Confirmations { get; }

    /// <summary>What is known, by peer.</summary>
    public IReadOnlyDictionary<string, PeerRecord> Peers => _peers;

    /// <summary>Receipts of this peer's own payments, oldest first.</summary>
    public ImmutableList<HeldReceipt> Receipts { get; }

    /// <summary>Nothing is known.</summary>
    public static ReputationState Empty(string self, int confirmations) =>
        new(self, confirmations, ImmutableDictionary.Create<string, PeerRecord>(StringComparer.Ordinal), 0, []);

    /// <summary>What is known about a peer.</summary>
    public PeerRecord Of(string peerId) => _peers.GetValueOrDefault(peerId) ?? PeerRecord.Empty;

    /// <summary>True when a peer's word weighs anything by what it has earned.</summary>
    public bool Trusts(string peerId, DateTimeOffset now) => peerId == Self || TrustRules.Raw(Of(peerId), Confirmations, now) > 0;

    /// <summary>The authors whose counts have changed, without those that would be forgotten at once; null when there are none.</summary>
    public ReplaysTaken? Decide(ReputationCommands.Replayed command, DateTimeOffset now)
    {
        var changed = command.Replays
            .Where(r => r.PeerId != Self && double.IsFinite(r.Agreed) && double.IsFinite(r.Disagreed) && r.Agreed >= 0 && r.Disagreed >= 0)
            .Concat(command.Source == ReplaySources.Recent ? Ended(command.Source) : [])
            .DistinctBy(r => r.PeerId, StringComparer.Ordinal)
            .Where(r => Of(r.PeerId).Replays.GetValueOrDefault(command.Source) != new Tally(r.Agreed, r.Disagreed))
            .ToList();
        if (changed.Count(r => !_peers.ContainsKey(r.PeerId)) > MaxPeers - _peers.Count)
        {
            var after = Apply(new ReplaysTaken(command.Source, changed, now));
            changed.RemoveAll(r => !after._peers.ContainsKey(r.PeerId));
        }

        return changed.Count > 0 ? new ReplaysTaken(command.Source, changed, now) : null;
    }

    /// <summary>The authors' counts with the news; null when there are none.</summary>
    public ReplaysTaken? Decide(ReputationCommands.Foretold command, DateTimeOffset now)
    {
        var source = ReplaySources.Foretold(command.Source);
        var sums = command.News
            .GroupBy(r => r.PeerId, StringComparer.Ordinal)
            .Select(g => (g.Key, Sum: g.Aggregate(Of(g.Key).Replays.GetValueOrDefault(source), (sum, r) => sum + new Tally(r.Agreed, r.Disagreed))))
            .Select(s => new Replay(s.Key, s.Sum.For, s.Sum.Against));
        return Decide(new ReputationCommands.Replayed(source, [.. sums]), now);
    }

    /// <summary>The call; null when it was of this peer itself. A receipt that is not of this payment, its amount and its time is left out.</summary>
    public CallNoted? Decide(ReputationCommands.Called command, DateTimeOffset now)
    {
        var receipt = command.Paid?.Receipt is { } bytes ? Ratings.ReadReceipt(bytes, out _) : null;
        var isOurs = receipt is not null && receipt.Payee == command.PeerId && receipt.Content.Payer == Self && IsTrue(receipt, command.Paid!, now)
            && Receipts.TrueForAll(r => r.Payee != receipt.Payee || r.Content.RequestId != receipt.Content.RequestId);
        return command.PeerId == Self ? null : new CallNoted(command.PeerId, command.Ok, command.Paid is not null, now, isOurs ? receipt! with { SessionId = command.SessionId } : null);
    }

    /// <summary>
    /// The rating; null when it tells nothing new, somebody rates itself or this peer, or memory is full and a stranger speaks of
    /// another one.
    /// </summary>
    public RatingTaken? Decide(HeardRating heard, DateTimeOffset now) =>
        heard.Rater == heard.Ratee || heard.Ratee == Self || (_peers.Count >= MaxPeers && !_peers.ContainsKey(heard.Ratee) && !Trusts(heard.Rater, now))
        || Rated(Of(heard.Ratee), heard.Rater, heard.Entry, now).Ratings == Of(heard.Ratee).Ratings
            ? null
            : new RatingTaken(heard.Ratee, heard.Rater, heard.Entry, now);

    /// <summary>
    /// This peer's own word on others, which here counts in full whatever was paid; and the receipts by which it can be told
    /// to all, at most one of each peer and none that others would find too old.
    /// </summary>
    /// <param name="command">Whom and how.</param>
    /// <param name="stamp">The rating's, greater than all before.</param>
    /// <param name="now">The time.</param>
    public (IReadOnlyList<RatingTaken> Events, IReadOnlyList<HeldReceipt> Receipts, Refusal? Refusal) Decide(ReputationCommands.Rate command, ulong stamp, DateTimeOffset now)
    {
        if (new[] { command.PeerId, command.SessionId, command.RequestId }.Count(given => given is not null) != 1)
        {
            return Refused("Give exactly one of peerId, sessionId and requestId.");
        }

        if (double.IsNaN(command.Value) || command.Value is < -1 or > 1)
        {
            return Refused("value is -1 (bad) to 1 (good).");
        }

        if (command.PeerId == Self)
        {
            return Refused("A peer does not rate itself.");
        }

        var receipts = Receipts
            .Where(r => command.PeerId is { } peer ? r.Payee == peer : command.SessionId is { } session ? r.SessionId == session : r.Content.RequestId == command.RequestId)
            .GroupBy(r => r.Payee, StringComparer.Ordinal)
            .Select(g => g.Last())
            .ToList();
        var peers = command.PeerId is { } named ? [named] : receipts.ConvertAll(r => r.Payee);
        return peers.Count == 0
            ? Refused("No receipt of such a payment is held; rate the provider by its peerId.")
            : (peers.ConvertAll(p => new RatingTaken(p, Self, new RatingEntry(OwnWord, command.Value, (ulong)RatingBook.FullMicros, now, stamp), now)), [.. receipts.Where(r => Ratings.IsFresh(r, now))], null);

        static (IReadOnlyList<RatingTaken>, IReadOnlyList<HeldReceipt>, Refusal?) Refused(string message) => ([], [], new Refusal(ErrorCodes.InvalidParams, message));
    }

    /// <summary>The state after an event.</summary>
    public ReputationState Apply(IReputationEvent e) => (e switch
    {
        ReplaysTaken taken => taken.Replays.Aggregate(this, (state, replay) =>
            state.With(replay.PeerId, p => p.Replayed(taken.Source, new Tally(replay.Agreed, replay.Disagreed), taken.At))),
        CallNoted call => With(call.PeerId, p => p with
        {
            Calls = (p.Calls * TrustRules.Faded(call.At - p.CallsAt)) + (call.Ok ? new Tally(1, 0) : new Tally(0, 1)),
            CallsAt = call.At,
            PaidCalls = p.PaidCalls + (call.Paid ? 1 : 0),
        }).Holding(call.Receipt),
        RatingTaken rating => With(rating.Ratee, p => Rated(p, rating.Rater, rating.Entry, rating.At)),
        _ => throw new ArgumentOutOfRangeException(nameof(e), e, "Not an event of reputation."),
    }).Bounded(e.At);

    /// <summary>The state with a peer's record as a snapshot held it.</summary>
    public ReputationState Restored(string peerId, PeerRecord record) => With(peerId, _ => record);

    /// <summary>The state with one more receipt, if there is one.</summary>
    public ReputationState Holding(HeldReceipt? receipt)
    {
        if (receipt is null)
        {
            return this;
        }

        var receipts = Receipts.Add(receipt);
        return new ReputationState(Self, Confirmations, _peers, _ratings, receipts.Count > MaxReceipts ? receipts.RemoveAt(0) : receipts);
    }

    /// <summary>
    /// What a report takes back of each author that it does not name. Of what is recent only: who said nothing lately is left out
    /// there, while elsewhere an author is left out when it can't be compared any more, and what it foretold stays true.
    /// </summary>
    private IEnumerable<Replay> Ended(string source) => _peers.Where(p => p.Value.Replays.ContainsKey(source)).Select(p => new Replay(p.Key, 0, 0));

    /// <summary>Else the payee would decide what its customers' ratings weigh.</summary>
    private static bool IsTrue(HeldReceipt receipt, PaidCall paid, DateTimeOffset now)
    {
        var amount = receipt.Content.AmountMicro;
        return receipt.Content.Currency == paid.Cost.Currency.ToString() && Ratings.IsOf(receipt, paid.Since, now)
            && (amount == paid.Cost.MicroUnits || (paid.InParts && amount < paid.Cost.MicroUnits));
    }

    private PeerRecord Rated(PeerRecord ratee, string rater, RatingEntry entry, DateTimeOffset at) =>
        ratee with { Ratings = ratee.Ratings.With(rater, entry, Self, r => Trusts(r, at)) };

    private ReputationState With(string peerId, Func<PeerRecord, PeerRecord> change)
    {
        var before = Of(peerId);
        var after = change(before);
        return new ReputationState(Self, Confirmations, _peers.SetItem(peerId, after), _ratings - before.Ratings.Count + after.Ratings.Count, Receipts);
    }

    private ReputationState Bounded(DateTimeOffset now)
    {
        var state = this;
        if (_peers.Count > MaxPeers)
        {
            var forgotten = Eviction.Peers(this, _peers.Count - MaxPeers, now).ToList();
            state = new ReputationState(Self, Confirmations, _peers.RemoveRange(forgotten), _ratings - forgotten.Sum(p => Of(p).Ratings.Count), Receipts);
        }

        return state._ratings <= MaxRatings
            ? state
            : Eviction.Ratings(state, KeptRatings, now).Aggregate(state, (kept, ratings) => kept.With(ratings.Key, p => p with { Ratings = p.Ratings.Without(ratings) }));
    }
}
