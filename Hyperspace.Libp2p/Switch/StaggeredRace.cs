namespace Hyperspace.Libp2p.Switch;

/// <summary>
/// Tries several ways to one end (after RFC 8305, Happy Eyeballs): the next starts when the last one failed, or did not succeed within a
/// while; the first that succeeds ends the others.
/// </summary>
internal static class StaggeredRace
{
    /// <summary>Runs the race.</summary>
    /// <param name="attempts">What to try, in order; each ends soon after its token is cancelled.</param>
    /// <param name="stagger">How long an attempt runs alone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="discard">Takes what an attempt brought after another had won.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <exception cref="IOException">All failed; the message has each one's.</exception>
    public static async Task<T> RunAsync<T>(
        IReadOnlyList<Func<CancellationToken, Task<T>>> attempts, TimeSpan stagger, TimeProvider time, Action<T> discard, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = new List<Task<T>>();
        var failures = new List<string>();
        var next = 0;
        try
        {
            while (true)
            {
                if (next < attempts.Count)
                {
                    running.Add(attempts[next++](over.Token));
                }
                else if (running.Count == 0)
                {
                    throw new IOException(string.Join("; ", failures));
                }

                while (running.Count > 0)
                {
                    var first = Task.WhenAny(running);
                    if (next < attempts.Count)
                    {
                        using var alone = new CancellationTokenSource();
                        var later = Task.Delay(stagger, time, alone.Token);
                        var due = await Task.WhenAny(first, later).ConfigureAwait(false) == later;
                        await alone.CancelAsync().ConfigureAwait(false);
                        if (due)
                        {
                            break;
                        }
                    }

                    var ended = await first.ConfigureAwait(false);
                    running.Remove(ended);
                    try
                    {
                        return await ended.ConfigureAwait(false);
                    }
                    catch (IOException e)
                    {
                        failures.Add(e.Message);
                        if (next < attempts.Count)
                        {
                            break;
                        }
                    }
                }
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            foreach (var loser in running)
            {
                _ = DiscardAsync(loser, discard);
            }
        }
    }

    private static async Task DiscardAsync<T>(Task<T> loser, Action<T> discard)
    {
        await ((Task)loser).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loser.IsCompletedSuccessfully)
        {
            discard(await loser.ConfigureAwait(false));
        }
    }
}
