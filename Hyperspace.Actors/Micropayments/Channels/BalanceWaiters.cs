using Akka.Actor;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>Streams that stand still until vouchers come; belongs to one actor.</summary>
/// <param name="timers">The actor's.</param>
internal sealed class BalanceWaiters(ITimerScheduler timers)
{
    private readonly Dictionary<long, (MeteringCommands.AwaitBalance Wait, IActorRef Asker)> _waiting = [];
    private long _next;

    /// <summary>How many wait.</summary>
    public int Count => _waiting.Count;

    /// <summary>Keeps one waiting until its time is up; the actor is then told <see cref="Overdue"/>.</summary>
    public void Add(MeteringCommands.AwaitBalance wait, IActorRef asker)
    {
        var id = _next++;
        _waiting.Add(id, (wait, asker));
        timers.StartSingleTimer((nameof(BalanceWaiters), id), new Overdue(id), wait.Timeout);
    }

    /// <summary>Answers those for whom there is an answer now.</summary>
    public void Answer(Func<MeteringCommands.AwaitBalance, object?> answerTo)
    {
        foreach (var (id, (wait, asker)) in _waiting.ToList())
        {
            if (answerTo(wait) is { } answer)
            {
                timers.Cancel((nameof(BalanceWaiters), id));
                _waiting.Remove(id);
                asker.Tell(answer);
            }
        }
    }

    /// <summary>Answers one whose time is up, unless it was answered.</summary>
    public void Expire(Overdue overdue, Func<MeteringCommands.AwaitBalance, object> answerTo)
    {
        if (_waiting.Remove(overdue.Id, out var late))
        {
            late.Asker.Tell(answerTo(late.Wait));
        }
    }

    /// <summary>A waiter's time is up.</summary>
    public sealed record Overdue(long Id);
}
