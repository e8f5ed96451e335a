using Akka.Actor;
using Hyperspace.Contracts;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Keeps one actor running, and remembers what that actor must not forget: one that has crashed is restarted with its mailbox, one that
/// has stopped is made anew, and either is told again. Nothing below it, no connection and no stream, ends with the actor.
/// </summary>
internal abstract partial class Guardian : ReceiveActor, IWithTimers
{
    private const int MaxRestarts = 10;
    private static readonly TimeSpan RestartsWithin = TimeSpan.FromSeconds(10);
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
        Receive<Renew>(_ =>
        {
            Start();
            Resume(_child!);
        });
        Receive<Restarted>(_ =>
        {
            LogStopped(Self.Path.Name);
            Resume(Sender);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Start();

    // One that crashes again and again is stopped, and made anew after a pause.
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(MaxRestarts, RestartsWithin, _ => Directive.Restart);

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

    private void Start() => _child = Context.Watch(Context.ActorOf(_props));

    [LoggerMessage(EventId = 2102, Level = LogLevel.Warning, Message = "The {Actor} actor stopped; a new one takes over.")]
    private partial void LogStopped(string actor);

    /// <summary>The actor says that it was restarted, and knows nothing any more.</summary>
    public sealed record Restarted
    {
        /// <summary>The one there is.</summary>
        public static readonly Restarted Instance = new();
    }

    private sealed record Renew
    {
        public static readonly Renew Instance = new();
    }
}
