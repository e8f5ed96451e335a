using System.Runtime.CompilerServices;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Libp2p.Rpc.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Hyperspace.Tests.Libp2p.Rpc;

/// <summary>What needs an owned clock or raw bytes; the rest runs over real sockets by the loopback tests.</summary>
public sealed class RpcServiceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly FakeTimeProvider _time = new();
    private readonly InMemorySwitch _caller;
    private readonly InMemorySwitch _callee;
    private readonly RpcService _client;
    private readonly RpcService _server;

    public RpcServiceTests()
    {
        var network = new InMemoryNetwork();
        (_caller, _callee) = (network.Add(1), network.Add(2));
        _caller.AddAddresses(_callee.LocalPeer, _callee.ListenAddresses);
        var options = new RpcOptions { MaxCallsPerPeer = 3, MaxRequestBytes = 100_000, MaxFrameBytes = 100_000, MaxDeadline = TimeSpan.FromMinutes(1) };
        _client = new RpcService(_caller, new RpcOptions(), _time);
        _server = new RpcService(_callee, options, _time);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_deadline_cancels_the_handler_and_ends_the_call()
    {
        var started = new TaskCompletionSource<RpcCall>();
        var cancelled = new TaskCompletionSource();
        _server.Handle("wait", (call, token) => WaitAsync(call, started, cancelled, token));
        var answer = _client.CallUnaryAsync(_callee.LocalPeer, "wait", default, TimeSpan.FromSeconds(30));
        var call = await started.Task.WaitAsync(Patience);
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromSeconds(30), call.Deadline);
        Assert.False(cancelled.Task.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(31));
        var e = await Assert.ThrowsAsync<RpcException>(() => answer.WaitAsync(Patience));
        Assert.Equal(RpcStatus.DeadlineExceeded, e.Status);
        await cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_callee_cuts_deadlines_to_its_own_limit_and_answers_even_if_the_handler_ignores_its_token()
    {
        var started = new TaskCompletionSource<RpcCall>();
        var never = new TaskCompletionSource();
        _server.Handle("stuck", (call, _) => StuckAsync(call, started, never.Task));
        var answer = _client.CallUnaryAsync(_callee.LocalPeer, "stuck", default, TimeSpan.FromMinutes(5));
        var call = await started.Task.WaitAsync(Patience);
        Assert.Equal(_time.GetUtcNow() + TimeSpan.FromMinutes(1), call.Deadline);
        _time.Advance(TimeSpan.FromSeconds(61));
        var e = await Assert.ThrowsAsync<RpcException>(() => answer.WaitAsync(Patience));
        Assert.Equal(RpcStatus.DeadlineExceeded, e.Status);
        never.SetResult();
    }

    [Fact]
    public async Task A_caller_who_sends_no_request_is_cut_off()
    {
        await using var stream = await _caller.OpenStreamAsync(_callee.LocalPeer, [RpcService.ProtocolId]);
        await Eventually.TrueAsync(() => _server.InboundCalls == 1);
        var error = ErrorAsync(stream);
        await Eventually.TrueAsync(() =>
        {
            // The call is counted before its clock starts.
            _time.Advance(TimeSpan.FromSeconds(31));
            return error.IsCompleted;
        });
        Assert.Equal(RpcStatus.DeadlineExceeded, await error);
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Fact]
    public async Task Calls_above_the_limit_of_a_peer_are_refused_and_places_come_back()
    {
        var release = new TaskCompletionSource();
        _server.Handle("hold", (call, token) => HoldAsync(release.Task, token));
        var held = Enumerable.Range(0, 3).Select(_ => _client.CallUnaryAsync(_callee.LocalPeer, "hold", default, TimeSpan.FromMinutes(1))).ToArray();
        await Eventually.TrueAsync(() => _server.InboundCalls == 3);
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(_callee.LocalPeer, "hold", default, TimeSpan.FromMinutes(1)).WaitAsync(Patience));
        Assert.Equal(RpcStatus.ResourceExhausted, e.Status);
        release.SetResult();
        await Task.WhenAll(held).WaitAsync(Patience);
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
        await _client.CallUnaryAsync(_callee.LocalPeer, "hold", default, TimeSpan.FromMinutes(1)).WaitAsync(Patience);
    }

    [Fact]
    public async Task Enumeration_waits_for_a_caller_who_does_not_read()
    {
        var produced = 0;
        _server.Handle("flood", (_, token) => FloodAsync(() => Interlocked.Increment(ref produced), token));
        await using var stream = await _caller.OpenStreamAsync(_callee.LocalPeer, [RpcService.ProtocolId]);
        await stream.WriteAsync(RpcFrames.Request("flood", default, TimeSpan.FromSeconds(30), null));

        // The pipe holds 256 KiB: the handler comes to rest after some frames of 50,000 bytes, and goes on as they are read.
        await Eventually.TrueAsync(() => Volatile.Read(ref produced) >= 5);
        for (var i = 0; i < 50; i++)
        {
            Assert.NotNull(await stream.ReadMessageAsync(200_000));
            Assert.InRange(Volatile.Read(ref produced), i, i + 8);
        }

        stream.Reset();
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Theory]
    [InlineData("ffffffffffffffffff01", RpcStatus.InvalidArgument)] // no uvarint
    [InlineData("ffffff7f", RpcStatus.ResourceExhausted)] // announces 256 MiB
    [InlineData("03ffffff", RpcStatus.InvalidArgument)] // no protobuf
    [InlineData("00", RpcStatus.Unimplemented)] // version 0
    [InlineData("020801", RpcStatus.InvalidArgument)] // no method
    [InlineData("0508011201780a", RpcStatus.Unimplemented)] // method "x"
    public async Task Malformed_requests_get_a_status(string hex, RpcStatus status)
    {
        await using var stream = await _caller.OpenStreamAsync(_callee.LocalPeer, [RpcService.ProtocolId]);
        await stream.WriteAsync(Convert.FromHexString(hex));
        Assert.Equal(status, await ErrorAsync(stream));
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Fact]
    public async Task Random_requests_never_break_the_service()
    {
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            var bytes = new byte[random.Next(1, 60)];
            random.NextBytes(bytes);
            var stream = await _caller.OpenStreamAsync(_callee.LocalPeer, [RpcService.ProtocolId]);
            await stream.WriteAsync(bytes);
            await stream.CloseWriteAsync();
            await ServedAsync(stream);
            await Eventually.TrueAsync(() => _server.InboundCalls == 0);
            await stream.DisposeAsync();
        }

        _server.Handle("echo", (call, _) => One(call.Payload));
        Assert.Equal([1], (await _client.CallUnaryAsync(_callee.LocalPeer, "echo", new byte[] { 1 }, TimeSpan.FromSeconds(5))).ToArray());
    }

    [Fact]
    public async Task Frames_of_an_unknown_kind_are_skipped()
    {
        _callee.Handle("/other", (_, _) => Task.CompletedTask);
        _callee.Handle(RpcService.ProtocolId, async (stream, token) =>
        {
            await stream.WriteAsync(Convert.FromHexString("04fa3e0101"), token); // field 1007
            await stream.WriteAsync(RpcFrames.Payload("yes"u8.ToArray()), token);
            await stream.WriteAsync(RpcFrames.End(), token);
        });
        var answer = await _client.CallUnaryAsync(_callee.LocalPeer, "any", default, TimeSpan.FromSeconds(5));
        Assert.Equal("yes", Encoding.UTF8.GetString(answer.Span));
    }

    [Fact]
    public async Task A_stream_that_ends_before_the_end_is_unavailable_and_garbage_is_internal()
    {
        _callee.Handle(RpcService.ProtocolId, async (stream, token) => await stream.WriteAsync(RpcFrames.Payload(new byte[3]), token));
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(_callee.LocalPeer, "any", default, TimeSpan.FromSeconds(5)));
        Assert.Equal(RpcStatus.Unavailable, e.Status);
        _callee.Handle(RpcService.ProtocolId, async (stream, token) => await stream.WriteAsync(new byte[] { 2, 0xff, 0xff }, token));
        e = await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(_callee.LocalPeer, "any", default, TimeSpan.FromSeconds(5)));
        Assert.Equal(RpcStatus.Internal, e.Status);
    }

    [Fact]
    public async Task A_stopped_service_cancels_its_handlers_and_refuses_calls()
    {
        var started = new TaskCompletionSource<RpcCall>();
        var cancelled = new TaskCompletionSource();
        _server.Handle("wait", (call, token) => WaitAsync(call, started, cancelled, token));
        var answer = _client.CallUnaryAsync(_callee.LocalPeer, "wait", default, TimeSpan.FromSeconds(30));
        await started.Task.WaitAsync(Patience);
        await _server.DisposeAsync().AsTask().WaitAsync(Patience);
        Assert.True(cancelled.Task.IsCompleted);
        Assert.Equal(RpcStatus.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => answer.WaitAsync(Patience))).Status);
        var e = await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(_callee.LocalPeer, "wait", default, TimeSpan.FromSeconds(30)).WaitAsync(Patience));
        Assert.Equal(RpcStatus.Unavailable, e.Status);
    }

    /// <summary>Waits until the other side has ended the stream.</summary>
    private static async Task ServedAsync(IPeerStream stream)
    {
        var answer = new byte[1024];
        try
        {
            while (await stream.ReadAsync(answer).AsTask().WaitAsync(Patience) > 0)
            {
            }
        }
        catch (IOException)
        {
            // A reset is an end as well.
        }
    }

    private static async Task<RpcStatus> ErrorAsync(IPeerStream stream)
    {
        var bytes = await stream.ReadMessageAsync(10_000).AsTask().WaitAsync(Patience);
        return (RpcStatus)Response.Parser.ParseFrom(bytes!).Error.Status;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> One(ReadOnlyMemory<byte> frame)
    {
        await Task.Yield();
        yield return frame;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> WaitAsync(
        RpcCall call,
        TaskCompletionSource<RpcCall> started,
        TaskCompletionSource cancelled,
        [EnumeratorCancellation] CancellationToken token)
    {
        started.SetResult(call);
        try
        {
            await Task.Delay(Timeout.Infinite, token);
        }
        finally
        {
            cancelled.SetResult();
        }

        yield return default;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> StuckAsync(RpcCall call, TaskCompletionSource<RpcCall> started, Task never)
    {
        started.SetResult(call);
        await never;
        yield return default;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> HoldAsync(Task release, [EnumeratorCancellation] CancellationToken token)
    {
        await release.WaitAsync(token);
        yield return new byte[1];
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> FloodAsync(Action produced, [EnumeratorCancellation] CancellationToken token)
    {
        await Task.Yield();
        while (!token.IsCancellationRequested)
        {
            produced();
            yield return new byte[50_000];
        }
    }
}
