using System.Net.Sockets;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Libp2p.Transports;

namespace Hyperspace.Tests.Host;

/// <summary>A neighbour with an identity of its own that knows libp2p and keeps none of the rules above it.</summary>
internal sealed class HostileNeighbour : IAsyncDisposable
{
    public const string MeshSub = "/meshsub/1.1.0";
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly TargetPeer _target;
    private readonly Libp2pSwitch _switch;
    private long _gossipBytes;
    private ulong _sequence;

    private HostileNeighbour(TargetPeer target)
    {
        _target = target;
        _switch = new Libp2pSwitch(new SwitchOptions { KeyPair = Keys });
        _switch.Handle(MeshSub, CountAsync);
    }

    public KeyPair Keys { get; } = KeyPair.Generate();

    /// <summary>Bytes of gossip that the target sent here.</summary>
    public long GossipBytes => Interlocked.Read(ref _gossipBytes);

    public static async Task<HostileNeighbour> ConnectAsync(TargetPeer target)
    {
        var neighbour = new HostileNeighbour(target);
        using var patience = new CancellationTokenSource(Patience);
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (true)
        {
            try
            {
                await neighbour._switch.DialAsync(target.Address, patience.Token);
                return neighbour;
            }
            catch (IOException) when (!patience.IsCancellationRequested)
            {
                // An earlier test used the target's rate of inbound connections up.
                await pause.WaitForNextTickAsync(patience.Token);
            }
        }
    }

    /// <summary>A connection on which the caller speaks Yamux by hand.</summary>
    public static async Task<Upgraded> UpgradeAsync(TargetPeer target, KeyPair keys)
    {
        using var patience = new CancellationTokenSource(Patience);
        var raw = await new TcpTransport().DialAsync(target.Address, patience.Token);
        return await new ConnectionUpgrader(new SwitchOptions { KeyPair = keys }).UpgradeAsync(raw, inbound: false, target.PeerId, patience.Token);
    }

    public static async Task<Socket> ConnectTcpAsync(TargetPeer target)
    {
        using var patience = new CancellationTokenSource(Patience);
        return await TcpSockets.ConnectAsync(target.Address.WithoutPeer(), patience.Token);
    }

    public async Task<IPeerStream> OpenAsync(string protocol, CancellationToken cancellationToken = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        return await _switch.OpenStreamAsync(_target.PeerId, [protocol], patience.Token);
    }

    public GossipMessage Sign(string topic, ReadOnlySpan<byte> data) => GossipMessage.Sign(Keys, Author.Of(Keys), topic, data, ++_sequence);

    /// <summary>An RPC of one encoded message with its length prefix.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> message)
    {
        var length = message.Length;
        var body = 1 + Varint.SizeOf((ulong)length) + length;
        var frame = new byte[Varint.SizeOf((ulong)body) + body];
        var at = Varint.Write(frame, (ulong)body);
        frame[at++] = (2 << 3) | 2;
        at += Varint.Write(frame.AsSpan(at), (ulong)length);
        message.CopyTo(frame.AsSpan(at));
        return frame;
    }

    /// <summary>Writes and waits for what becomes of the stream: the bytes that came back, or null for a reset.</summary>
    public static async Task<byte[]?> ExchangeAsync(IPeerStream stream, ReadOnlyMemory<byte> bytes, bool closeWrite, Func<byte[], bool> isEnough)
    {
        using var patience = new CancellationTokenSource(Patience);
        var writing = WriteAsync(stream, bytes, closeWrite, patience.Token);
        using var received = new MemoryStream();
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while (!isEnough(received.ToArray()) && (read = await stream.ReadAsync(buffer, patience.Token)) > 0)
            {
                received.Write(buffer, 0, read);
            }

            return received.ToArray();
        }
        catch (IOException)
        {
            return null;
        }
        finally
        {
            stream.Reset();
            await writing;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _switch.DisposeAsync();
        Keys.Dispose();
    }

    private static async Task WriteAsync(IPeerStream stream, ReadOnlyMemory<byte> bytes, bool closeWrite, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(bytes, cancellationToken);
            if (closeWrite)
            {
                await stream.CloseWriteAsync(cancellationToken);
            }
        }
        catch (IOException)
        {
            // The target did not want it; what it answered tells.
        }
    }

    private async Task CountAsync(IPeerStream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            Interlocked.Add(ref _gossipBytes, read);
        }
    }
}
