using System.Net;
using System.Net.Sockets;
using Hyperspace.Libp2p.AutoNat.Wire;
using Hyperspace.Libp2p.Identify;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.AutoNat;

/// <summary>
/// Finds out whether others can dial this peer (libp2p/specs autonat): now and then it asks a connected peer to dial it back, and forms
/// a verdict from the answers. Addresses that others reached are announced while the verdict is Public.
/// </summary>
public sealed class AutoNatClient : IAsyncDisposable
{
    private const int MaxObserved = 8;
    private static readonly string[] Protocols = [AutoNatMessages.Protocol];

    private readonly Lock _gate = new();
    private readonly Libp2pSwitch _switch;
    private readonly AutoNatOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Random _random;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<PeerId, DateTimeOffset> _asked = [];
    private readonly LinkedList<IPAddress> _observed = new();
    private readonly HashSet<Multiaddr> _reached = [];
    private ReachabilityState _state;
    private Task _running = Task.CompletedTask;

    /// <summary>Sets it up; nothing is asked before <see cref="Start"/>.</summary>
    /// <param name="peers">The switch.</param>
    /// <param name="options">How often, and how many must agree.</param>
    /// <param name="time">The clock.</param>
    /// <param name="random">Picks whom to ask.</param>
    /// <param name="logger">The log.</param>
    public AutoNatClient(Libp2pSwitch peers, AutoNatOptions? options = null, TimeProvider? time = null, Random? random = null, ILogger<AutoNatClient>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _switch = peers;
        _options = options ?? new AutoNatOptions();
        _time = time ?? TimeProvider.System;
        _random = random ?? Random.Shared;
        _logger = logger ?? NullLogger<AutoNatClient>.Instance;
        _state = new ReachabilityState(_options.Needed, _options.AnswerAge);
        peers.ConnectionIdentified += Noticed;
    }

    /// <summary>The verdict changed; called on a background thread, one call at a time.</summary>
    public event Action<Reachability>? Changed;

    /// <summary>What is known.</summary>
    public ReachabilityState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>Starts to ask now and then.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    /// <summary>Asks one peer to dial this one back. Answers Ok and DialError count towards the verdict.</summary>
    /// <exception cref="IOException">The peer cannot be reached, does not speak the protocol, or broke it.</exception>
    public async Task<DialBackStatus> AskAsync(PeerId peer, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<Multiaddr> candidates;
        lock (_gate)
        {
            candidates = AutoNatMessages.Candidates(_switch.ListenAddresses, _observed, _options.PrivateNetwork);
        }

        using var late = new TimedCancellation(_options.RequestTimeout, _time, cancellationToken);
        await using var stream = await _switch.OpenStreamAsync(peer, Protocols, late.Token).ConfigureAwait(false);
        await stream.WriteAsync(AutoNatMessages.Question(_switch.LocalPeer, candidates).ToLengthPrefixed(), late.Token).ConfigureAwait(false);
        var answer = await AutoNatMessages.ReadAsync(stream, late.Token).ConfigureAwait(false);
        if (answer is not { Type: Message.Types.MessageType.DialResponse, DialResponse: { HasStatus: true } response })
        {
            throw new AutoNatException($"{peer} answered with something that is no DialResponse.");
        }

        var status = (DialBackStatus)response.Status;
        _logger.LogDebug("{Peer} dialed back: {Status} {Text}", peer, status, response.StatusText);
        if (status is DialBackStatus.Ok or DialBackStatus.DialError)
        {
            var address = response.HasAddr ? AutoNatMessages.Read(response.Addr)?.WithoutPeer() : null;
            Count(peer, status == DialBackStatus.Ok, candidates.FirstOrDefault(c => c.Equals(address)));
        }

        return status;
    }

    /// <summary>Asks no more.</summary>
    public async ValueTask DisposeAsync()
    {
        _switch.ConnectionIdentified -= Noticed;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    private void Count(PeerId peer, bool reached, Multiaddr? address)
    {
        if ((_options.PrivateNetwork ? peer.ToString() : NetworkOf(peer)) is not { } voter)
        {
            return;
        }

        Reachability before, after;
        Multiaddr[] announce;
        lock (_gate)
        {
            before = _state.Verdict;
            _state = _state.Observe(voter, reached, _time.GetUtcNow());
            after = _state.Verdict;
            if (reached && address is not null && _reached.Count < AutoNatMessages.MaxAddresses)
            {
                _reached.Add(address);
            }
            else if (after == Reachability.Private)
            {
                _reached.Clear();
            }

            announce = after == Reachability.Public ? [.. _reached] : [];
        }

        _switch.AnnounceReached(announce);
        if (before != after)
        {
            _logger.LogInformation("Others {Can} dial this peer", after == Reachability.Public ? "can" : "cannot");
            Changed?.Invoke(after);
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                var pause = State.Verdict == Reachability.Unknown ? _options.EagerInterval : _options.Interval;
                await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(false);
                if (Next() is { } peer)
                {
                    await TryAskAsync(peer).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task TryAskAsync(PeerId peer)
    {
        try
        {
            await AskAsync(peer, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            _logger.LogDebug("{Peer} was not asked: {Reason}", peer, e.Message);
        }
    }

    /// <summary>One of the connected peers that serve it and were not asked of late; nobody while there is no address to ask for.</summary>
    private PeerId? Next()
    {
        var now = _time.GetUtcNow();
        lock (_gate)
        {
            if (AutoNatMessages.Candidates(_switch.ListenAddresses, _observed, _options.PrivateNetwork).Count == 0)
            {
                return null;
            }

            foreach (var (peer, at) in _asked)
            {
                if (now - at >= _options.Interval)
                {
                    _asked.Remove(peer);
                }
            }

            PeerId[] able = [.. _switch.ConnectedPeers.Where(p => !_asked.ContainsKey(p) && _switch.Find(p)?.Protocols.Contains(AutoNatMessages.Protocol) == true)];
            if (able.Length == 0)
            {
                return null;
            }

            var next = able[_random.Next(able.Length)];
            _asked[next] = now;
            return next;
        }
    }

    private void Noticed(PeerConnection connection, IdentifyMessage message)
    {
        // What a relay's client sees is the relay's address.
        if (connection.RemoteAddress.IsRelayed
            || message.ObservedAddress is not { } observed || IpGroup.IpOf(observed) is not { } ip)
        {
            return;
        }

        lock (_gate)
        {
            _observed.Remove(ip);
            _observed.AddFirst(ip);
            while (_observed.Count > MaxObserved)
            {
                _observed.RemoveLast();
            }
        }
    }

    /// <summary>The network that a peer is in, coarse enough that one owner does not count as many: an IPv4 /16, an IPv6 /32.</summary>
    private string? NetworkOf(PeerId peer) => _switch.RemoteAddressOf(peer) is { } address && IpGroup.IpOf(address) is { } ip
        ? Convert.ToHexString(ip.GetAddressBytes().AsSpan(0, ip.AddressFamily == AddressFamily.InterNetwork ? 2 : 4))
        : null;
}
