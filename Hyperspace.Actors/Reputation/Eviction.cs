namespace Hyperspace.Actors.Reputation;

/// <summary>
/// What is forgotten when memory is full; pure. What strangers say protects nobody, so that whoever makes up peers and ratings
/// pushes out its own and nothing that this peer found out itself.
/// </summary>
internal static class Eviction
{
    // By what stands behind a record: this peer's own doing cannot be made up by others.
    private const int OwnDoing = 4;
    private const int Caught = 3;
    private const int OwnOutcomes = 2;
    private const int TrustedWord = 1;

    /// <summary>The <paramref name="count"/> peers with the least evidence, ties by id.</summary>
    public static IEnumerable<string> Peers(ReputationState state, int count, DateTimeOffset now)
    {
        var trusts = Trusts(state, now);
        return state.Peers
            .Select(p => (Id: p.Key, Worth: WorthOf(p.Value, state.Self, trusts)))
            .OrderBy(p => p.Worth)
            .ThenBy(p => p.Id, StringComparer.Ordinal)
            .Take(count)
            .Select(p => p.Id);
    }

    /// <summary>
    /// By ratee, the ratings beyond <paramref name="kept"/>: first those of raters that are not trusted, then of whoever said most, the
    /// oldest. This peer's own word stays.
    /// </summary>
    public static ILookup<string, (string Rater, string ReceiptId)> Ratings(ReputationState state, int kept, DateTimeOffset now)
    {
        var trusts = Trusts(state, now);
        return state.Peers
            .SelectMany(p => p.Value.Ratings.Raters.SelectMany(r => r.Value.Values.Select(entry => (Ratee: p.Key, Rater: r.Key, Entry: entry))))
            .GroupBy(r => r.Rater, StringComparer.Ordinal)
            .SelectMany(said => said
                .OrderByDescending(r => r.Entry.Stamp)
                .ThenBy(r => r.Ratee, StringComparer.Ordinal)
                .ThenBy(r => r.Entry.ReceiptId, StringComparer.Ordinal)
                .Select((r, later) => (Rating: r, Rank: said.Key == state.Self ? 0 : trusts(said.Key) ? 1 : 2, Later: later)))
            .OrderBy(r => r.Rank)
            .ThenBy(r => r.Later)
            .ThenBy(r => r.Rating.Rater, StringComparer.Ordinal)
            .Skip(kept)
            .Where(r => r.Rank > 0)
            .ToLookup(r => r.Rating.Ratee, r => (r.Rating.Rater, r.Rating.Entry.ReceiptId), StringComparer.Ordinal);
    }

    private static (int Kind, double Count) WorthOf(PeerRecord record, string self, Func<string, bool> trusts) => record switch
    {
        { Calls.Count: > 0 } or { PaidCalls: > 0 } => (OwnDoing, record.Calls.Count),
        _ when record.Ratings.Raters.ContainsKey(self) => (OwnDoing, 1),
        { CaughtAt: not null } => (Caught, record.Own.Count),
        _ when record.Own is { Count: > 0 } own => (OwnOutcomes, own.Count),
        _ when record.Ratings.Raters.Keys.Count(trusts) is > 0 and var raters => (TrustedWord, raters),

        // Agreeing with what this peer told already is cheap.
        _ => (0, record.Consensus.Count + record.Afterwards.Count),
    };

    private static Func<string, bool> Trusts(ReputationState state, DateTimeOffset now)
    {
        var known = new Dictionary<string, bool>(StringComparer.Ordinal);
        return rater =>
        {
            if (!known.TryGetValue(rater, out var trusted))
            {
                known[rater] = trusted = state.Trusts(rater, now);
            }

            return trusted;
        };
    }
}
