using System.Collections.Frozen;

namespace Hyperspace.Actors.Reputation;

/// <summary>What follows from everything that is known, at one moment: a weight and a reputation per peer; immutable.</summary>
internal sealed class TrustTable
{
    private const double OwnCallsCount = 32;
    private const double RatingsCount = 8;
    private const double ReplaysCount = 4;

    private readonly string _self;
    private readonly FrozenDictionary<string, Row> _rows;
    private readonly double _ofStrangers;
    private readonly double _ofOtherWitnesses;

    private TrustTable(string self, FrozenDictionary<string, Row> rows, double ofStrangers, double ofOtherWitnesses)
    {
        _self = self;
        _rows = rows;
        _ofStrangers = ofStrangers;
        _ofOtherWitnesses = ofOtherWitnesses;
    }

    private readonly record struct Row(double Earned, double Weight, double Reputation, double Verified);

    /// <summary>True while too few peers are trusted to confirm anybody: unconfirmed authors then weigh <see cref="TrustRules.Provisional"/>.</summary>
    public bool AcceptsStrangers => _ofStrangers > 0;

    /// <summary>What follows from <paramref name="state"/> at <paramref name="now"/>.</summary>
    public static TrustTable Of(ReputationState state, DateTimeOffset now)
    {
        var raws = state.Peers.ToDictionary(p => p.Key, p => TrustRules.Raw(p.Value, state.Confirmations, now), StringComparer.Ordinal);
        var verified = state.Peers.Where(p => TrustRules.IsVerified(p.Value) && raws[p.Key] > 0).Select(p => p.Key).ToHashSet(StringComparer.Ordinal);

        // Those that only others vouch for set no standard for those that foretold what came out here.
        var reference = TrustRules.Reference(verified.Count > 0 ? verified.Select(p => raws[p]) : raws.Values);
        var ofStrangers = raws.Values.Count(raw => raw > 0) < state.Confirmations ? TrustRules.Provisional : 0;
        double Earned(string peerId) => peerId == state.Self ? 1 : raws.TryGetValue(peerId, out var raw) ? Math.Min(1, raw / reference) * TrustRules.Proven(state.Of(peerId), state.Confirmations) : 0;
        var rows = state.Peers.ToFrozenDictionary(
            p => p.Key,
            p =>
            {
                var earned = Earned(p.Key);
                var weight = earned > 0 || TrustRules.HasEvidence(p.Value, state.Confirmations) || TrustRules.IsDoubted(p.Value) ? earned : ofStrangers;
                return new Row(earned, weight, ReputationOf(p.Value, earned, p.Value.Ratings.Weighed(Earned, now), now), verified.Contains(p.Key) ? earned : 0);
            },
            StringComparer.Ordinal);
        return new TrustTable(state.Self, rows, ofStrangers, TrustRules.OtherWitnesses(rows.Values.Sum(r => r.Verified), state.Confirmations));
    }

    /// <summary>0 to 1: what an author's experience weighs.</summary>
    public double WeightOf(string peerId) => peerId == _self ? 1 : _rows.TryGetValue(peerId, out var row) ? row.Weight : _ofStrangers;

    /// <summary>0 to 1: what an author has earned, without what strangers are lent while nobody can confirm them.</summary>
    public double EarnedBy(string peerId) => peerId == _self ? 1 : _rows.TryGetValue(peerId, out var row) ? row.Earned : 0;

    /// <summary>0 to 1: what an author's word on other authors counts.</summary>
    public double WitnessWeightOf(string peerId) => Math.Max(_ofOtherWitnesses, _rows.TryGetValue(peerId, out var row) ? row.Verified : 0);

    /// <summary>0 to 1: how a provider stands.</summary>
    public double ReputationOf(string peerId) => _rows.TryGetValue(peerId, out var row) ? row.Reputation : Standing.Unknown;

    /// <summary>True when both tell the same of everyone.</summary>
    public bool SaysTheSameAs(TrustTable other) => _ofStrangers == other._ofStrangers && _ofOtherWitnesses == other._ofOtherWitnesses && _rows.Count == other._rows.Count
        && _rows.All(r => other._rows.TryGetValue(r.Key, out var row) && row == r.Value);

    /// <summary>What speaks for and against a peer as a provider, after caps and fading: own calls, ratings, replays.</summary>
    public static (Tally Calls, Tally Ratings, Tally Replays) EvidenceOf(PeerRecord record, double earned, Tally ratings, DateTimeOffset now) =>
        ((record.Calls * TrustRules.Faded(now - record.CallsAt)).AtMost(OwnCallsCount),
        ratings.AtMost(RatingsCount),
        record.CaughtAt is not null && earned == 0 ? new Tally(0, ReplaysCount) : new Tally(earned * ReplaysCount, 0));

    private static double ReputationOf(PeerRecord record, double earned, Tally ratings, DateTimeOffset now)
    {
        var (calls, rated, replays) = EvidenceOf(record, earned, ratings, now);
        var sum = calls + rated + replays;
        var reputation = (sum.For + 1) / (sum.Count + 2);

        // Exactly one half means that nothing is known.
        return sum.Count > 0 && reputation == Standing.Unknown ? Math.BitDecrement(reputation) : reputation;
    }
}
