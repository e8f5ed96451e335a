using System.Buffers.Binary;
using Hyperspace.Fuzz.Engine;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Fuzz;

/// <summary>
/// A Yamux session. First byte: this side's role. Then steps: bytes of the remote, raw or as a frame whose fields the input
/// chooses, and in between what the session's owner does: open, write, read, close, reset, ping, let time pass.
/// </summary>
internal static class YamuxTarget
{
    private const int MaxSteps = 512;

    private static readonly YamuxOptions Options = new() { MaxInboundStreams = 8, AckBacklog = 4, MaxWindow = 1 << 20, WindowBudget = 1 << 20 };

    private static readonly byte[] Zeros = new byte[64 * 1024];

    public static FuzzTarget Create() => new("yamux", Run, Seeds)
    {
        Expects = e => e is YamuxException,
        MaxLength = 2048,
        AllocationPerByte = 512,
        Dictionary =
        [
            [0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0], [0, 1, 0, 2, 0, 0, 0, 1, 0, 4, 0, 0], [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7],
            [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 4, 0, 0], [0, 4, 0, 1], [0xff, 0xff, 0xff, 0xff],
        ],
    };

    private static void Run(ReadOnlySpan<byte> input)
    {
        var reader = new InputReader(input);
        var host = new CheckingHost();
        var session = new YamuxSession((reader.Byte() & 1) == 0, Options, host);
        var now = TimeSpan.FromSeconds(1);
        for (var step = 0; step < MaxSteps && !reader.IsEmpty; step++)
        {
            var act = reader.Byte();
            switch (act % 14)
            {
                case 0:
                case 1:
                case 2:
                case 3:
                    Frame(session, ref reader, now);
                    break;
                case 4:
                    session.Receive(reader.Bytes(reader.Byte()), now);
                    break;
                case 5 when !session.GoingAway && session.StreamCount < 64:
                    host.Add(session.Open(now));
                    break;
                case 6 when host.Pick(reader.Byte()) is { WriteClosed: false } stream:
                    var window = stream.SendWindow;
                    var written = session.Write(stream, Zeros.AsSpan(0, reader.UInt16()));
                    Invariant.Holds((uint)written <= window && written <= Options.MaxFrame, "More was written than the remote's window or a frame allows.");
                    break;
                case 7 when host.Pick(reader.Byte()) is { } stream:
                    session.Consumed(stream, host.Take(stream, reader.UInt16() * 16u), now);
                    break;
                case 8 when host.Pick(reader.Byte()) is { } stream:
                    session.CloseWrite(stream);
                    break;
                case 9 when host.Pick(reader.Byte()) is { } stream:
                    session.Reset(stream);
                    break;
                case 10 when host.Pick(reader.Byte()) is { } stream:
                    session.Discard(stream, now);
                    break;
                case 11:
                    session.Ping(now);
                    break;
                case 12:
                    now += TimeSpan.FromMilliseconds(reader.UInt16());
                    session.Tick(now);
                    break;
                case 13 when act > 240:
                    session.GoAway(YamuxGoAway.Normal);
                    break;
            }

            host.Check(session);
        }
    }

