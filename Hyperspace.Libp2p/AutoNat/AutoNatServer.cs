using System.Net;
using Hyperspace.Libp2p.AutoNat.Wire;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.AutoNat;

/// <summary>
/// Serves AutoNAT (libp2p/specs autonat): dials a peer back at the IP address that it is connected from and at no other, so seldom
/// that nobody can use this peer to knock on doors.
/// </summary>
public sealed class AutoNatServer
{
    private const int MaxInboundPerPeer = 2;
    private const int MaxRateKeys = 8192;

    private readonly Lock _gate = new();
    private readonly Libp2pSwitch _switch;
    private readonly AutoNatOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RequestRates<IPAddress> _perIp;
    private readonly RequestRates<int> _inAll;

    /// <summary>Offers the service on <paramref name="peers"/>.</summary>
    public AutoNatServer(Libp2pSwitch peers, AutoNatOptions? options = null, TimeProvider? time = null, ILogger<AutoNatServer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        _switch = peers;
        _options = options ?? new AutoNatOptions();
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger<AutoNatServer>.Instance;
        _perIp = new RequestRates<IPAddress>(_options.RequestsPerMinutePerIp, MaxRateKeys);
        _inAll = new RequestRates<int>(_options.RequestsPerMinute, 1);
        peers.Handle(AutoNatMessages.Protocol, ServeAsync, MaxInboundPerPeer, runOnLimited: false);
    }

    /// <summary>A request was answered; called on a background thread.</summary>
    public event Action<PeerId, DialBackStatus>? Answered;

    private async Task ServeAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        using var late = new TimedCancellation(_options.RequestTimeout, _time, cancellationToken);
        Message answer;
        try
        {
            answer = await AnswerAsync((PeerStream)stream, await AutoNatMessages.ReadAsync(stream, late.Token).ConfigureAwait(false), late.Token).ConfigureAwait(false);
        }
        catch (AutoNatException e)
        {
            answer = AutoNatMessages.Answer(DialBackStatus.BadRequest, e.Message);
        }

        Answered?.Invoke(stream.RemotePeer, (DialBackStatus)answer.DialResponse.Status);
        await stream.WriteAsync(answer.ToLengthPrefixed(), late.Token).ConfigureAwait(false);
    }

    private async Task<Message> AnswerAsync(PeerStream stream, Message request, CancellationToken cancellationToken)
    {
        var peer = stream.RemotePeer;
        if (request is not { Type: Message.Types.MessageType.Dial, Dial.Peer: { HasId: true } asked } || !asked.Id.Span.SequenceEqual(peer.Bytes.Span))
        {
            return AutoNatMessages.Answer(DialBackStatus.BadRequest, "the request must be a Dial for the peer that sends it");
        }

        var observed = stream.Connection.RemoteAddress;
        if (observed.IsRelayed || IpGroup.IpOf(observed) is not { } ip)
        {
            return AutoNatMessages.Answer(DialBackStatus.DialRefused, "the request came over a relay");
        }

        var addresses = AutoNatMessages.DialBackAddresses(asked.Addrs, ip, _options);
        if (addresses.Count == 0)
        {
            return AutoNatMessages.Answer(DialBackStatus.DialRefused, "no address that can be dialed back");
        }

        lock (_gate)
        {
            var now = _time.GetUtcNow();
            if (!_perIp.TryTake(IpGroup.Of(observed)!, now) || !_inAll.TryTake(0, now))
            {
                return AutoNatMessages.Answer(DialBackStatus.DialRefused, "too many requests");
            }
        }

        foreach (var address in addresses)
        {
            if (await ReachesAsync(address, peer, cancellationToken).ConfigureAwait(false))
            {
                return AutoNatMessages.Answer(DialBackStatus.Ok, address: address);
            }
        }

        return AutoNatMessages.Answer(DialBackStatus.DialError, "no address was reached");
    }

    private async Task<bool> ReachesAsync(Multiaddr address, PeerId peer, CancellationToken cancellationToken)
    {
        using var late = new TimedCancellation(_options.DialTimeout, _time, cancellationToken);
        try
        {
            await _switch.ProbeAsync(address, peer, late.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is IOException || (e is OperationCanceledException && late.TimedOut))
        {
            _logger.LogDebug("{Peer} is not reached at {Address}: {Reason}", peer, address, e.Message);
            return false;
        }
    }
}
