namespace Hyperspace.Libp2p.AutoNat;

/// <summary>How a peer finds out whether others can dial it, and how it does others that favour.</summary>
public sealed record AutoNatOptions
{
    /// <summary>Answers that must agree for a verdict; the specification says more than three.</summary>
    public int Needed { get; init; } = 4;

    /// <summary>How long an answer counts.</summary>
    public TimeSpan AnswerAge { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Between two questions while the verdict is unknown.</summary>
    public TimeSpan EagerInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Between two questions once there is a verdict.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>For a question and its answer.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For dialing back one address.</summary>
    public TimeSpan DialTimeout { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Addresses of one request that are dialed back; more are left out.</summary>
    public int MaxDials { get; init; } = 4;

    /// <summary>Requests of one IP address (IPv6: of one /64) that are served per minute.</summary>
    public int RequestsPerMinutePerIp { get; init; } = 3;

    /// <summary>Requests that are served per minute in all.</summary>
    public int RequestsPerMinute { get; init; } = 30;

    /// <summary>
    /// Takes part with private and loopback addresses too: dials them back, and lets each peer (not each network) have its say. For
    /// networks that are no part of the internet, and for tests.
    /// </summary>
    public bool PrivateNetwork { get; init; }
}
