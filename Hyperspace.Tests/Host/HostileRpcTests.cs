using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Rpc.Wire;

namespace Hyperspace.Tests.Host;

/// <summary>What nobody should send on <c>/hyperspace/rpc/1.0.0</c>.</summary>
[Collection(HostileTests.Name)]
public class HostileRpcTests(TargetPeer target)
{
    private const string Reset = "reset";
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("no varint", "InvalidArgument")]
    [InlineData("length of 2^40", "ResourceExhausted")]
    [InlineData("5 MiB payload", "ResourceExhausted")]
    [InlineData("random message", "InvalidArgument")]
    [InlineData("empty message", "Unimplemented")]
    [InlineData("unknown method", "Unimplemented")]
    [InlineData("unknown version", "Unimplemented")]
    [InlineData("no method", "InvalidArgument")]
    [InlineData("long method", "InvalidArgument")]
    [InlineData("truncated", Reset)]
    [InlineData("nothing", Reset)]
    public async Task A_malformed_request_is_answered_with_a_status_or_reset(string what, string expected)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        var good = Request(RpcMethods.TrajectoriesSync, new TrajectorySyncRequest { TaskType = TargetPeer.TaskType, Prefixes = { ByteString.Empty } });
        byte[] bytes = what switch
        {
            "no varint" => [.. Enumerable.Repeat((byte)0xff, 64)],
            "length of 2^40" => [.. Length(1UL << 40), 1, 2, 3],
            "5 MiB payload" => RpcFrames.Request("tool.invoke", new byte[5 << 20], Deadline, null),
            "random message" => [16, .. Enumerable.Repeat((byte)0xff, 16)],
            "empty message" => [0],
            "unknown method" => RpcFrames.Request("no.such", default, Deadline, null),
            "unknown version" => new Request { Version = 9, Method = RpcMethods.CapabilitiesGet }.ToLengthPrefixed(),
            "no method" => RpcFrames.Request("", default, Deadline, null),
            "long method" => RpcFrames.Request(new string('m', 129), default, Deadline, null),
            "truncated" => good[..^4],
            _ => [],
        };
        Assert.Equal(expected, await CallAsync(neighbour, bytes, closeWrite: what is "truncated" or "nothing"));
        await target.AssertWellAsync();
    }

    [Theory]
    [InlineData(RpcMethods.ToolInvoke, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.ToolInvoke, "", "InvalidArgument")]
    [InlineData(RpcMethods.ToolInvoke, "0a0131120178", "Payload")]
    [InlineData(RpcMethods.ChannelOpen, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.ChannelOpen, "", "InvalidArgument")]
    [InlineData(RpcMethods.ChannelStatus, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.ChannelStatus, "0a0101", "InvalidArgument")]
    [InlineData(RpcMethods.CapabilitiesGet, "ffffffff", "Payload")]
    [InlineData(RpcMethods.TrajectoriesSync, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.TrajectoriesSync, "", "InvalidArgument")]
    [InlineData(RpcMethods.TrajectoriesSync, "0a052e2e2f2e2e", "InvalidArgument")]
    [InlineData(RpcMethods.TrajectoriesBody, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.TrajectoriesBody, "0a0101", "InvalidArgument")]
    [InlineData(RpcMethods.MatrixSync, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.MatrixSync, "1a0212", "InvalidArgument")]
    [InlineData(RpcMethods.MatrixSync, "", "Payload")]
    [InlineData(RpcMethods.ToolStream, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.ToolStream, "", "InvalidArgument")]
    [InlineData(RpcMethods.ToolStreamPay, "ffffffff", "InvalidArgument")]
    [InlineData(RpcMethods.ToolStreamPay, "", "InvalidArgument")]
    public async Task Each_method_refuses_what_it_cannot_read(string method, string payload, string expected)
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        Assert.Equal(expected, await CallAsync(neighbour, RpcFrames.Request(method, Convert.FromHexString(payload), Deadline, null)));
        await target.AssertWellAsync();
    }

    [Fact]
    public async Task A_channel_on_another_peers_behalf_is_refused_and_none_is_opened()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        var address = ByteString.CopyFrom(new byte[20]);
        var open = new OpenChannel
        {
            Terms = new ChannelTerms { Payer = address, Payee = address, Token = address, Escrow = address, AuthorizedSigner = address, Salt = ByteString.CopyFrom(new byte[32]), DepositMicro = 1, Currency = "USDC" },
            Binding = new IdentityBinding { PeerPublicKey = ByteString.CopyFrom(neighbour.Keys.PublicKey.ToProtobuf()), WalletAddress = address, PeerSignature = ByteString.CopyFrom(new byte[64]), WalletSignature = ByteString.CopyFrom(new byte[65]) },
        };
        await using var stream = await neighbour.OpenAsync(RpcService.ProtocolId);
        var answer = await AnswerAsync(stream, Request(RpcMethods.ChannelOpen, open), false);
        Assert.Equal(ErrorCodes.ChannelRefused, OpenChannelReply.Parser.ParseFrom(answer!.Payload).RefusedCode);
        Assert.Empty((await target.Peer.Api.CallAsync("micropayments.channel.list"))!.AsArray());
    }

    [Fact]
    public async Task Of_two_thousand_calls_at_once_256_are_held_the_rest_refused_and_others_served()
    {
        await using var neighbour = await HostileNeighbour.ConnectAsync(target);
        await using var other = await HostileNeighbour.ConnectAsync(target);
        using var enough = new CancellationTokenSource();
        var (exhausted, reset) = (0, 0);
        var calls = Enumerable.Range(0, 2000).Select(_ => Task.Run(async () =>
        {
            try
            {
                await using var stream = await neighbour.OpenAsync(RpcService.ProtocolId, enough.Token);

                // Half a request: the call keeps its place until it comes whole or its time is over.
                await stream.WriteAsync(new byte[] { 0x10, 1 }, enough.Token);
                var frame = await stream.ReadMessageAsync(4096, enough.Token);
                _ = frame is not null && Response.Parser.ParseFrom(frame).Error?.Status == (uint)RpcStatus.ResourceExhausted
                    ? Interlocked.Increment(ref exhausted)
                    : Interlocked.Increment(ref reset);
            }
            catch (IOException)
            {
                Interlocked.Increment(ref reset);
            }
            catch (OperationCanceledException) when (enough.IsCancellationRequested)
            {
                // One of those that were held.
            }
        })).ToList();

        await Eventually.TrueAsync(() => Volatile.Read(ref exhausted) + Volatile.Read(ref reset) >= 2000 - 256);
        Assert.Equal(2000 - 256, exhausted + reset);
        Assert.True(exhausted > 0, "None was told that there are too many.");
        Assert.Equal("Payload", await CallAsync(other, RpcFrames.Request(RpcMethods.CapabilitiesGet, default, Deadline, null)));
        await target.AssertWellAsync();
        await enough.CancelAsync();
        await Task.WhenAll(calls);
        await Eventually.TrueAsync(async () => await CallAsync(neighbour, RpcFrames.Request(RpcMethods.CapabilitiesGet, default, Deadline, null)) == "Payload");
    }

    /// <summary>What comes back first: "Payload", a status, or "reset".</summary>
    internal static async Task<string> CallAsync(HostileNeighbour neighbour, byte[] bytes, bool closeWrite = false)
    {
        await using var stream = await neighbour.OpenAsync(RpcService.ProtocolId);
        return await AnswerAsync(stream, bytes, closeWrite) is not { } answer ? Reset
            : answer.Error is { } error ? ((RpcStatus)error.Status).ToString() : answer.FrameCase.ToString();
    }

    private static async Task<Response?> AnswerAsync(IPeerStream stream, byte[] bytes, bool closeWrite)
    {
        var received = await HostileNeighbour.ExchangeAsync(stream, bytes, closeWrite, all => First(all) is not null);
        return received is null ? null : First(received);
    }

    private static Response? First(byte[] received) =>
        Varint.TryRead(received, out var length, out var prefix) == System.Buffers.OperationStatus.Done && received.Length >= prefix + (int)length
            ? Response.Parser.ParseFrom(received, prefix, (int)length)
            : null;

    private static byte[] Request(string method, IMessage payload) => RpcFrames.Request(method, payload.ToByteArray(), Deadline, null);

    private static byte[] Length(ulong value)
    {
        var bytes = new byte[Varint.SizeOf(value)];
        Varint.Write(bytes, value);
        return bytes;
    }
}
