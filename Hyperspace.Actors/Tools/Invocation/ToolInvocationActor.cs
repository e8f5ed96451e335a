using Akka.Actor;
using Akka.Event;
using Hyperspace.Contracts;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// Runs one <see cref="ToolCall"/> and answers whoever asked, at the latest a moment after the deadline. It lives on
/// after its answer while a payment's outcome is being found out, then stops.
/// </summary>
internal sealed class ToolInvocationActor : ReceiveActor, IWithTimers
{
    // For the journal writes that follow a deadline; the tool itself is cancelled at the deadline.
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private readonly ToolCall _call;
    private readonly IActorRef _asker;
    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _deadline;
    private bool _answered;

    /// <summary>Makes the actor of one call.</summary>
    public ToolInvocationActor(ToolCall call, IActorRef asker, TimeSpan timeout)
    {
        _call = call;
        _asker = asker;
        _timeout = timeout;
        _deadline = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        Receive<Answered>(answered => Answer(answered.Value));
        Receive<Late>(_ => Answer(new Refusal(ErrorCodes.Timeout, $"The call did not end within {_timeout.TotalMilliseconds:0} ms; the session's trace will show what became of it.")));
        Receive<Ended>(ended =>
        {
            if (ended.Failure is { } failure)
            {
                Context.GetLogger().Error(failure, "A tool call failed in a way that is a defect.");
                Answer(new Refusal(ErrorCodes.Internal, $"The call failed: {failure.Message}"));
            }

            Context.Stop(Self);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        Timers.StartSingleTimer(nameof(Late), Late.Instance, _timeout + Grace);
        _deadline.CancelAfter(_timeout);
        var self = Self;
        _call.RunAsync(value => self.Tell(new Answered(value)), _deadline.Token, _stopping.Token)
            .PipeTo(self, success: () => new Ended(null), failure: e => new Ended(e));
    }

    protected override void PostStop()
    {
        _stopping.Cancel();
        Answer(new Refusal(ErrorCodes.PeerUnreachable, "This peer is shutting down."));
        _deadline.Dispose();
        _stopping.Dispose();
    }

    private void Answer(object value)
    {
        if (!_answered)
        {
            _answered = true;
            _asker.Tell(value);
        }
    }

    private sealed record Answered(object Value);

    private sealed record Ended(Exception? Failure);

    private sealed record Late
    {
        public static readonly Late Instance = new();
    }
}
