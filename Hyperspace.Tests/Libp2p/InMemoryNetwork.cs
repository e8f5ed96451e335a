using System.Collections.Concurrent;
using System.IO.Pipelines;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p;

/// <summary>Switches joined by pipes: protocols run over it without sockets, so that tests own time and failures.</summary>
internal sealed class InMemoryNetwork
{
    private readonly ConcurrentDictionary<PeerId, InMemorySwitch> _switches = new();

    public InMemorySwitch Add(int seed)
    {
        var bytes = new byte[32];
        BitConverter.TryWriteBytes(bytes, seed);
        using var keys = KeyPair.FromSeed(bytes);
        var added = new InMemorySwitch(this, keys.PeerId, Multiaddr.Parse($"/ip4/127.0.0.1/tcp/{10_000 + seed}"));
        _switches[added.LocalPeer] = added;
        return added;
    }

    internal InMemorySwitch? Find(PeerId peer) => _switches.GetValueOrDefault(peer);
}

internal sealed class InMemorySwitch(InMemoryNetwork network, PeerId local, Multiaddr address) : ISwitch
{
    private readonly ConcurrentDictionary<string, StreamHandler> _handlers = new();
    private readonly ConcurrentDictionary<PeerId, bool> _connected = new();
    private readonly ConcurrentDictionary<PeerId, IReadOnlyList<Multiaddr>> _addresses = new();
    private readonly ConcurrentDictionary<ISwitchObserver, bool> _observers = new();
    private int _opened;

    public PeerId LocalPeer { get; } = local;

    public IReadOnlyList<Multiaddr> ListenAddresses { get; } = [address];

    public IReadOnlyCollection<PeerId> ConnectedPeers => [.. _connected.Keys];

    /// <summary>When set, nobody can reach this switch any more.</summary>
    public bool Down { get; set; }

    /// <summary>Streams that this switch opened.</summary>
    public int Opened => _opened;

    /// <summary>What the last inbound handler to fail threw.</summary>
    public Exception? Fault { get; private set; }

    public void Handle(string protocol, StreamHandler handler, int maxInboundPerPeer = 32) => _handlers[protocol] = handler;

    /// <summary>Whose connections a protocol needs now.</summary>
    public ConcurrentDictionary<PeerId, bool> Needed { get; } = new();

    public void Protect(PeerId peer, string tag, bool needed) => Needed[peer] = needed;

    public void Unhandle(string protocol)
    {
        _handlers.TryRemove(protocol, out _);
        AnnounceProtocols();
    }

    /// <summary>Tells the connected peers what this one serves now, as Identify push does.</summary>
    public void AnnounceProtocols()
    {
        foreach (var observer in _connected.Keys.SelectMany(p => network.Find(p)?._observers.Keys ?? []))
        {
            observer.PeerUpdated(Record());
        }
    }

    public Task<PeerId> DialAsync(Multiaddr address, CancellationToken cancellationToken = default)
    {
        Connect(network.Find(address.PeerId!) ?? throw new IOException("Nobody listens there."));
        return Task.FromResult(address.PeerId!);
    }

    public Task<IPeerStream> OpenStreamAsync(PeerId peer, IReadOnlyList<string> protocols, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_connected.ContainsKey(peer) && !_addresses.ContainsKey(peer))
        {
            return Task.FromException<IPeerStream>(new IOException("No address is known."));
        }

        if (network.Find(peer) is not { Down: false } remote || Down)
        {
            _connected.TryRemove(peer, out _);
            return Task.FromException<IPeerStream>(new IOException("The peer cannot be reached."));
        }

        Connect(remote);
        if (!remote._handlers.TryGetValue(protocols[0], out var handler))
        {
            return Task.FromException<IPeerStream>(new IOException("The peer speaks none of the protocols."));
        }

