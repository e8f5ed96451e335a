using Hyperspace.Actors.SelfImproving;
using Hyperspace.Actors.SelfImproving.Curation;
using Hyperspace.Contracts.SelfImproving;

namespace Hyperspace.Actors.Learning;

/// <summary>What fits into a context.</summary>
/// <param name="Bullets">The best bullets that fit.</param>
/// <param name="Exemplars">The best exemplars that fit into the rest.</param>
/// <param name="Tokens">Tokens of the texts of both.</param>
internal sealed record FittedContext(IReadOnlyList<BulletView> Bullets, IReadOnlyList<KeptTrajectory> Exemplars, int Tokens);

/// <summary>Fits bullets, then exemplars, into a number of tokens: the best first, and what does not fit gives way to the next; pure.</summary>
internal static class ContextFit
{
    /// <summary>Exemplars without a budget.</summary>
    public const int DefaultExemplars = 3;

    /// <summary>Exemplars within a budget.</summary>
    public const int MaxExemplars = 8;

    // No token has more characters: what is longer than the budget allows need not be counted.
    private const int MaxCharactersPerToken = 128;

    // What is not among the first this many does not get in by being short.
    private const int MaxTried = 64;

    /// <summary>The context.</summary>
    /// <param name="bullets">Best first. What only authors say whose word counts for nothing comes into it only while there is nothing else.</param>
    /// <param name="exemplars">Best first.</param>
    /// <param name="maxBullets">Most bullets.</param>
    /// <param name="budget">Most tokens; null: unbounded.</param>
    /// <param name="count">Tokens of a text.</param>
    public static FittedContext Fit(IReadOnlyList<BulletView> bullets, IEnumerable<Exemplar> exemplars, int maxBullets, int? budget, Func<string, int> count)
    {
        var left = budget ?? int.MaxValue;
        IReadOnlyList<T> Take<T>(IEnumerable<T> candidates, int most, Func<T, string> textOf)
        {
            var taken = new List<T>();
            foreach (var candidate in candidates)
            {
                if (taken.Count == most || left <= 0)
                {
                    break;
                }

                var text = textOf(candidate);
                if (text.Length <= (long)left * MaxCharactersPerToken && count(text) is var tokens && tokens <= left)
                {
                    taken.Add(candidate);
                    left -= tokens;
                }
            }

            return taken;
        }

        var heard = bullets.Where(bullet => bullet.Authors > 0).ToList();
        var chosen = Take((heard.Count > 0 ? heard : bullets).Take(Math.Max(maxBullets, MaxTried)), maxBullets, TextOf);
        var examples = Take(exemplars.Select(exemplar => exemplar.Run).Take(MaxTried), budget is null ? DefaultExemplars : MaxExemplars, TextOf);
        return new FittedContext(chosen, examples, (budget ?? int.MaxValue) - left);
    }

    /// <summary>A bullet as a line of a prompt.</summary>
    public static string TextOf(BulletView bullet) => $"- {bullet.Text}\n";

    /// <summary>A run as text of a prompt: what was asked, each step with what came of it, the answer.</summary>
    public static string TextOf(KeptTrajectory kept)
    {
        var run = kept.Parse();
        return $"{run.Input}\n{string.Concat(run.Steps.Select(step => $"{step.Thought}\n{step.Name} {step.Input}\n{step.Output}{step.Error}\n"))}{run.Output}\n";
    }
}
