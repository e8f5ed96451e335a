using System.Diagnostics;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// Named steps at which a process can be told to die as by <c>kill -9</c>, so that tests can show that it recovers from
/// each. Off unless the environment variable <c>HYPERSPACE_FAULT</c> names one when the process starts.
/// </summary>
internal static class FaultPoints
{
    /// <summary>The environment variable.</summary>
    public const string Variable = "HYPERSPACE_FAULT";

    private static readonly string? Armed = Environment.GetEnvironmentVariable(Variable);

    /// <summary>Whether the process was told to die somewhere.</summary>
    public static bool IsArmed => Armed is not null;

    /// <summary>Kills the process here if it was told to.</summary>
    public static void Hit(string point)
    {
        if (Armed is not null && Armed == point)
        {
            Process.GetCurrentProcess().Kill();
            Thread.Sleep(Timeout.Infinite);
        }
    }
}
