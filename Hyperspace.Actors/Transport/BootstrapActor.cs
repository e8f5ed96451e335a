using Akka.Actor;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>Keeps this peer joined: dials the bootstrap addresses at start, and again with growing pauses while no connection to them stands.</summary>
internal sealed partial class BootstrapActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(10);
    private readonly ISwitch _network;
    private readonly IReadOnlyList<Multiaddr> _addresses;
    private readonly ILogger _logger;
    private BootstrapBackoff _backoff = BootstrapBackoff.Start;

    public BootstrapActor(ISwitch network, IReadOnlyList<Multiaddr> addresses, ILoggerFactory loggers)
    {
        _network = network;
        _addresses = addresses;
        _logger = loggers.CreateLogger<BootstrapActor>();
        Receive<Check>(_ => DialMissing());
        Receive<Dialled>(m =>
        {
            if (m.Error is not null)
            {
                LogDialFailed(m.Address, m.Error);
            }
        });
        Receive<RoundEnded>(m =>
        {
            _backoff = _backoff.After(m.AllConnected);
            Timers.StartSingleTimer(nameof(Check), Check.Instance, _backoff.Pause);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Self.Tell(Check.Instance);

    private void DialMissing()
    {
        var connected = _network.ConnectedPeers.ToHashSet();
        var missing = _addresses.Where(a => a.PeerId is not { } peer || !connected.Contains(peer)).ToList();
        DialAllAsync(missing).PipeTo(Self);
    }

    private async Task<RoundEnded> DialAllAsync(IReadOnlyList<Multiaddr> addresses)
    {
        var self = Self;
        var results = await Task.WhenAll(addresses.Select(DialAsync)).ConfigureAwait(false);
        foreach (var result in results)
        {
            self.Tell(result);
        }

        return new RoundEnded(results.All(r => r.Error is null));
    }

    private async Task<Dialled> DialAsync(Multiaddr address)
    {
        using var deadline = new CancellationTokenSource(DialTimeout);
        try
        {
            await _network.DialAsync(address, deadline.Token).ConfigureAwait(false);
            return new Dialled(address, null);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return new Dialled(address, e.Message);
        }
    }

    [LoggerMessage(EventId = 2101, Level = LogLevel.Warning, Message = "Bootstrap peer {Address} cannot be dialled: {Error}. It is tried again.")]
    private partial void LogDialFailed(Multiaddr address, string error);

    private sealed record Check
    {
        public static readonly Check Instance = new();
    }

    private sealed record Dialled(Multiaddr Address, string? Error);

    private sealed record RoundEnded(bool AllConnected);
}

/// <summary>How long to wait before looking at the bootstrap peers again: doubling from 1 s to 60 s while some are missing, 10 s while all are there.</summary>
/// <param name="Pause">The wait.</param>
/// <param name="Failures">Rounds in a row in which some were missing.</param>
internal sealed record BootstrapBackoff(TimeSpan Pause, int Failures)
{
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);
    private const double LongestSeconds = 60;

    public static BootstrapBackoff Start { get; } = new(TimeSpan.Zero, 0);

    public BootstrapBackoff After(bool allConnected) => allConnected
        ? new BootstrapBackoff(Steady, 0)
        : new BootstrapBackoff(TimeSpan.FromSeconds(Math.Min(LongestSeconds, Math.Pow(2, Math.Min(Failures, 10)))), Failures + 1);
}
