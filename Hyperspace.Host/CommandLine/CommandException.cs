namespace Hyperspace.Host.CommandLine;

/// <summary>A failure that the command line tells in one sentence.</summary>
/// <param name="message">The sentence.</param>
/// <param name="code">The stable code, when the failure has one.</param>
/// <param name="exitCode">1 failed, 2 wrong usage.</param>
internal sealed class CommandException(string message, string? code = null, int exitCode = 1) : Exception(message)
{
    private const int UsageExitCode = 2;

    public string? Code { get; } = code;

    public int ExitCode { get; } = exitCode;

    /// <summary>Wrong usage: what was given, on the command line or in the environment, cannot be meant.</summary>
    public static CommandException Usage(string message) => new(message, "USAGE", UsageExitCode);
}
