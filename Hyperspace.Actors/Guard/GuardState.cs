using Hyperspace.Contracts;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.Guard;

/// <summary>
/// What the guard remembers of one session. It follows from the session's events alone, never from the policy, so a
/// replay under another policy gives the same state.
/// </summary>
/// <param name="WindowStart">When the current window of a second began.</param>
/// <param name="WindowCount">Operations begun in it.</param>
/// <param name="FailedCall">The operation and input that failed last.</param>
/// <param name="Failures">How often it failed in a row.</param>
internal sealed record GuardState(DateTimeOffset WindowStart, int WindowCount, string? FailedCall, int Failures)
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    // Nobody runs in circles because a peer is away.
    private static readonly string[] Transient = [ErrorCodes.PeerUnreachable, ErrorCodes.Timeout, ErrorCodes.PaymentPending, ErrorCodes.RateLimited];

    /// <summary>Nothing happened yet.</summary>
    public static GuardState Empty { get; } = new(DateTimeOffset.UnixEpoch, 0, null, 0);

    /// <summary>Operations begun in the window of <paramref name="now"/>.</summary>
    public int OperationsAt(DateTimeOffset now) => IsIn(now) ? WindowCount : 0;

    /// <summary>How often this very call failed in a row.</summary>
    public int RepeatedFailuresOf(string operation, string inputHash) => FailedCall == CallOf(operation, inputHash) ? Failures : 0;

    /// <summary>An operation began.</summary>
    public GuardState Began(DateTimeOffset at) => IsIn(at)
        ? this with { WindowCount = WindowCount + 1 }
        : this with { WindowStart = at, WindowCount = 1 };

    /// <summary>An operation came to its end.</summary>
    public GuardState Finished(string operation, string? inputHash, TraceStep step)
    {
        if (!step.Ok && Array.Exists(Transient, code => step.Error?.StartsWith(code, StringComparison.Ordinal) == true))
            return this;
        if (step.Ok || inputHash is null)
            return FailedCall is null ? this : this with { FailedCall = null, Failures = 0 };
        var call = CallOf(operation, inputHash);
        return this with { FailedCall = call, Failures = FailedCall == call ? Failures + 1 : 1 };
    }

    // A clock that was put back begins anew; else the window would last until it is where it was.
    private bool IsIn(DateTimeOffset at) => at >= WindowStart && at - WindowStart < Window;

    private static string CallOf(string operation, string inputHash) => $"{operation}\n{inputHash}";
}
