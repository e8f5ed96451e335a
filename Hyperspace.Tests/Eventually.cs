using System.Diagnostics;
using System.Runtime.CompilerServices;
using Hyperspace.Host;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests;

/// <summary>Waits for what no event announces: looks again and again, less often as time goes by.</summary>
internal static class Eventually
{
    private const int TimeoutSeconds = 20;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(64);

    /// <summary>Returns when the condition holds.</summary>
    /// <exception cref="TimeoutException">It did not come to hold in time; says so in the words of <paramref name="what"/>.</exception>
    public static Task TrueAsync(Func<bool> condition, int timeoutSeconds = TimeoutSeconds, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), timeoutSeconds, what);

    /// <inheritdoc cref="TrueAsync(Func{bool}, int, string)"/>
    public static Task TrueAsync(Func<Task<bool>> condition, int timeoutSeconds = TimeoutSeconds, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        SeenAsync(condition, holds => holds, timeoutSeconds, what);

    /// <summary>What <paramref name="look"/> gives once it is as wanted.</summary>
    /// <exception cref="TimeoutException">It was not in time; says what it gave last.</exception>
    public static async Task<T> SeenAsync<T>(Func<Task<T>> look, Func<T, bool> wanted, int timeoutSeconds = TimeoutSeconds, [CallerArgumentExpression(nameof(wanted))] string what = "")
    {
        var (waiting, pause) = (Stopwatch.StartNew(), ShortestPause);
        while (true)
        {
            var seen = await look();
            if (wanted(seen))
            {
                return seen;
            }

            if (waiting.Elapsed.TotalSeconds > timeoutSeconds)
            {
                throw new TimeoutException($"After {timeoutSeconds} s it does not hold that {what}; what is seen is {seen}.");
            }

            await Task.Delay(pause);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Returns when the condition holds at processes, where a call that fails may be answered a moment later.</summary>
    /// <exception cref="TimeoutException">It did not come to hold in time; has the processes' logs.</exception>
    public static async Task TrueOfAsync(string what, Func<Task<bool>> condition, params (string Name, ChildPeer Peer)[] peers)
    {
        CommandException? last = null;
        try
        {
            await TrueAsync(LookAsync, 60, what);
        }
        catch (TimeoutException e)
        {
            var logs = await Task.WhenAll(peers.Select(async peer => $"{peer.Name}: {await File.ReadAllTextAsync(peer.Peer.LogFile)}"));
            throw new TimeoutException($"{e.Message} {last?.Message} {string.Join('\n', logs)}", e);
        }

        async Task<bool> LookAsync()
        {
            try
            {
                return await condition();
            }
            catch (CommandException e)
            {
                last = e;
                return false;
            }
        }
    }
}
