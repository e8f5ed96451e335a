using Hyperspace.Fuzz.Engine;

namespace Hyperspace.Fuzz;

/// <summary>Results of asynchronous decoders over streams that never wait: they are there at once, on the same thread.</summary>
internal static class Waiting
{
    public static T Now<T>(this ValueTask<T> task)
    {
        Invariant.Holds(task.IsCompleted, "A decoder waited although all bytes were there.");
        return task.GetAwaiter().GetResult();
    }

    public static T Now<T>(this Task<T> task) => Now(new ValueTask<T>(task));
}
