using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Threading.Channels;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Tests.Libp2p.Switch;

/// <summary>Pipes between the switches of one process, under <c>/memory</c>-like addresses: <c>/ip4/…/udp/…</c>, or circuits, which it says are limited.</summary>
internal sealed class MemoryTransport(MemoryTransport.Network network) : ITransport
{
    /// <summary>The listeners that its transports share.</summary>
    internal sealed class Network
    {
        public ConcurrentDictionary<Multiaddr, Channel<RawConnection>> Listeners { get; } = new();

        /// <summary>Awaited in the middle of every dial.</summary>
        public Func<Multiaddr, CancellationToken, Task> OnDial { get; set; } = (_, _) => Task.CompletedTask;
    }

    public bool CanDial(Multiaddr address) => IsMemory(address.WithoutPeer());

    public bool CanListen(Multiaddr address) => IsMemory(address.WithoutPeer());

    public async Task<RawConnection> DialAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        var target = address.WithoutPeer();
        await network.OnDial(target, cancellationToken);
        if (!network.Listeners.TryGetValue(target, out var listener))
        {
            throw new IOException($"Nobody listens at {target}.");
        }

        var limited = target.Components.Any(c => c.Protocol == "p2p-circuit");
        var (up, down) = (new Pipe(), new Pipe());
        var source = Multiaddr.Parse("/ip4/127.0.0.1/udp/1");
        return listener.Writer.TryWrite(new RawConnection(new Duplex(up.Reader, down.Writer), source, limited))
            ? new RawConnection(new Duplex(down.Reader, up.Writer), target, limited)
            : throw new IOException($"The listener at {target} has closed.");
    }

    public Task<ITransportListener> ListenAsync(Multiaddr address, CancellationToken cancellationToken)
    {
        var incoming = Channel.CreateUnbounded<RawConnection>();
        return network.Listeners.TryAdd(address, incoming)
            ? Task.FromResult<ITransportListener>(new Listener(network, address, incoming))
            : throw new IOException($"{address} is taken.");
    }

    private static bool IsMemory(Multiaddr address) => address.Components[^1].Protocol is "udp" or "p2p-circuit";

    private sealed class Listener(Network network, Multiaddr address, Channel<RawConnection> incoming) : ITransportListener
    {
        public IReadOnlyList<Multiaddr> Addresses => [address];

        public async ValueTask<RawConnection> AcceptAsync(CancellationToken cancellationToken)
        {
            try
            {
                return await incoming.Reader.ReadAsync(cancellationToken);
            }
            catch (ChannelClosedException)
            {
                throw new ObjectDisposedException(nameof(Listener));
            }
        }

        public ValueTask DisposeAsync()
        {
            network.Listeners.TryRemove(address, out _);
            incoming.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : DuplexStream
    {
        private readonly Stream _input = input.AsStream();
        private readonly Stream _output = output.AsStream();

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _output.WriteAsync(buffer, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                // The reader is told first: it may be in the middle of a read.
                input.CancelPendingRead();
                output.Complete();
            }

            base.Dispose(disposing);
        }
    }
}
