using Hyperspace.Libp2p;

namespace Hyperspace.Tests.Libp2p;

public class LengthPrefixedTests
{
    [Fact]
    public async Task Messages_come_back_one_by_one_and_then_the_end()
    {
        var stream = new MemoryPeerStream();
        await stream.WriteMessageAsync(new byte[] { 1, 2, 3 });
        await stream.WriteMessageAsync(Array.Empty<byte>());
        await stream.WriteMessageAsync(new byte[300]);
        stream.Rewind();
        var messages = new List<byte[]>();
        while (await stream.ReadMessageAsync(300) is { } message)
        {
            messages.Add(message);
        }

        Assert.Equal([[1, 2, 3], [], new byte[300]], messages);
    }

    [Theory]
    [InlineData("ac02")] // 300 announced, 299 allowed
    [InlineData("ffffffffffffffff7f")] // the largest length there is
    [InlineData("ffffffffffffffffff01")] // no length at all
    [InlineData("80")] // cut off in the length
    [InlineData("0501")] // cut off in the message
    public async Task Too_long_or_cut_off_is_a_framing_error(string hex)
    {
        var stream = new MemoryPeerStream();
        await stream.WriteAsync(Convert.FromHexString(hex));
        stream.Rewind();
        await Assert.ThrowsAsync<MessageFramingException>(async () => await stream.ReadMessageAsync(299));
    }

    private sealed class MemoryPeerStream : IPeerStream
    {
        private readonly MemoryStream _bytes = new();

        public PeerId RemotePeer => throw new NotSupportedException();

        public string Protocol => "/memory/1";

        public void Rewind() => _bytes.Position = 0;

        // At most two bytes at a time: a message may come in pieces.
        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _bytes.ReadAsync(buffer[..Math.Min(2, buffer.Length)], cancellationToken);

        public ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken = default) =>
            _bytes.WriteAsync(data, cancellationToken);

        public ValueTask CloseWriteAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public void Reset()
        {
        }

        public ValueTask DisposeAsync() => _bytes.DisposeAsync();
    }
}
