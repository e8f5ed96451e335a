using System.Collections.Concurrent;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// Runs that were paid for: one for each caller and request id, however many calls ask for it at once, and to its end even
/// when they all go away, so that one payment never buys two runs. Safe for concurrent use.
/// </summary>
internal sealed class PaidRuns(OutcomeCache outcomes, TimeProvider time)
{
    /// <summary>Most runs at once; a run may outlive its call, so the limits of calls don't bound them.</summary>
    public const int Capacity = 1024;

    /// <summary>The longest run, whatever its callers' deadlines.</summary>
    public static readonly TimeSpan MaxDuration = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(string Caller, string RequestId), (string Fingerprint, Lazy<Task<ToolOutcome>> Outcome)> _running = new();

    /// <summary>True when no further run may begin.</summary>
    public bool IsFull => _running.Count >= Capacity;

    /// <summary>True while the request's run goes on.</summary>
    public bool IsRunning(string caller, string requestId) => _running.ContainsKey((caller, requestId));

    /// <summary>
    /// The outcome of the request's run, which is begun unless it runs or has ended; null when the request id is of another
    /// call. Cancelling only ends the wait.
    /// </summary>
    /// <param name="caller">Who paid: a peer id, or a payer's address.</param>
    /// <param name="requestId">What was paid for.</param>
    /// <param name="fingerprint">What identifies the call's content.</param>
    /// <param name="run">Runs the tool.</param>
    /// <param name="ended">Told when there is an outcome, before anyone gets it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ToolOutcome?> JoinAsync(string caller, string requestId, string fingerprint, Func<CancellationToken, Task<ToolOutcome>> run, Action ended, CancellationToken cancellationToken)
    {
        var key = (caller, requestId);
        var own = new Lazy<Task<ToolOutcome>>(() => RunAsync(key, fingerprint, run, ended));
        var (asked, outcome) = _running.GetOrAdd(key, (fingerprint, own));
        return asked == fingerprint ? await outcome.Value.WaitAsync(cancellationToken).ConfigureAwait(false) : null;
    }

    private async Task<ToolOutcome> RunAsync((string Caller, string RequestId) key, string fingerprint, Func<CancellationToken, Task<ToolOutcome>> run, Action ended)
    {
        try
        {
            // One that ended between a caller's look and its turn here is in the cache by now.
            if (outcomes.Find(key.Caller, key.RequestId, fingerprint).Outcome is { } kept)
            {
                return kept;
            }

            using var limit = new CancellationTokenSource(MaxDuration, time);
            var outcome = await RunWithinAsync(run, limit.Token).ConfigureAwait(false);
            outcomes.Keep(key.Caller, key.RequestId, fingerprint, outcome);
            ended();
            return outcome;
        }
        finally
        {
            _running.TryRemove(key, out _);
        }
    }

    private static async Task<ToolOutcome> RunWithinAsync(Func<CancellationToken, Task<ToolOutcome>> run, CancellationToken limit)
    {
        try
        {
            return await run(limit).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return new ToolOutcome { Ok = false, Error = $"{ErrorCodes.Timeout}: The tool did not end within {MaxDuration.TotalMinutes:0} minutes." };
        }
    }
}
