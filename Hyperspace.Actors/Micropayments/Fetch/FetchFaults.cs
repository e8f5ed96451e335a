using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>The steps of a paid fetch at which a test lets the buyer's process die; each is hit by one.</summary>
internal static class FetchFaults
{
    /// <summary>The session has set the amount aside, and nothing was signed.</summary>
    public const string Reserved = "fetch.reserved";

    /// <summary>The authorization is journalled and was not sent.</summary>
    public const string Journalled = "fetch.journalled";

    /// <summary>The server has answered the payment, which is not journalled.</summary>
    public const string Answered = "fetch.answered";

    /// <summary>What became of the payment is journalled, and the session was not told.</summary>
    public const string Recorded = "fetch.recorded";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Reserved, Journalled, Answered, Recorded];

    /// <summary>Dies here if the process was told to.</summary>
    public static void Hit(string point) => FaultPoints.Hit(point);
}
