using Akka.Actor;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Actors.Transport;

/// <summary>
/// Keeps this peer joined: dials the bootstrap addresses at start, and again with growing pauses while no connection to
/// them stands. Peers remembered from earlier runs are dialled beside them, quietly, until each was reached once.
/// </summary>
internal sealed partial class BootstrapActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan DialTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RememberInterval = TimeSpan.FromMinutes(1);
    private readonly ISwitch _network;
    private readonly IReadOnlyList<Multiaddr> _addresses;
    private readonly PeersFile _file;
    private readonly ILogger _logger;
    private BootstrapBackoff _backoff = BootstrapBackoff.Start;
    private RememberedPeers _remembered = RememberedPeers.None;

    public BootstrapActor(ISwitch network, IReadOnlyList<Multiaddr> addresses, PeersFile file, ILoggerFactory loggers)
    {
        _network = network;
        _addresses = addresses;
        _file = file;
        _logger = loggers.CreateLogger<BootstrapActor>();
        Receive<Check>(_ => DialMissing());
        Receive<Dialled>(m =>
        {
            if (m.Error is null)
            {
                return;
            }

            _remembered = _remembered.Failed(m.Address);
            if (_addresses.Contains(m.Address))
            {
                LogDialFailed(m.Address, m.Error);
            }
        });
        Receive<RoundEnded>(m =>
        {
            _backoff = _backoff.After(m.AllConnected);
            Timers.StartSingleTimer(nameof(Check), Check.Instance, _backoff.Pause);
        });
        Receive<Remember>(_ => WriteConnected());
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart()
    {
        _remembered = _file.Read();
        Self.Tell(Check.Instance);
        Timers.StartPeriodicTimer(nameof(Remember), Remember.Instance, RememberInterval);
    }

    // The network stops after the actors: its connections still stand.
    protected override void PostStop() => WriteConnected();

    private void WriteConnected()
    {
        var reachable = _network.ConnectedPeers
            .Select(peer => _network.Find(peer)?.Addresses.FirstOrDefault(IsTcp)?.WithPeer(peer))
            .OfType<Multiaddr>();
        _remembered = _remembered.Connected(reachable);
        _file.Write(_remembered);
    }

    private static bool IsTcp(Multiaddr address) => address.WithoutPeer().Components is [_, { Protocol: "tcp" }];

    private void DialMissing()
    {
        var connected = _network.ConnectedPeers.ToHashSet();
        var missing = _addresses.Where(a => a.PeerId is not { } peer || !connected.Contains(peer))
            .Concat(_remembered.ToDial(connected))
            .Distinct()
            .ToList();
        if (missing.Count > 0 || _addresses.Count > 0)
        {
            DialAllAsync(missing).PipeTo(Self);
        }
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

    private sealed record Remember
    {
        public static readonly Remember Instance = new();
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
