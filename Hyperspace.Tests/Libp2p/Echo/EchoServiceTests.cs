using Hyperspace.Libp2p.Echo;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Echo;

public class EchoServiceTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    [InlineData(3_000_000, 2)]
    public async Task Bytes_come_back_as_often_as_asked_for(int bytes, int rounds)
    {
        await using var one = await TestSwitch.StartAsync();
        await using var two = await TestSwitch.StartAsync();
        var echo = new EchoService(one.Switch);
        _ = new EchoService(two.Switch);
        await one.Switch.DialAsync(two.Address);
        Assert.Equal(rounds, (await echo.EchoAsync(two.PeerId, bytes, rounds)).Count);
    }

    [Theory]
    [InlineData("other")]
    [InlineData("fewer")]
    [InlineData("more")]
    public async Task A_peer_that_sends_something_else_back_is_found_out(string lie)
    {
        await using var one = await TestSwitch.StartAsync();
        await using var liar = await TestSwitch.StartAsync();
        var echo = new EchoService(one.Switch);
        liar.Switch.Handle(EchoService.Protocol, async (stream, cancellationToken) =>
        {
            var sent = await stream.ReadToEndAsync(cancellationToken);
            sent[0] ^= lie == "other" ? (byte)1 : (byte)0;
            await stream.WriteAsync(lie == "fewer" ? sent.AsMemory(1) : sent, cancellationToken);
            await stream.WriteAsync(lie == "more" ? new byte[1] : ReadOnlyMemory<byte>.Empty, cancellationToken);
        });
        await one.Switch.DialAsync(liar.Address);
        var failure = await Assert.ThrowsAsync<IOException>(() => echo.EchoAsync(liar.PeerId, 1000));
        Assert.Contains($"{liar.PeerId}", failure.Message, StringComparison.Ordinal);
    }
}
