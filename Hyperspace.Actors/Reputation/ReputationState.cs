using System.Collections.Immutable;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>
/// What this peer knows about the others; immutable and pure. <see cref="TrustTable"/> tells what follows from it. Bounded:
/// beyond <see cref="MaxPeers"/> nobody new is remembered unless somebody about whom nothing is known can be forgotten.
/// </summary>
internal sealed class ReputationState
{
    /// <summary>Peers that are remembered.</summary>
    public const int MaxPeers = 10_000;

    private readonly ImmutableDictionary<string, PeerRecord> _peers;

    private ReputationState(string self, int confirmations, ImmutableDictionary<string, PeerRecord> peers)
    {
        Self = self;
        Confirmations = confirmations;
        _peers = peers;
    }

    /// <summary>This peer's id: it trusts itself, and says nothing about itself.</summary>
    public string Self { get; }

    /// <summary>Trusted peers that there must be before unconfirmed ones are put into quarantine.</summary>
    public int Confirmations { get; }

    /// <summary>What is known, by peer.</summary>
    public IReadOnlyDictionary<string, PeerRecord> Peers => _peers;

    /// <summary>Nothing is known.</summary>
    public static ReputationState Empty(string self, int confirmations) =>
        new(self, confirmations, ImmutableDictionary.Create<string, PeerRecord>(StringComparer.Ordinal));

    /// <summary>What is known about a peer.</summary>
    public PeerRecord Of(string peerId) => _peers.GetValueOrDefault(peerId) ?? PeerRecord.Empty;

    /// <summary>The authors whose counts have changed; null when none have.</summary>
    public ReplaysTaken? Decide(ReputationCommands.Replayed command, DateTimeOffset now)
    {
        var changed = command.Replays
            .Where(r => r.PeerId != Self && double.IsFinite(r.Agreed) && double.IsFinite(r.Disagreed) && r.Agreed >= 0 && r.Disagreed >= 0)
            .DistinctBy(r => r.PeerId, StringComparer.Ordinal)
            .Where(r => Of(r.PeerId).Replays.GetValueOrDefault(command.Source) != new Tally(r.Agreed, r.Disagreed))
            .ToList();
        return changed.Count > 0 ? new ReplaysTaken(command.Source, changed, now) : null;
    }

    /// <summary>The call; null when it was of this peer itself.</summary>
    public CallNoted? Decide(ReputationCommands.Called command, DateTimeOffset now) =>
        command.PeerId == Self ? null : new CallNoted(command.PeerId, command.Ok, command.Paid, now);

    /// <summary>The rating; null when it tells nothing new.</summary>
    public RatingTaken? Decide(string ratee, string rater, RatingEntry entry, DateTimeOffset now) =>
        rater == ratee || ratee == Self || Of(ratee).Ratings.With(rater, entry) == Of(ratee).Ratings ? null : new RatingTaken(ratee, rater, entry, now);

    /// <summary>The state after an event.</summary>
    public ReputationState Apply(IReputationEvent e) => e switch
    {
        ReplaysTaken taken => taken.Replays.Aggregate(this, (state, replay) =>
            state.With(replay.PeerId, p => p.Replayed(taken.Source, new Tally(replay.Agreed, replay.Disagreed), taken.At))),
        CallNoted call => With(call.PeerId, p => p with
        {
            Calls = (p.Calls * TrustRules.Faded(call.At - p.CallsAt)) + (call.Ok ? new Tally(1, 0) : new Tally(0, 1)),
            CallsAt = call.At,
            PaidCalls = p.PaidCalls + (call.Paid ? 1 : 0),
        }),
        RatingTaken rating => With(rating.Ratee, p => p with { Ratings = p.Ratings.With(rating.Rater, rating.Entry) }),
        _ => throw new ArgumentOutOfRangeException(nameof(e), e, "Not an event of reputation."),
    };

    /// <summary>The state with a peer's record as a snapshot held it.</summary>
    public ReputationState Restored(string peerId, PeerRecord record) => new(Self, Confirmations, _peers.SetItem(peerId, record));

    private ReputationState With(string peerId, Func<PeerRecord, PeerRecord> change)
    {
        var peers = _peers;
        if (!peers.TryGetValue(peerId, out var record) && peers.Count >= MaxPeers)
        {
            if (peers.Where(p => p.Value.IsNegligible).Select(p => p.Key).Min(StringComparer.Ordinal) is not { } forgettable)
            {
                return this;
            }

            peers = peers.Remove(forgettable);
        }

        return new ReputationState(Self, Confirmations, peers.SetItem(peerId, change(record ?? PeerRecord.Empty)));
    }
}
