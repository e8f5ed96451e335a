using System.Net.Sockets;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Switch;
using Hyperspace.Libp2p.Yamux;

namespace Hyperspace.Tests.Host;

/// <summary>Raw bytes on the listening socket, and a broken muxer behind a good handshake.</summary>
[Collection(HostileTests.Name)]
public class HostilePeerTests(TargetPeer target)
{
    private static readonly byte[] Multistream = [19, .. "/multistream/1.0.0\n"u8];

    [Theory]
    [InlineData("http")]
    [InlineData("random")]
    [InlineData("endless line")]
    [InlineData("unknown security")]
    [InlineData("noise garbage")]
    [InlineData("half a noise frame")]
    public async Task Garbage_before_the_handshake_ends_the_connection(string what)
    {
        var random = new byte[4096];
        new Random(7).NextBytes(random);
        byte[] noise = [.. Multistream, 7, .. "/noise\n"u8];
        byte[] bytes = what switch
        {
            "http" => [.. "GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8],
            "random" => random,
            "endless line" => [0xff, 0xff, 0x7f, .. random],
            "unknown security" => [.. Multistream, 12, .. "/tls/1.0.0x\n"u8],
            "noise garbage" => [.. noise, 0, 200, .. random.AsSpan(0, 200)],
            _ => [.. noise, 0, 200, 1, 2, 3],
        };
        using var socket = await HostileNeighbour.ConnectTcpAsync(target);
        await socket.SendAsync(bytes);
        socket.Shutdown(SocketShutdown.Send);
        Assert.True(await EndsAsync(socket));
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task Silent_and_trickling_handshakes_are_cut_off_and_others_get_in_again()
    {
        await using var early = await HostileNeighbour.ConnectAsync(target);
        var slow = new List<Socket>();
        for (var i = 0; i < 100; i++)
        {
            slow.Add(await HostileNeighbour.ConnectTcpAsync(target));
        }

        var trickling = slow.Take(20).Select(TrickleAsync).ToList();
        await target.AssertWellAsync();
        await using (await early.OpenAsync(HostileNeighbour.MeshSub))
        {
            // Whoever was connected before is served on.
        }

        // Each is refused at once or ended by the upgrade's time-out of 10 s, whether or not it trickles.
        Assert.All(await Task.WhenAll(slow.Select(EndsAsync)), Assert.True);
        await Task.WhenAll(trickling);
        slow.ForEach(s => s.Dispose());
        await using var late = await HostileNeighbour.ConnectAsync(target);
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task Three_hundred_connections_at_once_are_survived()
    {
        var sockets = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => HostileNeighbour.ConnectTcpAsync(target)));
        await target.AssertWellAsync();
        foreach (var socket in sockets)
        {
            socket.Dispose();
        }

        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        await target.AssertWellAsync();
    }

    [Theory]
    [InlineData("version", new byte[] { 9, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 })]
    [InlineData("type", new byte[] { 0, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0 })]
    [InlineData("length over the window", new byte[] { 0, 0, 0, 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff })]
    [InlineData("our stream ids", new byte[] { 0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0 })]
    public async Task A_broken_muxer_frame_ends_the_connection(string what, byte[] frame)
    {
        using var keys = KeyPair.Generate();
        var connection = await HostileNeighbour.UpgradeAsync(target, keys);
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        await connection.Channel.WriteAsync(frame, patience.Token);
        Assert.True(await EndsAsync(connection, patience.Token), what);
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task A_connection_that_sends_and_never_reads_is_closed()
    {
        using var keys = KeyPair.Generate();
        var connection = await HostileNeighbour.UpgradeAsync(target, keys);
        var calls = new byte[1000 * 256];
        var request = RpcFrames.Request("capabilities.get", default, TimeSpan.FromSeconds(60), null);
        byte[] opening = [.. Multistream, 22, .. "/hyperspace/rpc/1.0.0\n"u8, .. request];
        var at = 0;
        for (uint stream = 1; stream < 500; stream += 2)
        {
            new YamuxHeader(YamuxType.Data, YamuxFlags.Syn, stream, (uint)opening.Length).Write(calls.AsSpan(at));
            opening.CopyTo(calls.AsSpan(at + YamuxHeader.Size));
            at += YamuxHeader.Size + opening.Length;
        }

        var pings = new byte[5000 * YamuxHeader.Size];
        for (var i = 0; i < 5000; i++)
        {
            new YamuxHeader(YamuxType.Ping, YamuxFlags.Syn, 0, (uint)i).Write(pings.AsSpan(i * YamuxHeader.Size));
        }

        // The peer ends it when 1.25 MiB of answers wait behind what the sockets hold. Hanging until the patience ends is no pass.
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        var sent = 0L;
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await connection.Channel.WriteAsync(calls.AsMemory(0, at), patience.Token);
            for (; sent < 120_000_000; sent += pings.Length)
            {
                await connection.Channel.WriteAsync(pings, patience.Token);
            }
        });

        Assert.InRange(sent, 0, 40_000_000);
        await using var other = await HostileNeighbour.ConnectAsync(target);
        Assert.Equal("Payload", await HostileRpcTests.CallAsync(other, request));
        await target.AssertWellAsync();
        await connection.Transport.DisposeAsync();
    }

    private static async Task<bool> EndsAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(HostileNeighbour.Patience);
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, patience.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset.
        }

        return true;
    }

    private static async Task<bool> EndsAsync(Upgraded connection, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        try
        {
            while (await connection.Channel.ReadAsync(buffer, cancellationToken) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset.
        }

        await connection.Transport.DisposeAsync();
        return true;
    }

    private static async Task TrickleAsync(Socket socket)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(400));
        try
        {
            foreach (var one in Multistream.Concat(Multistream).Concat(Multistream))
            {
                await socket.SendAsync(new[] { one });
                await pause.WaitForNextTickAsync();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut off, as it should be.
        }
    }
}
