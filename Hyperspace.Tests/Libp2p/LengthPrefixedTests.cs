using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc.Wire;

namespace Hyperspace.Tests.Libp2p;

public class LengthPrefixedTests
{
    private const int Limit = 300_000;

    [Property(MaxTest = 50)]
    public void Messages_arrive_whole_however_the_bytes_are_cut(byte[][] messages, PositiveInt chunk) =>
        Check(messages.Append(new byte[200_000]).ToArray(), chunk.Get).GetAwaiter().GetResult();

    private static async Task Check(byte[][] messages, int chunk)
    {
        var bytes = messages.SelectMany(m => Prefixed(m)).ToArray();
        var stream = new ChunkedStream(bytes, chunk);
        foreach (var message in messages)
        {
            Assert.Equal(message, await stream.ReadMessageAsync(Limit));
        }

        Assert.Null(await stream.ReadMessageAsync(Limit));
    }

    [Fact]
    public async Task A_length_over_the_limit_is_refused_before_memory_is_taken()
    {
        var prefix = new byte[9];
        var length = Varint.Write(prefix, long.MaxValue);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await Assert.ThrowsAsync<MessageTooLargeException>(async () => await new ChunkedStream(prefix[..length], 9).ReadMessageAsync(Limit));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public async Task A_stream_that_ends_inside_a_message_is_an_error()
    {
        var whole = Prefixed(new byte[100]);
        for (var cut = 1; cut < whole.Length; cut++)
        {
            var stream = new ChunkedStream(whole[..cut], 7);
            await Assert.ThrowsAsync<EndOfStreamException>(async () => await stream.ReadMessageAsync(Limit));
        }
    }

    [Fact]
    public async Task Random_bytes_give_messages_or_one_of_the_documented_errors()
    {
        var random = new Random(7);
        for (var i = 0; i < 5_000; i++)
        {
            var bytes = new byte[random.Next(0, 200)];
            random.NextBytes(bytes);
            var stream = new ChunkedStream(bytes, random.Next(1, 50));
            try
            {
                while (await stream.ReadMessageAsync(Limit) is { } message)
                {
                    Assert.True(message.Length <= bytes.Length);
                    _ = Response.Parser.ParseFrom(message);
                }
            }
            catch (IOException)
            {
                // Documented: InvalidProtocolBufferException is an IOException.
            }
        }
    }

    private static byte[] Prefixed(byte[] message)
    {
        var prefix = new byte[9];
        return [.. prefix[..Varint.Write(prefix, (ulong)message.Length)], .. message];
    }

    private sealed class ChunkedStream(byte[] bytes, int chunk) : IPeerStream
    {
        private int _position;

        public PeerId RemotePeer { get; } = KeyPair.FromSeed(new byte[32]).PeerId;

        public string Protocol => "/test";

        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = Math.Min(Math.Min(chunk, buffer.Length), bytes.Length - _position);
            bytes.AsSpan(_position, count).CopyTo(buffer.Span);
            _position += count;
            return ValueTask.FromResult(count);
        }

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public void Reset()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
