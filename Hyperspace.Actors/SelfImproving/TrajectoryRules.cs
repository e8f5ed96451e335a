using System.Text;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>What a run must look like to be recorded here or accepted from another peer; pure.</summary>
public static class TrajectoryRules
{
    /// <summary>Most steps of a run.</summary>
    public const int MaxSteps = 256;

    /// <summary>Most tries that an author may count for a goal.</summary>
    public const int MaxTries = 1_000_000;

    /// <summary>Longest text field, in UTF-8 bytes.</summary>
    public const int MaxTextBytes = 16 * 1024;

    /// <summary>Longest step name or session id, in UTF-8 bytes.</summary>
    public const int MaxNameBytes = 256;

    /// <summary>Longest step kind, in UTF-8 bytes.</summary>
    public const int MaxKindBytes = 32;

    /// <summary>Largest envelope of a run, in bytes.</summary>
    public const int MaxEnvelopeBytes = 256 * 1024;

    /// <summary>Largest envelope of a run that another peer makes, in bytes: what is larger it shortens (<see cref="CompactRecord"/>).</summary>
    public const int MaxSharedBytes = 16 * 1024;

    /// <summary>Longest step.</summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromDays(30);

    private const int IdBytes = 32;
    private const int MaxTaskTypeLength = 64;
    private const long MaxUnixMs = 253_402_300_799_999;

    /// <summary>1 to 64 of <c>a–z 0–9 . _ -</c>, beginning with a letter or digit, without <c>..</c>: it names a topic and an entity.</summary>
    public static bool IsTaskType(string? taskType) =>
        taskType is { Length: >= 1 and <= MaxTaskTypeLength }
        && (char.IsAsciiLetterLower(taskType[0]) || char.IsAsciiDigit(taskType[0]))
        && taskType.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-')
        && !taskType.Contains("..", StringComparison.Ordinal);

    /// <summary>True for the form of a trajectory's id: 64 lower-case hex digits.</summary>
    public static bool IsTrajectoryId(string? text) => text is { Length: 2 * IdBytes } && text.All(char.IsAsciiHexDigitLower);

    /// <summary>The refusal of a task type that breaks <see cref="IsTaskType"/>.</summary>
    public static Refusal BadTaskType() => new(
        ErrorCodes.InvalidParams,
        "A taskType has 1 to 64 of a-z 0-9 . _ -, begins with a letter or digit, and has no '..' in it; rename it.");

    /// <summary>Null when the run keeps the rules; else why not.</summary>
    public static Refusal? Check(Trajectory run)
    {
        if (!IsTaskType(run.TaskType))
        {
            return BadTaskType();
        }

        // Written so that NaN fails, too.
        if (!(run.Reward >= 0 && run.Reward <= 1))
        {
            return Invalid("The reward must be a number from 0 to 1.");
        }

        if (run.Tries > MaxTries || run.Successes > run.Tries)
        {
            return Invalid($"A goal takes at most {MaxTries} tries, and no more of them go well.");
        }

        if (run.BodyHash.Length is not (0 or 32) || (run.BodyHash.Length == 0) != (run.BodyBytes == 0) || run.BodyBytes > MaxEnvelopeBytes)
        {
            return Invalid($"A shortened run names its whole by 32 bytes of sha2-256 and its size, at most {MaxEnvelopeBytes} bytes.");
        }

        if (run.RecordedMs > MaxUnixMs)
        {
            return Invalid("The time of recording is out of range.");
        }

        if (run.Repairs.Length is not (0 or IdBytes))
        {
            return Invalid("What a run repairs is named by its trajectory id.");
        }

        return run.Steps.Count > MaxSteps
            ? TooLarge($"A run has at most {MaxSteps} steps, not {run.Steps.Count}; record the ones that mattered.")
            : TextOf("input", run.Input) ?? TextOf("output", run.Output) ?? CheckSession(run.SessionId)
            ?? run.Steps.Select(CheckStep).FirstOrDefault(r => r is not null);
    }

    /// <summary>Null when a run may say that it ran in that session; else why not.</summary>
    public static Refusal? CheckSession(string? sessionId) => NameOf("sessionId", sessionId ?? "");

    /// <summary>Null when an envelope of that size may be kept; else why not.</summary>
    public static Refusal? CheckSize(int envelopeBytes) => envelopeBytes <= MaxEnvelopeBytes
        ? null
        : TooLarge($"The run has {envelopeBytes} bytes when it is signed; at most {MaxEnvelopeBytes} fit. Shorten inputs and outputs.");

    private static Refusal? CheckStep(TrajectoryStep step, int index)
    {
        var at = $"steps[{index}].";
        if (step.Kind.Length == 0 || step.Name.Length == 0)
        {
            return Invalid($"{at}kind and {at}name must not be empty.");
        }

        if (step.CostMicro > Amount.MaxMicroUnits || (step.Currency.Length > 0 && !Currency.TryParse(step.Currency, out _)))
        {
            return new Refusal(ErrorCodes.InvalidAmount, $"{at}cost is not an amount of a known form; give at most {Amount.MaxMicroUnits} micro-units of a currency such as USDC.");
        }

        return step.DurationUs > (ulong)MaxDuration.TotalMicroseconds
            ? Invalid($"{at}duration is over {MaxDuration.TotalDays:0} days.")
            : Limit(at + "kind", step.Kind, MaxKindBytes) ?? NameOf(at + "name", step.Name) ?? TextOf(at + "thought", step.Thought)
            ?? TextOf(at + "input", step.Input) ?? TextOf(at + "output", step.Output) ?? TextOf(at + "error", step.Error);
    }

    private static Refusal? TextOf(string field, string text) => Limit(field, text, MaxTextBytes);

    private static Refusal? NameOf(string field, string text) => Limit(field, text, MaxNameBytes);

    private static Refusal? Limit(string field, string text, int max) =>
        text.Length > max || Encoding.UTF8.GetByteCount(text) > max ? TooLarge($"{field} has more than {max} bytes; shorten it.") : null;

    private static Refusal Invalid(string message) => new(ErrorCodes.InvalidParams, message);

    private static Refusal TooLarge(string message) => new(ErrorCodes.TooLarge, message);
}
