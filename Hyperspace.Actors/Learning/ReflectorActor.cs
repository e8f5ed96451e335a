using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Reflects on this peer's finished runs of one task type, one after the other and off its own thread, and tells its parent what
/// was learnt. A few runs wait; when more come than the reflector can take, the oldest is judged by its outcome alone, and so is
/// a run on which the reflector failed: every run earns its bullets their credit.
/// </summary>
internal sealed class ReflectorActor : ReceiveActor
{
    /// <summary>Most runs that wait.</summary>
    public const int MaxWaiting = 16;

    private readonly IRunReflector _reflector;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<FinishedRun> _waiting = new();
    private readonly CancellationTokenSource _stopped = new();
    private bool _busy;
    private long _notReflected;

    public ReflectorActor(IRunReflector reflector)
    {
        _reflector = reflector;
        Receive<FinishedRun>(OnFinished);
        Receive<Done>(OnDone);
    }

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private void OnFinished(FinishedRun finished)
    {
        _waiting.Enqueue(finished);
        if (_waiting.Count > MaxWaiting)
        {
            Tell(_waiting.Dequeue(), null);
            _notReflected++;
            if (long.IsPow2(_notReflected))
            {
                _log.Warning("The reflector of {0} is too slow: {1} runs so far were judged by their outcome alone.", finished.TaskType, _notReflected);
            }
        }

        Next();
    }

    private void Next()
    {
        if (_busy || !_waiting.TryDequeue(out var finished))
        {
            return;
        }

        _busy = true;
        ReflectAsync(finished).PipeTo(Self);
    }

    private async Task<Done> ReflectAsync(FinishedRun finished)
    {
        try
        {
            return new Done(finished, await Task.Run(() => _reflector.ReflectAsync(finished, _stopped.Token), _stopped.Token).ConfigureAwait(false), null);
        }
        catch (Exception e)
        {
            // A model can fail in more ways than are known here, and none of them may cost a run its credit.
            return new Done(finished, null, ModelHttp.ReasonOf(e));
        }
    }

    private void OnDone(Done done)
    {
        if (done.Failure is not null)
        {
            _log.Warning("The model did not reflect on a run of {0}: {1}. The run was judged by its outcome alone.", done.Finished.TaskType, done.Failure);
        }

        Tell(done.Finished, done.Reflection);
        _busy = false;
        Next();
    }

    private static void Tell(FinishedRun finished, Reflection? reflection) =>
        Context.Parent.Tell(new PlaybookMessages.Reflected(reflection ?? OutcomeReflector.Reflect(finished), finished.Run.Id));

    private sealed record Done(FinishedRun Finished, Reflection? Reflection, string? Failure);
}
