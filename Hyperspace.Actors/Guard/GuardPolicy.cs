using Hyperspace.Contracts;

namespace Hyperspace.Actors.Guard;

/// <summary>What sessions of this peer may do, beside their budgets. Patterns are whole operation names, or a prefix and <c>*</c>.</summary>
public sealed record GuardPolicy
{
    /// <summary>Operations that may run; null: every one that is not denied.</summary>
    public IReadOnlyList<string>? Allow { get; init; }

    /// <summary>Operations that may not run, whatever <see cref="Allow"/> says.</summary>
    public IReadOnlyList<string> Deny { get; init; } = [];

    /// <summary>Most operations that one session may begin in one window of a second.</summary>
    public int MaxOperationsPerSecond { get; init; } = 2000;

    /// <summary>
    /// How often in a row the same operation with the same input may fail before it is refused. Another operation, another
    /// input or a success starts the count again; failures of the network don't count.
    /// </summary>
    public int MaxRepeatedFailures { get; init; } = 8;

    /// <summary>Why an operation may not begin now, or null when it may; pure.</summary>
    internal Refusal? Check(GuardState state, string operation, string? inputHash, DateTimeOffset now)
    {
        if (Deny.Any(pattern => Matches(pattern, operation)))
            return new Refusal(ErrorCodes.OperationDenied, $"'{operation}' is on this peer's deny list; use another operation, or change the guard's policy.");
        if (Allow is { } allow && !allow.Any(pattern => Matches(pattern, operation)))
            return new Refusal(ErrorCodes.OperationDenied, $"'{operation}' is not on this peer's allow list; use another operation, or change the guard's policy.");
        if (state.OperationsAt(now) >= MaxOperationsPerSecond)
            return new Refusal(ErrorCodes.RateLimited, $"The session began {MaxOperationsPerSecond} operations within a second; wait a second.");
        return inputHash is not null && state.RepeatedFailuresOf(operation, inputHash) >= MaxRepeatedFailures
            ? new Refusal(ErrorCodes.LoopDetected, $"'{operation}' failed {MaxRepeatedFailures} times in a row with this input; change the input or use another operation.")
            : null;
    }

    private static bool Matches(string pattern, string operation) => pattern.EndsWith('*')
        ? operation.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : string.Equals(pattern, operation, StringComparison.Ordinal);
}
