using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>A claim about what comes of doing something, or what came of it here.</summary>
/// <param name="Author">Who had the outcome.</param>
/// <param name="Subject">What was done and for what, as text that is equal when it is the same: goal, tool and parameters.</param>
/// <param name="Good">Whether it went well.</param>
internal readonly record struct Claim(string Author, string Subject, bool Good);

/// <summary>Replays others' claims on this peer's own outcomes; pure.</summary>
internal static class Agreement
{
    /// <summary>
    /// Per author, on how many of this peer's own subjects the majority of its claims is what happened here. A subject counts
    /// once, however often either side claims it; one that is undecided on a side does not count. Report it under
    /// <see cref="ReplaySources.TaskType"/>.
    /// </summary>
    /// <param name="self">This peer: its claims are the outcomes, the others' are judged.</param>
    /// <param name="claims">Everybody's.</param>
    /// <returns>An entry per author that could be judged, ordered by author.</returns>
    public static IReadOnlyList<Replay> Of(string self, IEnumerable<Claim> claims)
    {
        var balances = claims
            .GroupBy(c => (c.Author, c.Subject))
            .Select(g => (g.Key.Author, g.Key.Subject, Sign: Math.Sign(g.Sum(c => c.Good ? 1 : -1))))
            .Where(b => b.Sign != 0)
            .ToList();
        var own = balances.Where(b => b.Author == self).ToDictionary(b => b.Subject, b => b.Sign, StringComparer.Ordinal);
        return
        [
            .. balances
                .Where(b => b.Author != self && own.ContainsKey(b.Subject))
                .GroupBy(b => b.Author, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new Replay(g.Key, g.Count(b => own[b.Subject] == b.Sign), g.Count(b => own[b.Subject] != b.Sign))),
        ];
    }
}
