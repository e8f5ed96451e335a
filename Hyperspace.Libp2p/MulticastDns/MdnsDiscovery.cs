using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hyperspace.Libp2p.MulticastDns;

/// <summary>
/// Finds the peers of the same network (libp2p/specs discovery/mdns) over IPv4, tells them of this one, and dials those that are new.
/// Anybody there can say anything: what is found counts only after the secured dial.
/// </summary>
public sealed class MdnsDiscovery : IAsyncDisposable
{
    private const int InstanceLength = 40;
    private const int MaxHosts = 256;
    private const int MaxDials = 4;
    private const string InstanceAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    private static readonly TimeSpan RedialAfter = TimeSpan.FromMinutes(1);

    private readonly ISwitch _switch;
    private readonly MdnsOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly MdnsResponder _responder;
    private readonly RequestRates<IPAddress> _rates;
    private readonly Dictionary<PeerId, DateTimeOffset> _dialed = [];
    private readonly SemaphoreSlim _dials = new(MaxDials);
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SemaphoreSlim _answers = new(0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _socket;
    private readonly IPAddress[] _interfaces;
    private readonly Task _running;

    private MdnsDiscovery(ISwitch peers, MdnsOptions options, TimeProvider time, ILogger logger, Socket socket, IPAddress[] interfaces)
    {
        (_switch, _options, _time, _logger, _socket, _interfaces) = (peers, options, time, logger, socket, interfaces);
        _responder = new MdnsResponder(peers.LocalPeer, options.ServiceName, RandomNumberGenerator.GetString(InstanceAlphabet, InstanceLength));
        _rates = new RequestRates<IPAddress>(options.PacketsPerMinutePerHost, MaxHosts);
        _running = Task.WhenAll(Task.Run(ReceiveAsync), Task.Run(AskAsync), Task.Run(AnswerAsync));
    }

    /// <summary>Starts to ask and to answer.</summary>
    /// <param name="peers">The switch, which dials whom it finds.</param>
    /// <param name="options">Where to ask.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="IOException">No interface takes part in multicast.</exception>
    public static MdnsDiscovery Start(ISwitch peers, MdnsOptions? options = null, TimeProvider? time = null, ILogger<MdnsDiscovery>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(peers);
        options ??= new MdnsOptions();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(new IPEndPoint(IPAddress.Any, options.Port));
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive, 255);
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastLoopback, true);
            var joined = Interfaces(options).Where(i => Joins(socket, options.Group, i)).ToArray();
            return joined.Length > 0
                ? new MdnsDiscovery(peers, options, time ?? TimeProvider.System, logger ?? NullLogger<MdnsDiscovery>.Instance, socket, joined)
                : throw new IOException("No interface of this machine takes part in multicast.");
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is SocketException)
            {
                throw new IOException($"Multicast DNS cannot use UDP port {options.Port}: {e.Message}", e);
            }

            throw;
        }
    }

    /// <summary>Asks and answers no more.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _socket.Dispose();
    }

    private static IEnumerable<IPAddress> Interfaces(MdnsOptions options) => options.Interfaces.Count > 0
        ? options.Interfaces
        : NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown)
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address)
            .Where(a => a.AddressFamily == AddressFamily.InterNetwork);

    private static bool Joins(Socket socket, IPAddress group, IPAddress local)
    {
        try
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(group, local));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task ReceiveAsync()
    {
        var buffer = new byte[DnsReader.MaxLength];
        var anyone = new IPEndPoint(IPAddress.Any, 0);
        while (true)
        {
            try
            {
                var received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, _stop.Token).ConfigureAwait(false);
                Take(buffer.AsSpan(0, received.ReceivedBytes), ((IPEndPoint)received.RemoteEndPoint).Address);
            }
            catch (SocketException e)
            {
                // Longer than any message, or an interface went away.
                _logger.LogDebug("A multicast packet was not received: {Reason}", e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Take(ReadOnlySpan<byte> packet, IPAddress source)
    {
        IReadOnlyList<FoundPeer> found;
        lock (_gate)
        {
            if (!_rates.TryTake(source, _time.GetUtcNow()))
            {
                return;
            }

            try
            {
                found = _responder.Receive(packet, source);
            }
            catch (DnsException e)
            {
                _logger.LogDebug("A multicast packet of {Source} is skipped: {Reason}", source, e.Message);
                return;
            }

            if (_responder.AnswerDue is not null && _answers.CurrentCount == 0)
            {
                _answers.Release();
            }
        }

        foreach (var peer in found)
        {
            Take(peer);
        }
    }

    /// <summary>Answers when an answer is due; reading goes on meanwhile.</summary>
    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                await _answers.WaitAsync(_stop.Token).ConfigureAwait(false);
                TimeSpan wait;
                lock (_gate)
                {
                    var due = (_responder.AnswerDue ?? DateTimeOffset.MinValue) - _time.GetUtcNow();
                    wait = due > TimeSpan.Zero ? due : TimeSpan.Zero;
                }

                await Task.Delay(wait, _time, _stop.Token).ConfigureAwait(false);
                byte[]? answer;
                lock (_gate)
                {
                    answer = _responder.Answer(_switch.ListenAddresses, _time.GetUtcNow());
                }

                await SendAsync(answer).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task AskAsync()
    {
        try
        {
            while (true)
            {
                await SendAsync(_responder.Query()).ConfigureAwait(false);
                await Task.Delay(_options.QueryInterval, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task SendAsync(byte[]? packet)
    {
        if (packet is null)
        {
            return;
        }

        // One at a time: which interface a packet leaves by is an option of the socket.
        await _sending.WaitAsync(_stop.Token).ConfigureAwait(false);
        try
        {
            foreach (var local in _interfaces)
            {
                try
                {
                    _socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, local.GetAddressBytes());
                    await _socket.SendToAsync(packet, SocketFlags.None, new IPEndPoint(_options.Group, _options.Port), _stop.Token).ConfigureAwait(false);
                }
                catch (SocketException e)
                {
                    _logger.LogDebug("No multicast from {Interface}: {Reason}", local, e.Message);
                }
            }
        }
        finally
        {
            _sending.Release();
        }
    }

    private void Take(FoundPeer found)
    {
        var now = _time.GetUtcNow();
        lock (_gate)
        {
            if (_dialed.TryGetValue(found.Peer, out var at) && now - at < RedialAfter)
            {
                return;
            }

            if (_dialed.Count >= _options.MaxPeers && !_dialed.ContainsKey(found.Peer))
            {
                _dialed.Remove(_dialed.MinBy(d => d.Value).Key);
            }

            _dialed[found.Peer] = now;
        }

        if (!_switch.ConnectedPeers.Contains(found.Peer) && _dials.Wait(0, CancellationToken.None))
        {
            _ = Task.Run(() => DialAsync(found));
        }
    }

    private async Task DialAsync(FoundPeer found)
    {
        try
        {
            foreach (var address in found.Addresses)
            {
                try
                {
                    await _switch.DialAsync(address.WithPeer(found.Peer), _stop.Token).ConfigureAwait(false);
                    return;
                }
                catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
                {
                    _logger.LogDebug("{Peer} was found but not reached at {Address}: {Reason}", found.Peer, address, e.Message);
                }
            }
        }
        finally
        {
            _dials.Release();
        }
    }
}
