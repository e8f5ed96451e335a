using System.Diagnostics;

namespace Hyperspace.Fuzz.Engine;

/// <summary>What an input brought to light.</summary>
/// <param name="Kind">One word: the exception's type, <c>allocation</c> or <c>slow</c>.</param>
/// <param name="Detail">What happened.</param>
public sealed record Finding(string Kind, string Detail);

/// <summary>Executes an input and judges it by its target's promises.</summary>
public static class Execution
{
    /// <summary>One input may not take longer, measured at its fastest of <see cref="Attempts"/>. Far above any honest input, so that a loaded machine does not matter.</summary>
    public static readonly TimeSpan Slow = TimeSpan.FromSeconds(2);

    /// <summary>An allocation or a duration counts when it is repeated: the first execution may initialise types, a later one be interrupted.</summary>
    private const int Attempts = 4;

    /// <summary>Null when every promise held.</summary>
    public static Finding? Judge(FuzzTarget target, byte[] input)
    {
        var bound = target.AllocationConstant + (target.AllocationPerByte * input.Length);
        for (var attempt = 1; ; attempt++)
        {
            var (finding, allocated, elapsed) = Once(target, input);
            if (finding is not null)
            {
                return finding;
            }

            if (allocated <= bound && elapsed <= Slow)
            {
                return null;
            }

            if (attempt == Attempts)
            {
                return allocated > bound
                    ? new Finding("allocation", $"{allocated} bytes for an input of {input.Length}; at most {bound} are allowed.")
                    : new Finding("slow", $"{elapsed.TotalSeconds:F1} s for an input of {input.Length} bytes.");
            }
        }
    }

    private static (Finding? Finding, long Allocated, TimeSpan Elapsed) Once(FuzzTarget target, byte[] input)
    {
        var start = Stopwatch.GetTimestamp();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Finding? finding = null;
        try
        {
            target.Run(input);
        }
        catch (Exception e) when (e is not BrokenInvariantException && target.Expects(e))
        {
            // The protocol's own error: what bad input is for.
        }
        catch (Exception e)
        {
            finding = new Finding(e.GetType().Name, e.ToString());
        }

        return (finding, GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start));
    }
}