    /// <summary>One frame of the remote: fields small more often than not, and as much data as the input still has.</summary>
    private static void Frame(YamuxSession session, ref InputReader reader, TimeSpan now)
    {
        Span<byte> header = stackalloc byte[YamuxHeader.Size];
        header.Clear();
        var shape = reader.Byte();
        header[1] = (byte)(shape & 3);
        header[0] = (byte)(shape == 255 ? 1 : 0);
        header[3] = reader.Byte();
        var id = (shape & 4) != 0 ? reader.UInt32() : reader.Byte();
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], id);
        var length = (shape >> 3 & 3) switch
        {
            0 => reader.Byte(),
            1 => reader.UInt16(),
            2 => reader.UInt32(),
            _ => 0u,
        };
        BinaryPrimitives.WriteUInt32BigEndian(header[8..], length);
        session.Receive(header, now);
        if ((shape & 3) == 0 && (shape & 32) == 0)
        {
            // The data's content means nothing to the session: zeros stand for it.
            session.Receive(Zeros.AsSpan(0, (int)Math.Min(length, (uint)Zeros.Length)), now);
        }
    }

    private static IEnumerable<byte[]> Seeds() =>
    [
        // A stream of the remote with data and FIN; answered, read, closed.
        [0, 0, 1 | 24, 1, 2, 0, 0 | 8, 0, 2, 1, 0, 6, 0, 0, 100, 7, 0, 16, 0, 8, 0, 0, 1 | 24, 4, 2],

        // A stream of ours: acknowledged, its window opened, data, reset.
        [0, 5, 0, 1 | 8, 2, 1, 0x10, 0, 6, 0, 0xff, 0xff, 0, 0, 0, 1, 9, 9, 0],

        // Pings either way, a tick, GoAway.
        [1, 11, 0, 2, 2, 0, 0, 0, 2, 1, 0, 7, 12, 0x75, 0x30, 12, 0x75, 0x30, 0, 3, 0, 0, 0],

        // Raw bytes in pieces.
        [1, 4, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0, 4, 7, 0, 0, 1, 0, 0, 0, 3, 4, 3, 1, 2, 3],

        // Many streams of the remote.
        [1, .. Enumerable.Range(0, 12).SelectMany(i => new byte[] { 0, 1 | 24, 1, (byte)((2 * i) + 1) })],
    ];

    /// <summary>Checks the order and the bounds of what a session tells its host.</summary>
    private sealed class CheckingHost : IYamuxHost
    {
        private readonly List<YamuxStream> _streams = [];
        private readonly Dictionary<YamuxStream, uint> _unread = [];
        private readonly HashSet<YamuxStream> _finished = [];

        public void Add(YamuxStream stream) => _streams.Add(stream);

        public YamuxStream? Pick(byte choice) => _streams.Count == 0 ? null : _streams[choice % _streams.Count];

        public uint Take(YamuxStream stream, uint atMost)
        {
            var taken = Math.Min(atMost, _unread.GetValueOrDefault(stream));
            _unread[stream] = _unread.GetValueOrDefault(stream) - taken;
            return taken;
        }

        public void Check(YamuxSession session)
        {
            Invariant.Holds(session.Streams.Count(s => s.Inbound) <= Options.MaxInboundStreams, "The remote has more streams open than it may.");
            Invariant.Holds(session.Streams.All(s => !s.Gone), "The session holds a stream that is gone.");
            Invariant.Holds(session.Streams.Sum(s => (long)s.TargetWindow - YamuxOptions.InitialWindow) <= Options.WindowBudget, "Windows grew past their budget.");
        }

        public void Send(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
        {
            var read = YamuxHeader.Read(header);
            Invariant.Holds(payload.Length == (read.Type == YamuxType.Data ? read.Length : 0), "A frame's header tells another length than it has.");
        }

        public void StreamOpened(YamuxStream stream)
        {
            Invariant.Holds(stream.Inbound && !_streams.Contains(stream), "A stream was opened that was there already.");
            _streams.Add(stream);
        }

        public void StreamAcknowledged(YamuxStream stream) => Invariant.Holds(!stream.Inbound, "The remote acknowledged its own stream.");

        public void DataReceived(YamuxStream stream, ReadOnlySpan<byte> data)
        {
            Invariant.Holds(_streams.Contains(stream) && !_finished.Contains(stream), "Data came for a stream that is not there or is finished.");
            _unread[stream] = _unread.GetValueOrDefault(stream) + (uint)data.Length;
            Invariant.Holds(_unread[stream] <= stream.TargetWindow, "More is unread than a stream's window holds.");
        }

        public void RemoteClosed(YamuxStream stream) => Invariant.Holds(_finished.Add(stream), "A stream finished twice.");

        public void StreamReset(YamuxStream stream)
        {
            Invariant.Holds(_streams.Contains(stream) && stream.Gone, "A stream was reset that was not there, or still is.");
            _finished.Add(stream);
        }

        public void WindowOpened(YamuxStream stream) => Invariant.Holds(_streams.Contains(stream), "The window of an unknown stream was opened.");

        public void RemoteGoingAway(uint reason)
        {
        }
    }
}
