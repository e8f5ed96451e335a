using Google.Protobuf;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Relay;
using Hyperspace.Libp2p.Relay.Wire;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Relay;

/// <summary>The relay's protocol byte by byte, with clients that do what they should not.</summary>
public class RelayServiceTests
{
    private static readonly byte[] Reserve = new HopMessage { Type = HopMessage.Types.Type.Reserve }.ToLengthPrefixed();

    [Fact]
    public async Task Requests_that_cannot_be_read_are_told_so()
    {
        var (relay, _) = await RelayPeer.StartRelayAsync();
        await using var __ = relay;
        await using var client = await TestSwitch.StartAsync();
        await client.Switch.DialAsync(relay.Address);
        (byte[] Sent, RelayStatus Expected)[] cases =
        [
            ([], RelayStatus.MalformedMessage),
            ([0], RelayStatus.MalformedMessage),
            ([10, 8], RelayStatus.MalformedMessage),
            ([3, 0xff, 0xff, 0xff], RelayStatus.MalformedMessage),
            ([0xff, 0xff, 0xff, 0xff, 0x7f], RelayStatus.MalformedMessage),
            ([0x81, 0x20, 8, 0], RelayStatus.MalformedMessage),
            (new HopMessage { Type = HopMessage.Types.Type.Connect }.ToLengthPrefixed(), RelayStatus.MalformedMessage),
            (new HopMessage { Type = HopMessage.Types.Type.Connect, Peer = new Peer { Id = ByteString.CopyFromUtf8("nobody") } }.ToLengthPrefixed(), RelayStatus.MalformedMessage),
            (new HopMessage { Type = HopMessage.Types.Type.Status, Status = 100 }.ToLengthPrefixed(), RelayStatus.UnexpectedMessage),
        ];
        foreach (var (sent, expected) in cases)
        {
            Assert.Equal((Convert.ToHexString(sent), expected), (Convert.ToHexString(sent), await AskAsync(client, relay, sent)));
        }

        Assert.Equal(RelayStatus.Ok, await AskAsync(client, relay, Reserve));
    }

    [Fact]
    public async Task A_flood_of_reservations_is_refused_and_leaves_one()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(new RelayServiceOptions { RequestsPerMinutePerIp = 20 });
        await using var _ = relay;
        await using var client = await TestSwitch.StartAsync();
        await client.Switch.DialAsync(relay.Address);
        var answers = new List<RelayStatus>();
        for (var i = 0; i < 60; i++)
        {
            answers.Add(await AskAsync(client, relay, Reserve));
        }

