using System.Text;
using Hyperspace.Contracts.State;

namespace Hyperspace.Actors.State;

/// <summary>How large a session may become; bytes are of UTF-8.</summary>
internal static class SessionLimits
{
    /// <summary>Longest id of a session, agent, reservation or channel, and longest operation name, in characters.</summary>
    public const int NameCharacters = 256;

    /// <summary>Largest context and largest result.</summary>
    public const int ContextBytes = 64 * 1024;

    /// <summary>Most steps of a trace.</summary>
    public const int Steps = 10_000;

    /// <summary>Most reservations open at once.</summary>
    public const int OpenReservations = 1024;

    /// <summary>Most of one input or output that a trace keeps.</summary>
    public const int StepTextBytes = 16 * 1024;

    /// <summary>Most of an error that a trace keeps.</summary>
    public const int ErrorBytes = 2 * 1024;

    /// <summary>Most of all inputs and outputs that a trace keeps: with it, a whole view fits one frame between processes.</summary>
    public const int TraceTextBytes = 4 * 1024 * 1024;

    /// <summary>Stands for an input or output that came after <see cref="TraceTextBytes"/>.</summary>
    public const string LeftOut = "[left out: the session's trace is full]";

    /// <summary>A step within the limits, at most <paramref name="textLeft"/> bytes of input and output.</summary>
    public static TraceStep Fit(TraceStep step, int textLeft)
    {
        var fitted = step with
        {
            Index = 0,
            Kind = Cut(step.Kind, NameCharacters)!,
            Name = Cut(step.Name, NameCharacters)!,
            Error = Cut(step.Error, ErrorBytes),
            Input = Cut(step.Input, StepTextBytes),
            Output = Cut(step.Output, StepTextBytes),
        };
        return TextBytes(fitted) <= textLeft ? fitted : fitted with { Input = fitted.Input is null ? null : LeftOut, Output = fitted.Output is null ? null : LeftOut };
    }

    /// <summary>Bytes that a step takes of <see cref="TraceTextBytes"/>.</summary>
    public static int TextBytes(TraceStep step) => BytesOf(step.Input) + BytesOf(step.Output);

    /// <summary>Bytes of a text.</summary>
    public static int BytesOf(string? text) => text is null or LeftOut ? 0 : Encoding.UTF8.GetByteCount(text);

    /// <summary>At most <paramref name="bytes"/> of <paramref name="text"/>, whole characters, and a mark that says how much is missing.</summary>
    private static string? Cut(string? text, int bytes)
    {
        if (text is null || BytesOf(text) is var all && all <= bytes)
            return text;
        const int mark = 48;
        var (kept, used) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (used + rune.Utf8SequenceLength > bytes - mark)
                break;
            used += rune.Utf8SequenceLength;
            kept += rune.Utf16SequenceLength;
        }

        return $"{text.AsSpan(0, kept)}… [cut: {all - used} of {all} bytes]";
    }
}