        Interlocked.Increment(ref _opened);
        var (here, there) = InMemoryStream.Pair(LocalPeer, peer, protocols[0]);
        _ = Task.Run(() => remote.ServeAsync(handler, there), CancellationToken.None);
        return Task.FromResult<IPeerStream>(here);
    }

    public Task DisconnectAsync(PeerId peer) => Task.CompletedTask;

    public void AddAddresses(PeerId peer, IEnumerable<Multiaddr> addresses) => _addresses[peer] = [.. addresses];

    public PeerRecord? Find(PeerId peer) => _connected.ContainsKey(peer) && network.Find(peer) is { } remote
        ? remote.Record()
        : _addresses.TryGetValue(peer, out var known) ? new PeerRecord(peer, known, [], null) : null;

    public IDisposable Observe(ISwitchObserver observer)
    {
        _observers[observer] = true;
        foreach (var peer in _connected.Keys)
        {
            observer.PeerIdentified(Find(peer)!);
        }

        return new Subscription(() => _observers.TryRemove(observer, out _));
    }

    private void Connect(InMemorySwitch remote)
    {
        if (_connected.TryAdd(remote.LocalPeer, true))
        {
            remote._connected[LocalPeer] = true;
            foreach (var (a, b) in new[] { (this, remote), (remote, this) })
            {
                foreach (var observer in a._observers.Keys)
                {
                    observer.PeerIdentified(b.Record());
                }
            }
        }
    }

    private PeerRecord Record() => new(LocalPeer, ListenAddresses, [.. _handlers.Keys], null);

    private async Task ServeAsync(StreamHandler handler, InMemoryStream stream)
    {
        try
        {
            await handler(stream, CancellationToken.None);
            await stream.DisposeAsync();
        }
        catch (Exception e)
        {
            Fault = e;
            stream.Reset();
        }
    }

    private sealed class Subscription(Action dispose) : IDisposable
    {
        public void Dispose() => dispose();
    }
}

/// <summary>One end of a pair of bounded pipes.</summary>
internal sealed class InMemoryStream : IPeerStream
{
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private InMemoryStream? _other;
    private bool _writeClosed;
    private volatile bool _reset;

    private InMemoryStream(PeerId remote, string protocol, PipeReader input, PipeWriter output) =>
        (RemotePeer, Protocol, _input, _output) = (remote, protocol, input, output);

    public PeerId RemotePeer { get; }

    public string Protocol { get; }

    public static (InMemoryStream Here, InMemoryStream There) Pair(PeerId here, PeerId there, string protocol)
    {
        var options = new PipeOptions(pauseWriterThreshold: 256 * 1024, resumeWriterThreshold: 128 * 1024, useSynchronizationContext: false);
        var (up, down) = (new Pipe(options), new Pipe(options));
        var near = new InMemoryStream(there, protocol, down.Reader, up.Writer);
        var far = new InMemoryStream(here, protocol, up.Reader, down.Writer);
        (near._other, far._other) = (far, near);
        return (near, far);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfReset();
        var result = await _input.ReadAsync(cancellationToken);
        if (result.IsCanceled)
        {
            throw new IOException("The stream was reset.");
        }

        var slice = result.Buffer.Slice(0, Math.Min(buffer.Length, result.Buffer.Length));
        var length = (int)slice.Length;
        System.Buffers.BuffersExtensions.CopyTo(slice, buffer.Span);

        // From here on the pipe owns the segments again.
        _input.AdvanceTo(slice.End);
        if (length == 0)
        {
            ThrowIfReset();
        }

        return length;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default)
    {
        ThrowIfReset();
        for (; data.Length > 0; data = data[Math.Min(data.Length, 64 * 1024)..])
        {
            var result = await _output.WriteAsync(data[..Math.Min(data.Length, 64 * 1024)], cancellationToken);
            if (result.IsCanceled || result.IsCompleted)
            {
                throw new IOException("The stream was reset.");
            }
        }
    }

    public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfReset();
        _writeClosed = true;
        return _output.CompleteAsync();
    }

    public void Reset()
    {
        foreach (var side in new[] { this, _other! })
        {
            side._reset = true;
            side._input.CancelPendingRead();
            side._output.CancelPendingFlush();
        }
    }

    public ValueTask DisposeAsync() => _reset || _writeClosed ? ValueTask.CompletedTask : CloseWriteAsync();

    private void ThrowIfReset()
    {
        if (_reset)
        {
            throw new IOException("The stream was reset.");
        }
    }
}
