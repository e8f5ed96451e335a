using FsCheck.Xunit;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Tests.Libp2p.Yamux;

/// <summary>Two sessions back to back under random use, random piece sizes and random bytes.</summary>
public class YamuxPairProperties
{
    [Property(MaxTest = 25)]
    public void Whatever_is_written_arrives_in_order_and_every_stream_is_forgotten(int seed)
    {
        var random = new Random(seed);
        var options = new YamuxOptions { MaxInboundStreams = 50 };
        var hosts = new[] { new RecordingHost(), new RecordingHost() };
        var sessions = new[] { new YamuxSession(true, options, hosts[0]), new YamuxSession(false, options, hosts[1]) };
        var written = new Dictionary<uint, MemoryStream>();
        var streams = new List<(int Side, YamuxStream Stream)>();
        var consumed = new Dictionary<(int Side, uint Id), long>();
        var now = TimeSpan.Zero;
        sessions[0].Ping(now);
        for (var step = 0; step < 300; step++)
        {
            now += TimeSpan.FromMilliseconds(random.Next(3));
            switch (random.Next(6))
            {
                case 0 when streams.Count < 20:
                    var side = random.Next(2);
                    var opened = sessions[side].Open(now);
                    streams.Add((side, opened));
                    written.Add(opened.Id, new MemoryStream());
                    break;
                case 1 or 2 when streams.Count > 0:
                    var (s, stream) = streams[random.Next(streams.Count)];
                    if (!stream.WriteClosed)
                    {
                        var data = new byte[random.Next(100_000)];
                        random.NextBytes(data);
                        written[stream.Id].Write(data, 0, sessions[s].Write(stream, data));
                    }

                    break;
                case 3 when streams.Count > 0 && random.Next(4) == 0:
                    var (c, closing) = streams[random.Next(streams.Count)];
                    sessions[c].CloseWrite(closing);
                    break;
                default:
                    Exchange(random, sessions, hosts, now, consumed);
                    break;
            }
        }

        foreach (var (side, stream) in streams)
        {
            sessions[side].CloseWrite(stream);
        }

        Exchange(random, sessions, hosts, now, consumed);
        for (var side = 0; side < 2; side++)
        {
            hosts[side].Opened.ForEach(sessions[side].CloseWrite);
        }

        Exchange(random, sessions, hosts, now, consumed);
        foreach (var (side, stream) in streams)
        {
            var received = hosts[1 - side].Received.TryGetValue(stream.Id, out var all) ? all.ToArray() : [];
            Assert.Equal(written[stream.Id].ToArray(), received);
            Assert.Contains(stream.Id, hosts[1 - side].Closed);
        }

        Assert.Equal((0, 0), (sessions[0].StreamCount, sessions[1].StreamCount));
        Assert.Equal(streams.Count, hosts[0].Acknowledged.Count + hosts[1].Acknowledged.Count);
    }

    [Fact]
    public void Random_and_mutated_frames_raise_only_the_protocols_own_error()
    {
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            var host = new RecordingHost();
            var session = new YamuxSession(false, new YamuxOptions(), host);
            var bytes = new byte[random.Next(1, 120)];
            random.NextBytes(bytes);
            if (i % 2 == 0)
            {
                // Near the truth: plausible headers, so that the deeper rules are reached.
                for (var at = 0; at + YamuxHeader.Size <= bytes.Length; at += YamuxHeader.Size)
                {
                    new YamuxHeader((YamuxType)random.Next(4), (YamuxFlags)random.Next(16), (uint)random.Next(4), (uint)random.Next(30)).Write(bytes.AsSpan(at));
                }
            }

            try
            {
                session.Receive(bytes, TimeSpan.Zero);
            }
            catch (YamuxException)
            {
                // The one error that it may raise.
            }
        }
    }

    /// <summary>Carries what was sent both ways, in random pieces, until nothing more is sent; receivers consume at once.</summary>
    private static void Exchange(Random random, YamuxSession[] sessions, RecordingHost[] hosts, TimeSpan now, Dictionary<(int Side, uint Id), long> consumed)
    {
        bool moved;
        do
        {
            moved = false;
            for (var side = 0; side < 2; side++)
            {
                ReadOnlySpan<byte> bytes = hosts[side].Take();
                var other = sessions[1 - side];
                while (bytes.Length > 0)
                {
                    moved = true;
                    var piece = Math.Min(bytes.Length, random.Next(1, 70_000));
                    other.Receive(bytes[..piece], now);
                    bytes = bytes[piece..];
                }

                foreach (var stream in other.Streams.ToArray())
                {
                    var key = (1 - side, stream.Id);
                    var total = hosts[1 - side].Received.TryGetValue(stream.Id, out var all) ? all.Length : 0;
                    consumed.TryGetValue(key, out var before);
                    consumed[key] = total;
                    other.Consumed(stream, (uint)(total - before), now);
                }
            }
        }
        while (moved);
    }
}
