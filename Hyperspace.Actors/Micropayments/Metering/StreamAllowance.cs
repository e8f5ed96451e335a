using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Metering;

/// <summary>
/// How much of a channel's balance one stream may use: its payer says so with every voucher, since other requests are paid
/// from the same balance. Safe for concurrent use.
/// </summary>
/// <param name="limit">What the first voucher allows.</param>
internal sealed class StreamAllowance(Amount limit)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _raised = NewSignal();

    /// <summary>What the stream may cost in all.</summary>
    public Amount Limit { get; private set; } = limit;

    /// <summary>Raises the limit; a lower one changes nothing.</summary>
    public void Raise(Amount limit)
    {
        TaskCompletionSource raised;
        lock (_gate)
        {
            if (limit <= Limit)
            {
                return;
            }

            Limit = limit;
            (raised, _raised) = (_raised, NewSignal());
        }

        raised.SetResult();
    }

    /// <summary>Waits until the limit is at least so much; false when the time is up.</summary>
    public async Task<bool> WaitAsync(Amount limit, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        var deadline = Task.Delay(patience, time, cancellationToken);
        while (true)
        {
            Task raised;
            lock (_gate)
            {
                if (Limit >= limit)
                {
                    return true;
                }

                raised = _raised.Task;
            }

            if (await Task.WhenAny(raised, deadline).ConfigureAwait(false) == deadline)
            {
                await deadline.ConfigureAwait(false);
                return false;
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
