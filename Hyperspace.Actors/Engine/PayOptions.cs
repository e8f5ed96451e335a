using System.Net;

namespace Hyperspace.Actors.Engine;

/// <summary>How this peer sells its priced tools to HTTP clients that pay by MPP or x402.</summary>
public sealed record PayOptions
{
    /// <summary>Where <c>/pay/{toolId}</c> is served.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>What clients see as the realm, and its public base address; null: <c>http://{Listen}</c>.</summary>
    public Uri? PublicUrl { get; init; }

    /// <summary>Most that one payer may owe on authorizations that are not settled on chain yet, in micro-units.</summary>
    public ulong MaxUnsettledMicro { get; init; } = 1_000_000;

    /// <summary>A payer's authorizations are settled once they come to this, in micro-units.</summary>
    public ulong SettleAtMicro { get; init; } = 250_000;

    /// <summary>An authorization is settled once it is this old, whatever it is worth.</summary>
    public TimeSpan SettleAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a challenge is good for; the authorization that answers it ends with it.</summary>
    public TimeSpan ChallengeLifetime { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>An authorization must be good for at least this long when it comes, to leave time to settle it.</summary>
    public TimeSpan MinValidity { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Requests a second from one address, with ten seconds' worth at once; more are answered with 429.</summary>
    public int RequestsPerSecond { get; init; } = 200;
}
