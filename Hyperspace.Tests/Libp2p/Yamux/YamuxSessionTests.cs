using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Tests.Libp2p.Yamux;

public class YamuxSessionTests
{
    private static readonly YamuxOptions Options = new() { MaxInboundStreams = 4, AckBacklog = 3 };
    private static readonly TimeSpan Start = TimeSpan.Zero;
    private readonly RecordingHost _host = new();
    private readonly YamuxSession _listener;

    public YamuxSessionTests() => _listener = new YamuxSession(dialer: false, Options, _host);

    [Fact]
    public void A_header_has_the_wire_form_of_the_specification()
    {
        var session = new YamuxSession(dialer: true, Options, _host);
        var stream = session.Open(Start);
        session.Write(stream, "hi"u8);
        session.CloseWrite(stream);
        session.Ping(Start);
        session.GoAway(YamuxGoAway.Normal);
        Assert.Equal(
            "000100010000000100000000" + "000000000000000100000002" + "6869" + "000100040000000100000000" + "000200010000000000000000" + "000300000000000000000000",
            Convert.ToHexStringLower(_host.Take()));
    }

    [Fact]
    public void The_listener_numbers_its_streams_even_and_the_dialer_odd()
    {
        Assert.Equal([2u, 4u], new[] { _listener.Open(Start).Id, _listener.Open(Start).Id });
        var dialer = new YamuxSession(dialer: true, Options, _host);
        Assert.Equal([1u, 3u], new[] { dialer.Open(Start).Id, dialer.Open(Start).Id });
    }

