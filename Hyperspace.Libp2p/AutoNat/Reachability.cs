namespace Hyperspace.Libp2p.AutoNat;

/// <summary>Whether others can dial this peer.</summary>
public enum Reachability
{
    /// <summary>Too few have tried.</summary>
    Unknown,

    /// <summary>They can.</summary>
    Public,

    /// <summary>They cannot: it is behind a NAT or a firewall.</summary>
    Private,
}

/// <summary>How a server answers a request to be dialed back (libp2p/specs autonat).</summary>
public enum DialBackStatus
{
    /// <summary>It reached an address.</summary>
    Ok = 0,

    /// <summary>It reached none.</summary>
    DialError = 100,

    /// <summary>It does not dial any of these.</summary>
    DialRefused = 101,

    /// <summary>It could not read the request.</summary>
    BadRequest = 200,

    /// <summary>It failed.</summary>
    InternalError = 300,
}

/// <summary>
/// What the answers of others say together (libp2p/specs autonat: more than three that agree). Each network counts once, with its
/// last answer, so that one host with many names does not decide; a verdict stands until as many say otherwise and they are more.
/// Immutable; answers are forgotten when they are old.
/// </summary>
public sealed record ReachabilityState
{
    private const int MaxVotes = 32;

    /// <summary>Nobody answered yet.</summary>
    /// <param name="needed">How many must agree for a verdict.</param>
    /// <param name="maxAge">How long an answer counts.</param>
    public ReachabilityState(int needed, TimeSpan maxAge)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(needed);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(needed, MaxVotes / 2);
        Needed = needed;
        MaxAge = maxAge;
    }

    /// <summary>How many must agree for a verdict.</summary>
    public int Needed { get; }

    /// <summary>How long an answer counts.</summary>
    public TimeSpan MaxAge { get; }

    /// <summary>What the answers say together.</summary>
    public Reachability Verdict { get; private init; }

    /// <summary>How many answers stand behind the verdict more than against it.</summary>
    public int Confidence { get; private init; }

    private IReadOnlyList<(string Voter, bool Reached, DateTimeOffset At)> Votes { get; init; } = [];

    /// <summary>Counts one answer.</summary>
    /// <param name="voter">The network that the server is in.</param>
    /// <param name="reached">True for <see cref="DialBackStatus.Ok"/>, false for <see cref="DialBackStatus.DialError"/>; others are no answer.</param>
    /// <param name="now">The time.</param>
    public ReachabilityState Observe(string voter, bool reached, DateTimeOffset now)
    {
        (string, bool, DateTimeOffset)[] votes = [(voter, reached, now), .. Votes.Where(v => v.Voter != voter && now - v.At < MaxAge).Take(MaxVotes - 1)];
        var yes = votes.Count(v => v.Item2);
        var no = votes.Length - yes;
        var verdict = yes >= Needed && (yes > no || (yes == no && Verdict == Reachability.Public)) ? Reachability.Public
            : no >= Needed && (no > yes || (no == yes && Verdict == Reachability.Private)) ? Reachability.Private
            : Verdict;
        return this with
        {
            Votes = votes,
            Verdict = verdict,
            Confidence = verdict switch { Reachability.Public => yes - no, Reachability.Private => no - yes, _ => 0 },
        };
    }
}
