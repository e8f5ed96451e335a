using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.GossipSub;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.GossipSub;

public class RpcFrameReaderTests
{
    [Property(MaxTest = 60)]
    public void Frames_come_out_whole_however_the_stream_is_cut(NonNegativeInt seed)
    {
        var random = new Random(seed.Get);
        var frames = Enumerable.Range(0, random.Next(1, 30)).Select(_ =>
        {
            var frame = new byte[random.Next(10) == 0 ? random.Next(300_000) : random.Next(300)];
            random.NextBytes(frame);
            return frame;
        }).ToList();
        using var reader = new RpcFrameReader(new Pieces([.. frames.SelectMany(Framed)], random), 1 << 20);
        foreach (var frame in frames)
        {
            Assert.Equal(frame, Read(reader)!.Value.ToArray());
        }

        Assert.Null(Read(reader));
    }

    [Fact]
    public void A_frame_over_the_limit_is_refused_at_its_prefix()
    {
        using var reader = new RpcFrameReader(new Pieces(Framed(new byte[1001])[..2], new Random(1)), 1000);
        Assert.Throws<InvalidDataException>(() => Read(reader));
    }

    [Fact]
    public void A_long_prefix_alone_takes_no_memory()
    {
        var prefix = new byte[10];
        var length = Varint.Write(prefix, (4UL << 20) - 1);
        using var reader = new RpcFrameReader(new Pieces([.. prefix[..length], 1, 2, 3], new Random(1)), 4 << 20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => Read(reader));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static byte[] Framed(byte[] frame)
    {
        var prefix = new byte[10];
        return [.. prefix[..Varint.Write(prefix, (ulong)frame.Length)], .. frame];
    }

    /// <summary>The stream below never waits, so neither does the reader.</summary>
    private static ReadOnlyMemory<byte>? Read(RpcFrameReader reader)
    {
        var read = reader.ReadAsync(CancellationToken.None);
        Assert.True(read.IsCompleted);
        return read.GetAwaiter().GetResult();
    }

    /// <summary>Bytes that come in pieces of random size.</summary>
    private sealed class Pieces(byte[] bytes, Random random) : IPeerStream
    {
        private int _position;

        public PeerId RemotePeer => GossipKeys.Peer(1);

        public string Protocol => "/meshsub/1.1.0";

        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = Math.Min(Math.Min(buffer.Length, bytes.Length - _position), 1 + random.Next(random.Next(2) == 0 ? 5 : 100_000));
            bytes.AsMemory(_position, count).CopyTo(buffer);
            _position += count;
            return ValueTask.FromResult(count);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => throw new NotSupportedException("Only read.");

        public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public void Reset()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
