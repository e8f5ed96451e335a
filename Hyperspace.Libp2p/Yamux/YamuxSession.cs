namespace Hyperspace.Libp2p.Yamux;

/// <summary>
/// A Yamux session (hashicorp/yamux spec.md, libp2p/specs yamux) as a state machine: bytes and calls in, effects out
/// through <see cref="IYamuxHost"/>. It has no socket, clock, task or lock; its owner serialises the calls and says
/// what time it is (any monotonic time). Data is passed on as it arrives: nothing is allocated by an announced length.
/// </summary>
/// <remarks>SYN, FIN and RST travel as zero-length window updates, as js-libp2p does, never on data frames.</remarks>
internal sealed class YamuxSession(bool dialer, YamuxOptions options, IYamuxHost host)
{
    /// <summary>The protocol's name in multistream-select and among Noise's early muxers.</summary>
    public const string Protocol = "/yamux/1.0.0";

    private readonly Dictionary<uint, YamuxStream> _streams = [];
    private readonly byte[] _header = new byte[YamuxHeader.Size];
    private int _headerLength;
    private uint _dataLeft;
    private YamuxStream? _dataStream;
    private bool _finAfterData;
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

    /// <summary>Takes bytes from the remote, in pieces of any size.</summary>
    /// <exception cref="YamuxException">The remote broke the rules; send GoAway(1) and close.</exception>
    public void Receive(ReadOnlySpan<byte> bytes, TimeSpan now)
    {
        while (bytes.Length > 0)
        {
            if (_dataLeft > 0)
            {
                var taken = (int)Math.Min(_dataLeft, (uint)bytes.Length);
                if (_dataStream is { Gone: false, Discarding: false })
                {
                    host.DataReceived(_dataStream, bytes[..taken]);
                }

                _dataLeft -= (uint)taken;
                bytes = bytes[taken..];
                if (_dataLeft == 0)
                {
                    EndData();
                }

                continue;
            }

            YamuxHeader header;
            if (_headerLength == 0 && bytes.Length >= YamuxHeader.Size)
            {
                header = YamuxHeader.Read(bytes);
                bytes = bytes[YamuxHeader.Size..];
            }
            else
            {
                var taken = Math.Min(YamuxHeader.Size - _headerLength, bytes.Length);
                bytes[..taken].CopyTo(_header.AsSpan(_headerLength));
                _headerLength += taken;
                bytes = bytes[taken..];
                if (_headerLength < YamuxHeader.Size)
                {
                    return;
                }

                _headerLength = 0;
                header = YamuxHeader.Read(_header);
            }

            Handle(header, now);
        }
    }

    private void Handle(YamuxHeader header, TimeSpan now)
    {
        var session = header.Type is YamuxType.Ping or YamuxType.GoAway;
        if (session != (header.StreamId == 0))
        {
            throw new YamuxException($"A {header.Type} frame cannot be for stream {header.StreamId}.");
        }

        switch (header.Type)
        {
            case YamuxType.Ping:
                HandlePing(header, now);
                break;
            case YamuxType.GoAway:
                GoingAway = true;
                host.RemoteGoingAway(header.Length);
                break;
            default:
                HandleStream(header, now);
                break;
        }
    }

    private void HandlePing(YamuxHeader header, TimeSpan now)
    {
        switch (header.Flags)
        {
            case YamuxFlags.Syn:
                Send(YamuxType.Ping, YamuxFlags.Ack, 0, header.Length);
                break;
            case YamuxFlags.Ack when _pingInFlight == header.Length:
                RoundTrip = now - _pingSentAt;
                _pingInFlight = null;
                break;
            default:
                throw new YamuxException("The remote sent a ping that is neither a question nor the answer to one.");
        }
    }

    private void HandleStream(YamuxHeader header, TimeSpan now)
    {
        if ((header.Flags & YamuxFlags.Syn) != 0)
        {
            Accept(header.StreamId, now);
        }

        _streams.TryGetValue(header.StreamId, out var stream);
        if (stream is not null && !stream.Inbound && !stream.Acknowledged && (header.Flags & (YamuxFlags.Ack | YamuxFlags.Rst)) != 0)
        {
            Acknowledge(stream);
        }

        if (header.Type == YamuxType.Data)
        {
            BeginData(header, stream);
        }
        else if (stream is not null && header.Length > 0)
        {
            if (header.Length > uint.MaxValue - stream.SendWindow)
            {
                throw new YamuxException("The remote opened a stream's window past 4 GiB.");
            }

            stream.SendWindow += header.Length;
            host.WindowOpened(stream);
        }

        if (stream is null || stream.Gone)
        {
            return;
        }

        if ((header.Flags & YamuxFlags.Rst) != 0)
        {
            Forget(stream);
            host.StreamReset(stream);
        }
        else if ((header.Flags & YamuxFlags.Fin) != 0)
        {
            if (_dataLeft > 0)
            {
                _finAfterData = true;
            }
            else
            {
                RemoteFinished(stream);
            }
        }
    }

    private void Accept(uint id, TimeSpan now)
    {
        if ((id & 1) == (dialer ? 1u : 0u))
        {
            throw new YamuxException($"The remote opened stream {id}, whose number is this side's to give.");
        }

        if (_streams.ContainsKey(id))
        {
            throw new YamuxException($"The remote opened stream {id} twice.");
        }

        if (GoingAway || _inbound >= options.MaxInboundStreams || _inboundUnacknowledged >= options.AckBacklog)
        {
            Send(YamuxType.WindowUpdate, YamuxFlags.Rst, id, 0);
            return;
        }

        var stream = new YamuxStream(id, inbound: true) { EpochStart = now };
        _streams.Add(id, stream);
        _inbound++;
        _inboundUnacknowledged++;
        host.StreamOpened(stream);
    }

    private void BeginData(YamuxHeader header, YamuxStream? stream)
    {
        // A stream that is not known may have been reset here while the data was under way: it is skipped, within reason.
        var allowed = stream is null ? options.MaxWindow : stream.ReadClosed ? 0 : stream.ReceiveWindow;
        if (header.Length > allowed)
        {
            throw new YamuxException($"The remote announced {header.Length} bytes for a stream whose window is {allowed}.");
        }

        if (stream is not null)
        {
            stream.ReceiveWindow -= header.Length;
        }

        _dataLeft = header.Length;
        _dataStream = stream;
    }

    private void EndData()
    {
        var stream = _dataStream;
        _dataStream = null;
        if (_finAfterData)
        {
            _finAfterData = false;
            if (stream is { Gone: false })
            {
                RemoteFinished(stream);
            }
        }
    }

    private void RemoteFinished(YamuxStream stream)
    {
        if (!stream.ReadClosed)
        {
            stream.ReadClosed = true;
            host.RemoteClosed(stream);
            ForgetWhenClosed(stream);
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
