using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Actors.Reputation;

/// <summary>From evidence to weights; pure. Reasons for the figures: docs/decisions, ADR-0023.</summary>
internal static class TrustRules
{
    /// <summary>Outcomes that must have been compared before anything counts.</summary>
    public const double LeastEvidence = 8;

    /// <summary>As many own outcomes weigh as much as all that the others say.</summary>
    public const double PriorStrength = 16;

    /// <summary>Outcomes that count as recent.</summary>
    public const double RecentWindow = 64;

    /// <summary>What an unconfirmed author weighs while too few peers are trusted to confirm anybody.</summary>
    public const double Provisional = 0.25;

    /// <summary>How long a peer that was found to lie takes to be heard in full again, once it foretells outcomes well.</summary>
    public static readonly TimeSpan Penance = TimeSpan.FromDays(1);

    /// <summary>Own calls and ratings count half after this time.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromDays(30);

    private const double Z = 1;
    private const double Sure = 2.5;
    private const double LeastToCatch = 16;
    private const double LeastToForgive = 64;
    private const double LeastReference = 0.1;

    /// <summary>What remains of evidence after a time.</summary>
    public static double Faded(TimeSpan age) => Math.Pow(0.5, Math.Max(0, age / HalfLife));

    /// <summary>True when a peer surely foretells own outcomes worse than a coin does: by all its sums or all its runs, or by what it said lately.</summary>
    public static bool Lies(PeerRecord record)
    {
        var watched = record.CaughtAt is null ? record.Recent : record.SinceCaught.AtMost(RecentWindow);
        return SurelyWrong(watched) || (record.CaughtAt is null && (SurelyWrong(record.Sums) || SurelyWrong(record.Runs) || SurelyWrong(record.Replays.GetValueOrDefault(ReplaySources.Recent))));
    }

    /// <summary>True when an author has foretold enough own outcomes, and more than it missed.</summary>
    public static bool IsVerified(PeerRecord record) => record.Own.Count >= LeastEvidence && record.Own.For > record.Own.Against;

    /// <summary>
    /// 0 to 1: what the word of an author on others counts that own outcomes do not bear out. Everything while nobody is
    /// verified; nothing once twice as many are, by weight, as it takes to confirm an author.
    /// </summary>
    public static double OtherWitnesses(double verified, int confirmations) => Math.Clamp(1 - (verified / (2 * Math.Max(1, confirmations))), 0, 1);

    /// <summary>True when there is enough to go by: own outcomes, or enough independent others that had the same.</summary>
    public static bool HasEvidence(PeerRecord record, int confirmations) =>
        record.Own.Count >= LeastEvidence || record.Afterwards.Count >= LeastEvidence || IsConfirmed(record, confirmations);

    /// <summary>How much an agreement counts: half of who only agrees with what it could have copied, and whom nobody bears out.</summary>
    public static double Proven(PeerRecord record, int confirmations) => IsVerified(record) || IsConfirmed(record, confirmations) ? 1 : 0.5;

    /// <summary>True when enough others bear an author out, and more than contradict it.</summary>
    public static bool IsConfirmed(PeerRecord record, int confirmations) =>
        record.Consensus.For >= confirmations && record.Consensus.For > record.Consensus.Against;

    /// <summary>True when something speaks against lending an author anything: it lied, or others or own outcomes contradict it.</summary>
    public static bool IsDoubted(PeerRecord record) =>
        record.CaughtAt is not null || record.Consensus.Against > record.Consensus.For || record.Afterwards.Upper(Z) < 0.5;

    /// <summary>
    /// 2·agreement − 1, at least 0, of the least agreement that is believable: of all that an author tells with own outcomes.
    /// Without these it is the agreement with the others. What was said lately can only lower it.
    /// </summary>
    public static double Raw(PeerRecord record, int confirmations, DateTimeOffset now)
    {
        if (!HasEvidence(record, confirmations))
        {
            return 0;
        }

        var prior = IsConfirmed(record, confirmations) ? record.Consensus.For / (record.Consensus.Count + 1) : 0.5;
        var agreement = new[]
        {
            Believable(record.Afterwards.Count > 0 ? record.Afterwards : record.Own, prior),
            record.Recent.Upper(Z * 2),
            record.Replays.GetValueOrDefault(ReplaySources.Recent).Upper(Z * 2),
        }.Min();
        return Math.Max(0, (2 * agreement) - 1) * Forgiven(record, now);
    }

    /// <summary>
    /// The agreement that makes a peer count in full: half of what the middle one has. Outcomes are noisy, so even who never
    /// lies does not foretell all of them; and a few that copy what came out set no standard.
    /// </summary>
    /// <param name="raws">Of all who set it; those above 0 count.</param>
    public static double Reference(IEnumerable<double> raws) =>
        raws.Where(raw => raw > 0).Order().ToList() is { Count: > 0 } ordered ? Math.Max(LeastReference, ordered[ordered.Count / 2] / 2) : LeastReference;

    // Shrunk towards what is thought without own outcomes, and lowered by one standard error.
    private static double Believable(Tally outcomes, double prior)
    {
        var count = outcomes.Count + PriorStrength;
        var rate = (outcomes.For + (prior * PriorStrength)) / count;
        return rate - (outcomes.Count > 0 ? Z * Math.Sqrt(rate * (1 - rate) / count) : 0);
    }

    private static double Forgiven(PeerRecord record, DateTimeOffset now) => record.CaughtAt is not { } caught ? 1
        : record.SinceCaught.Count < LeastToForgive || record.SinceCaught.Lower(Z) <= 0.5 ? 0
        : Math.Clamp((now - caught) / Penance, 0, 1);

    private static bool SurelyWrong(Tally tally) => tally.Count >= LeastToCatch && tally.Upper(Sure) < 0.5;
}
