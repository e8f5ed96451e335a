namespace Hyperspace.Libp2p.Yamux;

/// <content>What the remote sends: frames are taken apart as they arrive, each judged at its header.</content>
internal sealed partial class YamuxSession
{
    private readonly byte[] _header = new byte[YamuxHeader.Size];
    private int _headerLength;
    private uint _dataLeft;
    private YamuxStream? _dataStream;
    private bool _finAfterData;

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
}
