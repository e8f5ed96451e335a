namespace Hyperspace.Libp2p.Yamux;

/// <summary>
/// A Yamux session (hashicorp/yamux spec.md, libp2p/specs yamux) as a state machine: bytes and calls in, effects out
/// through <see cref="IYamuxHost"/>. It has no socket, clock, task or lock; its owner serialises the calls and says
/// what time it is (any monotonic time). Data is passed on as it arrives: nothing is allocated by an announced length.
/// </summary>
/// <remarks>SYN, FIN and RST travel as zero-length window updates, as js-libp2p does, never on data frames.</remarks>
internal sealed partial class YamuxSession(bool dialer, YamuxOptions options, IYamuxHost host)
{
    /// <summary>The protocol's name in multistream-select and among Noise's early muxers.</summary>
    public const string Protocol = "/yamux/1.0.0";

    private readonly Dictionary<uint, YamuxStream> _streams = [];
    private uint _nextId = dialer ? 1u : 2u;
    private uint _nextPing;
    private uint? _pingInFlight;
    private TimeSpan _pingSentAt;
    private long _tuned;
    private int _inbound;
    private int _inboundUnacknowledged;

    /// <summary>The last measured round trip of a Yamux ping, if any.</summary>
    public TimeSpan? RoundTrip { get; private set; }

    /// <summary>Streams that are open, half-open or lingering.</summary>
    public int StreamCount => _streams.Count;

    /// <summary>True once either side sent GoAway: no stream can be opened.</summary>
    public bool GoingAway { get; private set; }

    /// <summary>The live streams.</summary>
    public IReadOnlyCollection<YamuxStream> Streams => _streams.Values;

    /// <summary>Opens a stream towards the remote.</summary>
    /// <exception cref="IOException">The session is going away or has used up its stream ids.</exception>
    public YamuxStream Open(TimeSpan now)
    {
        if (GoingAway || _nextId >= uint.MaxValue - 1)
        {
            throw new IOException("The connection takes no new streams; dial again.");
        }

        var stream = new YamuxStream(_nextId, inbound: false) { EpochStart = now };
        _nextId += 2;
        _streams.Add(stream.Id, stream);
        Send(YamuxType.WindowUpdate, YamuxFlags.Syn, stream.Id, 0);
        return stream;
    }

    /// <summary>Sends as much of <paramref name="data"/> as the remote's window and the frame size allow; returns how much, 0 when the window is shut.</summary>
    public int Write(YamuxStream stream, ReadOnlySpan<byte> data)
    {
        if (stream.WriteClosed)
        {
            throw new InvalidOperationException("The stream is closed for writing.");
        }

        var count = (int)Math.Min(Math.Min((uint)data.Length, stream.SendWindow), (uint)options.MaxFrame);
        if (count > 0)
        {
            stream.SendWindow -= (uint)count;
            Send(YamuxType.Data, AckFlag(stream), stream.Id, (uint)count, data[..count]);
        }

        return count;
    }

    /// <summary>Sends FIN (idempotent).</summary>
    public void CloseWrite(YamuxStream stream)
    {
        if (!stream.WriteClosed)
        {
            stream.WriteClosed = true;
            Send(YamuxType.WindowUpdate, AckFlag(stream) | YamuxFlags.Fin, stream.Id, 0);
            ForgetWhenClosed(stream);
        }
    }

    /// <summary>Sends RST and forgets the stream (idempotent).</summary>
    public void Reset(YamuxStream stream)
    {
        if (!stream.Gone)
        {
            Send(YamuxType.WindowUpdate, YamuxFlags.Rst, stream.Id, 0);
            Forget(stream);
        }
    }

    /// <summary>The host reads no more; the stream waits for the remote's FIN for <see cref="YamuxOptions.Linger"/> and is then reset.</summary>
    public void Discard(YamuxStream stream, TimeSpan now)
    {
        stream.Discarding = true;
        stream.DiscardUntil = now + options.Linger;
    }

