using Akka.Actor;
using Hyperspace.Contracts;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Keeps one actor running, and remembers what that actor must not forget: one that has stopped, for whatever reason, is made
/// anew and told again. Commands that come in between are refused. Nothing below it, no connection and no stream, ends with the actor.
/// </summary>
internal abstract partial class Guardian : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private readonly Props _props;
    private readonly ILogger _logger;
    private IActorRef? _child;

    protected Guardian(Props child, ILogger logger)
    {
        _props = child;
        _logger = logger;
        Receive<Terminated>(m =>
        {
            if (m.ActorRef.Equals(_child))
            {
                LogStopped(Self.Path.Name);
                _child = null;
                Timers.StartSingleTimer(nameof(Renew), Renew.Instance, Pause);
            }
            else
            {
                Gone(m.ActorRef);
            }
        });
        Receive<Renew>(_ => Start());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Start();

    // Stopped rather than restarted: a restart would forget what it was told, unseen.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    /// <summary>Tells the new actor what the last one knew.</summary>
    protected abstract void Resume(IActorRef child);

    /// <summary>An actor that this one watches for its own reasons has stopped.</summary>
    protected virtual void Gone(IActorRef watched)
    {
    }

    /// <summary>Passes a command on; one that expects an answer gets it here when there is nobody to give it.</summary>
    protected void Pass(object command)
    {
        if (_child is not null)
        {
            _child.Forward(command);
        }
        else
        {
            Sender.Tell(new Refusal(ErrorCodes.RateLimited, "This part of the peer is being restarted; try again in a moment."));
        }
    }

    /// <summary>Passes on what <see cref="Resume"/> would tell otherwise.</summary>
    protected void PassIfRunning(object command) => _child?.Forward(command);

    private void Start()
    {
        _child = Context.Watch(Context.ActorOf(_props));
        Resume(_child);
    }

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "The {Actor} actor stopped; a new one takes over.")]
    private partial void LogStopped(string actor);

    private sealed record Renew
    {
        public static readonly Renew Instance = new();
    }
}