    [Fact]
    public void The_first_answer_to_a_stream_carries_the_acknowledgement()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        var stream = Assert.Single(_host.Opened);
        Assert.Empty(_host.Frames);
        _listener.Write(stream, "a"u8);
        _listener.Write(stream, "b"u8);
        Assert.Equal([YamuxFlags.Ack, YamuxFlags.None], _host.Frames.Select(f => f.Flags));
    }

    [Fact]
    public void The_stream_that_passes_what_a_connection_may_hold_unread_is_reset_and_the_others_go_on()
    {
        var session = new YamuxSession(dialer: false, Options with { UnreadBudget = 1000 }, _host);
        Receive(session, YamuxType.Data, YamuxFlags.Syn, 1, new byte[600]);
        Receive(session, YamuxType.Data, YamuxFlags.Syn, 3, new byte[400]);
        Assert.Empty(_host.ResetStreams);
        Receive(session, YamuxType.Data, YamuxFlags.None, 3, new byte[1]);
        Assert.Equal([3u], _host.ResetStreams);
        Assert.Equal((YamuxFlags.Rst, 3u), (_host.Frames[^1].Flags, _host.Frames[^1].StreamId));
        Assert.Equal(400, _host.Received[3].Length);

        // What the lost stream left counts until its reader is done with it.
        Receive(session, YamuxType.Data, YamuxFlags.Syn, 5, new byte[1]);
        Assert.Equal([3u, 5u], _host.ResetStreams);
        session.Discard(_host.Opened[1], Start);
        session.Consumed(_host.Opened[0], 600, Start);
        Receive(session, YamuxType.Data, YamuxFlags.Syn, 7, new byte[1000]);
        Assert.Equal(1000, _host.Received[7].Length);
        Assert.Equal([3u, 5u], _host.ResetStreams);
    }

    [Fact]
    public void Data_may_ride_on_the_opening_frame_and_fin_takes_effect_after_it()
    {
        Receive(YamuxType.Data, YamuxFlags.Syn | YamuxFlags.Fin, 1, 3, "abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), _host.Received[1].ToArray());
        Assert.Equal([1u], _host.Closed);
    }

    [Fact]
    public void Bytes_before_a_reset_are_kept()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        Receive(YamuxType.Data, YamuxFlags.None, 1, 3, "abc"u8.ToArray());
        Receive(YamuxType.WindowUpdate, YamuxFlags.Rst, 1, 0);
        Assert.Equal("abc"u8.ToArray(), _host.Received[1].ToArray());
        Assert.Equal([1u], _host.ResetStreams);
        Assert.Equal(0, _listener.StreamCount);
    }

    [Fact]
    public void Writing_stops_at_the_window_and_goes_on_when_it_opens()
    {
        var stream = _listener.Open(Start);
        var data = new byte[300_000];
        var written = 0;
        int count;
        while ((count = _listener.Write(stream, data.AsSpan(written))) > 0)
        {
            written += count;
        }

        Assert.Equal(256 * 1024, written);
        Assert.All(_host.Frames.Where(f => f.Type == YamuxType.Data), f => Assert.InRange(f.Length, 1u, (uint)Options.MaxFrame));
        Receive(YamuxType.WindowUpdate, YamuxFlags.Ack, stream.Id, 10);
        Assert.Equal([stream.Id], _host.WindowsOpened);
        Assert.Equal(10, _listener.Write(stream, data.AsSpan(written)));
    }

    [Fact]
    public void The_window_opens_again_only_for_what_was_consumed()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        Receive(YamuxType.Data, YamuxFlags.None, 1, 200_000, new byte[200_000]);
        Assert.Empty(_host.Frames);
        _listener.Consumed(_host.Opened[0], 100_000, Start);
        Assert.Empty(_host.Frames);
        _listener.Consumed(_host.Opened[0], 50_000, Start);
        var update = Assert.Single(_host.Frames);
        Assert.Equal((YamuxType.WindowUpdate, YamuxFlags.Ack, 150_000u), (update.Type, update.Flags, update.Length));
    }

    [Fact]
    public void A_window_that_is_used_up_within_four_round_trips_grows_up_to_its_limit()
    {
        var now = Start;
        _listener.Ping(now);
        Receive(YamuxType.Ping, YamuxFlags.Ack, 0, 0, now: now + TimeSpan.FromMilliseconds(100));
        Assert.Equal(TimeSpan.FromMilliseconds(100), _listener.RoundTrip);
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        var stream = _host.Opened[0];
        for (var i = 0; i < 12; i++)
        {
            now += TimeSpan.FromMilliseconds(100);
            var burst = stream.ReceiveWindow;
            Receive(YamuxType.Data, YamuxFlags.None, 1, burst, new byte[burst]);
            _listener.Consumed(stream, burst, now);
        }

        Assert.Equal(Options.MaxWindow, stream.TargetWindow);
        Assert.Equal(Options.MaxWindow, stream.ReceiveWindow);
    }

    [Fact]
    public void A_slow_reader_keeps_its_small_window()
    {
        _listener.Ping(Start);
        Receive(YamuxType.Ping, YamuxFlags.Ack, 0, 0, now: TimeSpan.FromMilliseconds(1));
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        Receive(YamuxType.Data, YamuxFlags.None, 1, 200_000, new byte[200_000]);
        _listener.Consumed(_host.Opened[0], 200_000, TimeSpan.FromSeconds(1));
        Assert.Equal(YamuxOptions.InitialWindow, _host.Opened[0].TargetWindow);
    }

    [Fact]
    public void Streams_past_the_backlog_or_the_limit_are_reset()
    {
        for (var id = 1u; id <= 7; id += 2)
        {
            Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, id, 0);
        }

        Assert.Equal(3, _host.Opened.Count);
        Assert.Equal((YamuxFlags.Rst, 7u), (_host.Frames[^1].Flags, _host.Frames[^1].StreamId));

        _host.Opened.ForEach(s => _listener.Write(s, "x"u8));
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 9, 0);
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 11, 0);
        Assert.Equal(4, _host.Opened.Count);
        Assert.Equal((YamuxFlags.Rst, 11u), (_host.Frames[^1].Flags, _host.Frames[^1].StreamId));
    }

    [Fact]
    public void Frames_for_a_stream_that_was_reset_here_are_skipped()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        _listener.Reset(_host.Opened[0]);
        Receive(YamuxType.Data, YamuxFlags.None, 1, 3, "abc"u8.ToArray());
        Receive(YamuxType.WindowUpdate, YamuxFlags.Fin, 1, 5);
        Receive(YamuxType.Ping, YamuxFlags.Syn, 0, 77);
        Assert.Empty(_host.Received);
        Assert.Equal((YamuxType.Ping, YamuxFlags.Ack, 77u), (_host.Frames[^1].Type, _host.Frames[^1].Flags, _host.Frames[^1].Length));
    }

    [Theory]
    [InlineData("010000000000000100000000")] // another version
    [InlineData("000400000000000100000000")] // an unknown type
    [InlineData("000000000000000000000001")] // data for the session
    [InlineData("000100010000000000000000")] // opens stream 0
    [InlineData("000100010000000200000000")] // opens a stream with our parity
    [InlineData("000200010000000500000000")] // a ping on a stream
    [InlineData("000200020000000000000009")] // a pong that nobody asked for
    [InlineData("000200000000000000000009")] // a ping without a flag
    [InlineData("000300000000000700000000")] // goes away on a stream
    [InlineData("000000010000000100040001")] // more data than the first window, judged at the header
    [InlineData("00000000000000017fffffff")] // 2 GiB for a stream that does not exist
    [InlineData("000100010000000100000000" + "000100010000000100000000")] // opens the same stream twice
    [InlineData("0001000100000001fffc0000")] // opens the window past 4 GiB
    public void Whoever_breaks_the_rules_is_found_out(string hex) =>
        Assert.Throws<YamuxException>(() => _listener.Receive(Convert.FromHexString(hex), Start));

    [Fact]
    public void Data_after_fin_and_data_past_the_window_break_the_rules()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        Receive(YamuxType.WindowUpdate, YamuxFlags.Fin, 1, 0);
        Assert.Throws<YamuxException>(() => Receive(YamuxType.Data, YamuxFlags.None, 1, 1, [0]));

        var other = new YamuxSession(dialer: false, Options, new RecordingHost());
        var all = new byte[YamuxHeader.Size + 256 * 1024];
        new YamuxHeader(YamuxType.Data, YamuxFlags.Syn, 1, 256 * 1024).Write(all);
        other.Receive(all, Start);
        new YamuxHeader(YamuxType.Data, YamuxFlags.None, 1, 1).Write(all);
        Assert.Throws<YamuxException>(() => other.Receive(all.AsSpan(0, YamuxHeader.Size), Start));
    }

    [Fact]
    public void A_ping_goes_out_every_thirty_seconds_and_silence_ends_the_session()
    {
        _listener.Tick(TimeSpan.FromSeconds(29));
        Assert.Empty(_host.Frames);
        _listener.Tick(TimeSpan.FromSeconds(30));
        Assert.Equal(YamuxType.Ping, Assert.Single(_host.Frames).Type);
        _listener.Tick(TimeSpan.FromSeconds(45));
        Assert.Single(_host.Frames);
        Assert.Throws<YamuxException>(() => _listener.Tick(TimeSpan.FromSeconds(50)));
    }

    [Fact]
    public void A_stream_whose_remote_never_closes_is_reset_after_lingering()
    {
        Receive(YamuxType.WindowUpdate, YamuxFlags.Syn, 1, 0);
        _listener.CloseWrite(_host.Opened[0]);
        _listener.Discard(_host.Opened[0], Start);
        Receive(YamuxType.Data, YamuxFlags.None, 1, 3, "abc"u8.ToArray());
        Assert.Empty(_host.Received);
        _listener.Tick(Options.Linger - TimeSpan.FromSeconds(1));
        Assert.Equal(1, _listener.StreamCount);
        _listener.Tick(Options.Linger);
        Assert.Equal(0, _listener.StreamCount);
        Assert.Equal([1u], _host.ResetStreams);
        Assert.Equal(YamuxFlags.Rst, _host.Frames[^1].Flags);
    }

    private void Receive(YamuxType type, YamuxFlags flags, uint id, uint length, byte[]? payload = null, TimeSpan? now = null)
    {
        var frame = new byte[YamuxHeader.Size + (payload?.Length ?? 0)];
        new YamuxHeader(type, flags, id, length).Write(frame);
        payload?.CopyTo(frame, YamuxHeader.Size);
        _listener.Receive(frame, now ?? Start);
    }

    private static void Receive(YamuxSession session, YamuxType type, YamuxFlags flags, uint id, byte[] data)
    {
        var bytes = new byte[YamuxHeader.Size + data.Length];
        new YamuxHeader(type, flags, id, (uint)data.Length).Write(bytes);
        data.CopyTo(bytes, YamuxHeader.Size);
        session.Receive(bytes, Start);
    }
}
