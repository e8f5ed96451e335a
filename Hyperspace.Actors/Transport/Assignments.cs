using Akka.Actor;
using Akka.Event;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// What an actor works on for others: tasks of which a limited number run, a limited number wait for their turn, and any more are
/// refused at once, so that neither memory nor the actor's mailbox grows with those who ask. Each ends at its deadline, counted from the
/// asking. Failures are replies. Belongs to one actor; only the tasks themselves run elsewhere.
/// </summary>
/// <param name="self">The actor; it hands every <see cref="Ended"/> that it is told to <see cref="Finish"/>.</param>
/// <param name="log">Told of defects.</param>
/// <param name="maxRunning">Tasks that run at once.</param>
/// <param name="maxWaiting">Tasks that wait.</param>
internal sealed class Assignments(IActorRef self, ILoggingAdapter log, int maxRunning, int maxWaiting)
{
    private readonly Queue<Assignment> _waiting = [];
    private readonly HashSet<Assignment> _running = [];

    /// <summary>Takes a task on, or refuses it. The asker is told what the task returns.</summary>
    public void Take(IActorRef asker, TimeSpan deadline, Func<CancellationToken, Task<object>> work)
    {
        var assignment = new Assignment(asker, work, new CancellationTokenSource(deadline));
        if (_running.Count < maxRunning)
        {
            Start(assignment);
        }
        else if (_waiting.Count < maxWaiting)
        {
            _waiting.Enqueue(assignment);
        }
        else
        {
            assignment.Stop.Dispose();
            asker.Tell(new Refusal(ErrorCodes.RateLimited, $"{maxRunning} such requests are running and {maxWaiting} wait; try again when some have ended."));
        }
    }

    /// <summary>Answers the asker and starts the next.</summary>
    public void Finish(Ended ended)
    {
        if (ended.Defect is { } defect)
        {
            log.Error(defect, "A request failed in a way that nobody foresaw");
        }

        _running.Remove(ended.Assignment);
        ended.Assignment.Stop.Dispose();
        ended.Assignment.Asker.Tell(ended.Reply);
        if (_waiting.TryDequeue(out var next))
        {
            Start(next);
        }
    }

    /// <summary>The actor stops: tasks are cancelled, and nobody waits for an answer that cannot come.</summary>
    public void Abandon()
    {
        foreach (var assignment in _running.Concat(_waiting))
        {
            assignment.Stop.Cancel();
            assignment.Asker.Tell(new Refusal(ErrorCodes.Internal, "This part of the peer stopped before it had the answer; try again."));
        }
    }

    private void Start(Assignment assignment)
    {
        _running.Add(assignment);
        RunAsync(assignment).PipeTo(self);
    }

    private static async Task<Ended> RunAsync(Assignment assignment)
    {
        try
        {
            return new Ended(assignment, await assignment.Work(assignment.Stop.Token).ConfigureAwait(false), null);
        }
        catch (Exception e)
        {
            return new Ended(assignment, e switch
            {
                OperationCanceledException => new Refusal(ErrorCodes.Timeout, "The peers that were asked did not answer in time; try again."),
                IOException => new Refusal(ErrorCodes.PeerUnreachable, e.Message),
                ArgumentException => new Refusal(ErrorCodes.InvalidParams, e.Message),
                _ => new Refusal(ErrorCodes.Internal, e.Message),
            }, e is OperationCanceledException or IOException or ArgumentException ? null : e);
        }
    }

    /// <summary>A task has ended.</summary>
    /// <param name="Assignment">The task.</param>
    /// <param name="Reply">What its asker is told.</param>
    /// <param name="Defect">An exception that nobody foresaw.</param>
    public sealed record Ended(Assignment Assignment, object Reply, Exception? Defect);

    /// <summary>A task and who waits for it.</summary>
    public sealed class Assignment(IActorRef asker, Func<CancellationToken, Task<object>> work, CancellationTokenSource stop)
    {
        public IActorRef Asker { get; } = asker;

        public Func<CancellationToken, Task<object>> Work { get; } = work;

        public CancellationTokenSource Stop { get; } = stop;
    }
}
