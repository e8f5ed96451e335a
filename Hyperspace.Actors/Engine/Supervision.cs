using Akka.Actor;
using Akka.Pattern;

namespace Hyperspace.Actors.Engine;

/// <summary>What brings actors back.</summary>
internal static class Supervision
{
    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(30);
    private const double Jitter = 0.2;
    private const int WithoutEnd = -1;

    /// <summary>
    /// Starts a singleton's actor anew whenever it stops: a persistent actor whose journal fails is stopped, and a singleton that
    /// stopped stays so.
    /// </summary>
    /// <param name="actor">The actor.</param>
    /// <param name="name">Its name below the singleton.</param>
    /// <param name="whileStopped">What those who ask meanwhile are answered.</param>
    public static Props AgainAfterStop(Props actor, string name, object whileStopped) =>
        BackoffSupervisor.Props(Backoff.OnStop(actor, name, MinPause, MaxPause, Jitter, WithoutEnd).WithReplyWhileStopped(whileStopped));
}
