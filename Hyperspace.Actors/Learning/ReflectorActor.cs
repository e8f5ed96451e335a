using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Learning;

/// <summary>
/// Reflects on this peer's finished runs of one task type, one after the other and off its own thread, and answers with what
/// was learnt. A few runs wait; when more come than the reflector can take, the oldest is judged by its outcome alone, and so is
/// a run on which the reflector failed, or which waits when the actor stops: every run earns its bullets their credit.
/// </summary>
internal sealed class ReflectorActor : ReceiveActor
{
    /// <summary>Most runs that wait.</summary>
    public const int MaxWaiting = 16;

    private readonly IRunReflector _reflector;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly Queue<Waiting> _waiting = new();
    private readonly CancellationTokenSource _stopped = new();
    private Waiting? _reflecting;
    private long _notReflected;

    public ReflectorActor(IRunReflector reflector)
    {
        _reflector = reflector;
        Receive<FinishedRun>(OnFinished);
        Receive<Done>(OnDone);
        Receive<StopEntity>(_ =>
        {
            IEnumerable<Waiting> left = _reflecting is null ? _waiting : _waiting.Prepend(_reflecting);
            foreach (var run in left)
            {
                Answer(run, null);
            }

            Context.Stop(Self);
        });
    }

    protected override void PostStop()
    {
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private void OnFinished(FinishedRun finished)
    {
        _waiting.Enqueue(new Waiting(finished, Sender));
        if (_waiting.Count > MaxWaiting)
        {
            Answer(_waiting.Dequeue(), null);
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
        if (_reflecting is null && _waiting.TryDequeue(out _reflecting))
        {
            ReflectAsync(_reflecting.Run).PipeTo(Self, Self);
        }
    }

    private async Task<Done> ReflectAsync(FinishedRun finished)
    {
        var stopped = _stopped.Token;
        try
        {
            return new Done(await Task.Run(() => _reflector.ReflectAsync(finished, stopped), stopped).ConfigureAwait(false), null);
        }
        catch (Exception e)
        {
            // A model can fail in more ways than are known here, and none of them may cost a run its credit.
            return new Done(null, ModelHttp.ReasonOf(e));
        }
    }

    private void OnDone(Done done)
    {
        if (done.Failure is not null)
        {
            _log.Warning("The model did not reflect on a run of {0}: {1}. The run was judged by its outcome alone.", _reflecting!.Run.TaskType, done.Failure);
        }

        Answer(_reflecting!, done.Reflection);
        _reflecting = null;
        Next();
    }

    private static void Answer(Waiting waiting, Reflection? reflection) =>
        waiting.Asker.Tell(new PlaybookMessages.Reflected(reflection ?? OutcomeReflector.Reflect(waiting.Run), waiting.Run.Run.Id));

    private sealed record Waiting(FinishedRun Run, IActorRef Asker);

    private sealed record Done(Reflection? Reflection, string? Failure);
}