        Assert.Equal(RelayStatus.ReservationRefused, answers[^1]);
        Assert.True(answers.Count(a => a == RelayStatus.Ok) < 40);
        Assert.Equal(1, service.ReservationCount);
    }

    [Fact]
    public async Task Circuits_to_peers_that_are_absent_or_that_refuse_or_break_off_fail_and_leave_nothing()
    {
        var (relay, service) = await RelayPeer.StartRelayAsync();
        await using var _ = relay;
        await using var client = await TestSwitch.StartAsync();
        await using var target = await TestSwitch.StartAsync();
        await client.Switch.DialAsync(relay.Address);
        await target.Switch.DialAsync(relay.Address);
        var connect = new HopMessage { Type = HopMessage.Types.Type.Connect, Peer = new Peer { Id = ByteString.CopyFrom(target.PeerId.Bytes.Span) } }.ToLengthPrefixed();
        Assert.Equal(RelayStatus.NoReservation, await AskAsync(client, relay, connect));

        // It reserves, and does not even speak the stop protocol.
        Assert.Equal(RelayStatus.Ok, await AskAsync(target, relay, Reserve));
        Assert.Equal(RelayStatus.ConnectionFailed, await AskAsync(client, relay, connect));
        foreach (var answer in (StreamHandler[])[
            (stop, ct) => stop.WriteAsync(RelayMessages.StopStatus(RelayStatus.PermissionDenied).ToLengthPrefixed(), ct).AsTask(),
            (stop, ct) => stop.WriteAsync(new StopMessage().ToLengthPrefixed(), ct).AsTask(),
            (stop, ct) => stop.WriteAsync(new byte[] { 9, 9, 9 }, ct).AsTask(),
            (stop, ct) => Task.CompletedTask,
            (stop, ct) => throw new IOException("no"),
        ])
        {
            target.Switch.Handle(RelayMessages.StopProtocol, answer);
            Assert.Equal(RelayStatus.ConnectionFailed, await AskAsync(client, relay, connect));
        }

        await Eventually.TrueAsync(() => service.CircuitCount == 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50_000)]
    public async Task The_limit_is_kept_to_the_byte_also_when_more_is_sent_at_once(int limit)
    {
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = new RelayLimit(default, (ulong)limit) });
        await using var _ = relay;
        await using var client = await TestSwitch.StartAsync();
        await using var target = await TestSwitch.StartAsync();
        await client.Switch.DialAsync(relay.Address);
        await target.Switch.DialAsync(relay.Address);
        var arrived = new TaskCompletionSource<long>();
        target.Switch.Handle(RelayMessages.StopProtocol, async (stop, ct) =>
        {
            await RelayMessages.ReadAsync(stop, StopMessage.Parser, ct);
            await stop.WriteAsync(RelayMessages.StopStatus(RelayStatus.Ok).ToLengthPrefixed(), ct);
            arrived.SetResult(await CountUntilBrokenAsync(stop));
        });
        Assert.Equal(RelayStatus.Ok, await AskAsync(target, relay, Reserve));

        var (stream, told) = await RelayClient.ConnectAsync(client.ConnectionTo(relay.PeerId), target.PeerId, CancellationToken.None);
        Assert.Equal((ulong)limit, told.Bytes);
        await stream.WriteAsync(new byte[limit + 100_000]);
        Assert.Equal(limit, await arrived.Task.WaitAsync(TestSwitch.Patience));
        Assert.Equal(0, await CountUntilBrokenAsync(stream));
        await Eventually.TrueAsync(() => service.CircuitCount == 0);
    }

    [Fact]
    public async Task A_target_that_does_not_read_holds_back_the_sender_and_not_the_relay()
    {
        const int Offered = 64 * 1024 * 1024;
        var (relay, service) = await RelayPeer.StartRelayAsync(RelayPeer.Generous with { CircuitLimit = default });
        await using var _ = relay;
        await using var client = await TestSwitch.StartAsync();
        await using var target = await TestSwitch.StartAsync();
        await client.Switch.DialAsync(relay.Address);
        await target.Switch.DialAsync(relay.Address);
        var release = new TaskCompletionSource();
        target.Switch.Handle(RelayMessages.StopProtocol, async (stop, ct) =>
        {
            await RelayMessages.ReadAsync(stop, StopMessage.Parser, ct);
            await stop.WriteAsync(RelayMessages.StopStatus(RelayStatus.Ok).ToLengthPrefixed(), ct);
            await release.Task.WaitAsync(ct);
        });
        Assert.Equal(RelayStatus.Ok, await AskAsync(target, relay, Reserve));
        var (stream, _) = await RelayClient.ConnectAsync(client.ConnectionTo(relay.PeerId), target.PeerId, CancellationToken.None);
        var written = 0L;
        var writing = Task.Run(async () =>
        {
            var chunk = new byte[64 * 1024];
            while (written < Offered)
            {
                await stream.WriteAsync(chunk);
                written += chunk.Length;
            }
        });

        // The relay serves others meanwhile; what it holds is two windows and a buffer.
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(RelayStatus.Ok, await AskAsync(target, relay, Reserve));
        }

        Assert.False(writing.IsCompleted);
        Assert.True(Volatile.Read(ref written) < 8 * 1024 * 1024, $"{written} bytes went into a circuit that nobody reads");
        release.SetException(new IOException("It has seen enough."));
        await Assert.ThrowsAnyAsync<IOException>(() => writing.WaitAsync(TestSwitch.Patience));
        await Eventually.TrueAsync(() => service.CircuitCount == 0);
    }

    [Fact]
    public async Task A_stop_from_a_relay_without_a_reservation_there_or_one_that_cannot_be_read_is_refused()
    {
        await using var peer = await RelayPeer.StartAsync();
        await using var stranger = await TestSwitch.StartAsync();
        await peer.Switch.DialAsync(stranger.Address);
        var connect = new StopMessage { Type = StopMessage.Types.Type.Connect, Peer = new Peer { Id = ByteString.CopyFrom(stranger.PeerId.Bytes.Span) } };
        Assert.Equal(RelayStatus.PermissionDenied, await StopAsync(stranger, peer, connect.ToLengthPrefixed()));
        Assert.Equal(RelayStatus.MalformedMessage, await StopAsync(stranger, peer, [1]));
        Assert.Equal(RelayStatus.MalformedMessage, await StopAsync(stranger, peer, new StopMessage { Type = StopMessage.Types.Type.Connect }.ToLengthPrefixed()));
        Assert.Equal(RelayStatus.UnexpectedMessage, await StopAsync(stranger, peer, new StopMessage { Type = StopMessage.Types.Type.Status }.ToLengthPrefixed()));
    }

    [Fact]
    public async Task A_reservation_with_a_voucher_for_another_is_not_listened_on()
    {
        await using var relay = await TestSwitch.StartAsync();
        await using var peer = await RelayPeer.StartAsync();
        relay.Switch.Handle(RelayMessages.HopProtocol, async (hop, ct) =>
        {
            await RelayMessages.ReadAsync(hop, HopMessage.Parser, ct);
            var answer = RelayMessages.HopStatus(RelayStatus.Ok);
            var expires = DateTimeOffset.UtcNow.AddHours(1);
            answer.Reservation = new Reservation
            {
                Expire = (ulong)expires.ToUnixTimeSeconds(),
                Voucher = ByteString.CopyFrom(new ReservationVoucher(relay.PeerId, relay.PeerId, expires).Seal(relay.Keys)),
            };
            await hop.WriteAsync(answer.ToLengthPrefixed(), ct);
        });
        await Assert.ThrowsAsync<RelayProtocolException>(() => peer.ListenAtAsync(relay.Address));
        Assert.Empty(peer.Switch.ListenAddresses);
        await Assert.ThrowsAsync<RelayProtocolException>(() => peer.ListenAtAsync(relay.Address));
    }

    private static async Task<long> CountUntilBrokenAsync(IPeerStream stream)
    {
        var buffer = new byte[16 * 1024];
        var count = 0L;
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer)) > 0)
            {
                count += read;
            }

            Assert.Fail("The stream ended in order.");
        }
        catch (IOException)
        {
            // Reset, after what was within the limit.
        }

        return count;
    }

    private static async Task<RelayStatus> AskAsync(TestSwitch client, TestSwitch relay, byte[] bytes)
    {
        await using var hop = await client.Switch.OpenStreamAsync(relay.PeerId, [RelayMessages.HopProtocol]);
        await hop.WriteAsync(bytes);
        await hop.CloseWriteAsync();
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        return (RelayStatus)(await RelayMessages.ReadAsync(hop, HopMessage.Parser, timeout.Token)).Status;
    }

    private static async Task<RelayStatus> StopAsync(TestSwitch from, TestSwitch to, byte[] bytes)
    {
        await using var stop = await from.Switch.OpenStreamAsync(to.PeerId, [RelayMessages.StopProtocol]);
        await stop.WriteAsync(bytes);
        await stop.CloseWriteAsync();
        using var timeout = new CancellationTokenSource(TestSwitch.Patience);
        return (RelayStatus)(await RelayMessages.ReadAsync(stop, StopMessage.Parser, timeout.Token)).Status;
    }
}