    /// <summary>The host took <paramref name="count"/> bytes out of a stream's buffer; opens the window again when half of it is used up.</summary>
    public void Consumed(YamuxStream stream, uint count, TimeSpan now)
    {
        stream.Credit += count;
        if (stream.Gone || stream.ReadClosed || stream.Discarding || stream.Credit < stream.TargetWindow / 2)
        {
            return;
        }

        // A window that is used up within four round trips is what limits the sender.
        if (RoundTrip is { } rtt && now - stream.EpochStart < 4 * rtt && stream.TargetWindow < options.MaxWindow)
        {
            var growth = Math.Min(stream.TargetWindow, options.MaxWindow - stream.TargetWindow);
            if (_tuned + growth <= options.WindowBudget)
            {
                _tuned += growth;
                stream.TargetWindow += growth;
                stream.Credit += growth;
            }
        }

        stream.EpochStart = now;
        stream.ReceiveWindow += stream.Credit;
        Send(YamuxType.WindowUpdate, AckFlag(stream), stream.Id, stream.Credit);
        stream.Credit = 0;
    }

    /// <summary>Sends a ping unless one is in flight.</summary>
    public void Ping(TimeSpan now)
    {
        if (_pingInFlight is null)
        {
            _pingInFlight = _nextPing++;
            _pingSentAt = now;
            Send(YamuxType.Ping, YamuxFlags.Syn, 0, _pingInFlight.Value);
        }
    }

    /// <summary>Tells the remote that this side goes away.</summary>
    public void GoAway(YamuxGoAway reason)
    {
        GoingAway = true;
        Send(YamuxType.GoAway, YamuxFlags.None, 0, (uint)reason);
    }

    /// <summary>Time passed: keeps the connection alive and ends streams that linger.</summary>
    /// <exception cref="YamuxException">The remote did not answer a ping.</exception>
    public void Tick(TimeSpan now)
    {
        if (_pingInFlight is not null && now - _pingSentAt >= options.PingTimeout)
        {
            throw new YamuxException($"The remote did not answer a ping within {options.PingTimeout.TotalSeconds} s.");
        }

        if (now - _pingSentAt >= options.KeepAlive)
        {
            Ping(now);
        }

        List<YamuxStream>? late = null;
        foreach (var stream in _streams.Values)
        {
            if (stream.Discarding && now >= stream.DiscardUntil)
            {
                (late ??= []).Add(stream);
            }
        }

        foreach (var stream in late ?? [])
        {
            Reset(stream);
            host.StreamReset(stream);
        }
    }

    private void ForgetWhenClosed(YamuxStream stream)
    {
        if (stream is { WriteClosed: true, ReadClosed: true })
        {
            Forget(stream);
        }
    }

    private void Forget(YamuxStream stream)
    {
        if (!_streams.Remove(stream.Id))
        {
            return;
        }

        stream.Gone = stream.WriteClosed = stream.ReadClosed = true;
        _tuned -= stream.TargetWindow - YamuxOptions.InitialWindow;
        if (stream.Inbound)
        {
            _inbound--;
            _ = AckFlag(stream);
        }
        else if (!stream.Acknowledged)
        {
            Acknowledge(stream);
        }
    }

    private void Acknowledge(YamuxStream stream)
    {
        stream.Acknowledged = true;
        host.StreamAcknowledged(stream);
    }

    /// <summary>ACK on the first frame that answers the remote's SYN.</summary>
    private YamuxFlags AckFlag(YamuxStream stream)
    {
        if (!stream.Inbound || stream.Acknowledged)
        {
            return YamuxFlags.None;
        }

        stream.Acknowledged = true;
        _inboundUnacknowledged--;
        return YamuxFlags.Ack;
    }

    private void Send(YamuxType type, YamuxFlags flags, uint id, uint length, ReadOnlySpan<byte> payload = default)
    {
        Span<byte> header = stackalloc byte[YamuxHeader.Size];
        new YamuxHeader(type, flags, id, length).Write(header);
        host.Send(header, payload);
    }
}
