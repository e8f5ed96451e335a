using System.Globalization;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>Says why a peer stands as it does; pure.</summary>
internal static class Explanations
{
    /// <summary>The view of one peer, with a sentence for each kind of evidence that there is.</summary>
    public static ReputationView Of(ReputationState state, TrustTable table, string peerId, DateTimeOffset now)
    {
        var (record, weight) = (state.Of(peerId), table.WeightOf(peerId));
        var earned = table.EarnedBy(peerId);
        var (calls, ratings, _) = TrustTable.EvidenceOf(record, earned, record.Ratings.Weighed(table.EarnedBy, now), now);
        List<ReputationReason> reasons = [];
        if (peerId == state.Self)
        {
            reasons.Add(Reason("quarantine", default, "This is the peer itself: its own outcomes count in full."));
            return new ReputationView(peerId, table.ReputationOf(peerId), weight, Quarantined: false, reasons);
        }

        if (record.Own is { Count: > 0 } replayed)
        {
            reasons.Add(Reason("replay", replayed, $"Of {replayed.Count:0} outcomes that this peer had itself, its experience would have foretold {replayed.For:0} ({replayed.For / replayed.Count:P0})."));
        }

        if (record.Recent is { Count: > 0 } recent && recent.Upper(2) < 0.5)
        {
            reasons.Add(Reason("replay", recent, $"What it said lately foretells outcomes wrongly: {recent.Against:0} of {recent.Count:0}."));
        }

        if (record.Consensus is { Count: > 0 } consensus)
        {
            reasons.Add(Reason("consensus", consensus, $"Others who say the same: about {consensus.For:0.#}; who say the opposite: about {consensus.Against:0.#}. This counts less the more own outcomes there are."));
        }

        if (calls.Count > 0)
        {
            reasons.Add(Reason("calls", calls, $"This peer called it: about {calls.For:0.#} calls went well and {calls.Against:0.#} failed, older ones counted less; {record.PaidCalls} were paid for."));
        }

        if (!record.Ratings.Raters.IsEmpty)
        {
            var own = record.Ratings.Raters.ContainsKey(state.Self);
            var others = record.Ratings.Raters.Count - (own ? 1 : 0);
            reasons.Add(Reason("ratings", ratings, others == 0
                ? $"This peer's own agent rated it."
                : $"{(own ? "This peer's own agent rated it, and " : "")}{others} {(own ? "more" : "rated it")} with receipts; each counts once at most, and as much as it is trusted here."));
        }

        if (record.CaughtAt is { } caught)
        {
            reasons.Add(Reason("caught", record.SinceCaught, $"On {caught.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)} UTC it was found to say what is surely wrong. Since then it foretold {record.SinceCaught.For:0} outcomes and missed {record.SinceCaught.Against:0}."));
        }

        reasons.Add(Reason("quarantine", default, Verdict(state, record, earned, weight)));
        return new ReputationView(peerId, table.ReputationOf(peerId), weight, weight == 0, reasons);
    }

    private static string Verdict(ReputationState state, PeerRecord record, double earned, double weight) => (earned, weight) switch
    {
        ( > 0, _) => $"Its experience counts with a weight of {weight:0.##}.",
        (_, > 0) => $"Nobody can confirm it yet, so its experience counts with a weight of {weight:0.##} for now.",
        _ when record.CaughtAt is not null => "Its experience is kept and does not count until it has foretold outcomes well for a while.",
        _ when TrustRules.HasEvidence(record, state.Confirmations) => "Its experience agrees with outcomes no more often than chance does, so it does not count.",
        _ => $"It is in quarantine: its experience counts once {TrustRules.LeastEvidence:0} own outcomes could be compared, or {state.Confirmations} independent peers say the same.",
    };

    private static ReputationReason Reason(string kind, Tally tally, FormattableString text) =>
        new(kind, Math.Round(tally.For, 3), Math.Round(tally.Against, 3), text.ToString(CultureInfo.InvariantCulture));

    private static ReputationReason Reason(string kind, Tally tally, string text) => new(kind, tally.For, tally.Against, text);
}
