using System.Runtime.CompilerServices;
using System.Text;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Rpc;
using Hyperspace.Tests.Libp2p.Switch;

namespace Hyperspace.Tests.Libp2p.Rpc;

/// <summary>Calls between two switches over TCP, Noise and Yamux.</summary>
public sealed class RpcLoopbackTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TestSwitch _caller = null!;
    private TestSwitch _callee = null!;
    private RpcService _client = null!;
    private RpcService _server = null!;

    private PeerId Callee => _callee.PeerId;

    public async Task InitializeAsync()
    {
        (_caller, _callee) = (await TestSwitch.StartAsync(), await TestSwitch.StartAsync());
        _client = new RpcService(_caller.Switch);
        _server = new RpcService(_callee.Switch);
        _server.Handle("echo", (call, token) => EchoAsync(call.Payload));
        _server.Handle("who", (call, token) => EchoAsync(call.Caller.Bytes));
        _server.Handle("count", CountAsync);
        _server.Handle("throw", (call, token) => ThrowAsync(new InvalidOperationException("secret at line 42")));
        _server.Handle("refuse", (call, token) => ThrowAsync(new RpcException(RpcStatus.PermissionDenied, "Not you.")));
        _server.Handle("throw-at-once", (call, token) => throw new InvalidOperationException("secret at line 43"));
        _server.Handle("big-frame", (call, token) => EchoAsync(new byte[5 * 1024 * 1024]));
        _server.Handle("wait", WaitAsync);
        await _caller.Switch.DialAsync(_callee.Address);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        await _caller.DisposeAsync();
        await _callee.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(4 * 1024 * 1024)]
    public async Task A_unary_call_brings_the_answer(int size)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        Assert.Equal(payload, (await _client.CallUnaryAsync(Callee, "echo", payload, Deadline)).ToArray());
    }

    [Fact]
    public async Task The_callee_knows_who_calls() =>
        Assert.Equal(_caller.PeerId.Bytes.ToArray(), (await _client.CallUnaryAsync(Callee, "who", default, Deadline)).ToArray());

    [Fact]
    public async Task Streamed_frames_arrive_in_order_to_the_end()
    {
        var numbers = new List<int>();
        await foreach (var frame in _client.CallAsync(Callee, "count", BitConverter.GetBytes(5000), Deadline))
        {
            numbers.Add(BitConverter.ToInt32(frame.Span));
        }

        Assert.Equal(Enumerable.Range(0, 5000), numbers);
    }

    [Fact]
    public async Task Hundreds_of_calls_at_once_do_not_mix()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => _client.CallUnaryAsync(Callee, "echo", BitConverter.GetBytes(i), Deadline)));
        Assert.Equal(Enumerable.Range(0, 200), answers.Select(a => BitConverter.ToInt32(a.Span)));
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Fact]
    public async Task The_deadline_reaches_the_handler()
    {
        var e = await FailureAsync("wait", default, TimeSpan.FromMilliseconds(300));
        Assert.Equal(RpcStatus.DeadlineExceeded, e.Status);
        await _cancelled.Task.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Cancelling_reaches_the_handler()
    {
        using var cancel = new CancellationTokenSource();
        var call = _client.CallUnaryAsync(Callee, "wait", default, Deadline, cancel.Token);
        await _started.Task.WaitAsync(Deadline);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await _cancelled.Task.WaitAsync(Deadline);
        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Fact]
    public async Task Leaving_the_enumeration_ends_the_handler()
    {
        await foreach (var frame in _client.CallAsync(Callee, "count", BitConverter.GetBytes(int.MaxValue), Deadline))
        {
            if (BitConverter.ToInt32(frame.Span) == 10)
            {
                break;
            }
        }

        await Eventually.TrueAsync(() => _server.InboundCalls == 0);
    }

    [Fact]
    public async Task A_connection_that_is_lost_ends_the_call_at_both_ends()
    {
        var call = _client.CallUnaryAsync(Callee, "wait", default, Deadline);
        await _started.Task.WaitAsync(Deadline);
        await _callee.Switch.DisconnectAsync(_caller.PeerId);
        Assert.Equal(RpcStatus.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call)).Status);
        await _cancelled.Task.WaitAsync(Deadline);
    }

    [Fact]
    public async Task An_unknown_method_is_unimplemented() =>
        Assert.Equal(RpcStatus.Unimplemented, (await FailureAsync("nothing", new byte[10])).Status);

    [Theory]
    [InlineData("throw")]
    [InlineData("throw-at-once")]
    public async Task A_handler_that_throws_is_internal_and_tells_nothing(string method)
    {
        var e = await FailureAsync(method, default);
        Assert.Equal(RpcStatus.Internal, e.Status);
        Assert.DoesNotContain("secret", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("InvalidOperation", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handlers_refusal_arrives_as_it_was_given()
    {
        var e = await FailureAsync("refuse", default);
        Assert.Equal((RpcStatus.PermissionDenied, "Not you."), (e.Status, e.Message));
    }

    [Fact]
    public async Task Too_large_a_request_or_answer_is_exhausted()
    {
        Assert.Equal(RpcStatus.ResourceExhausted, (await FailureAsync("echo", new byte[(4 * 1024 * 1024) + 1])).Status);
        Assert.Equal(RpcStatus.ResourceExhausted, (await FailureAsync("big-frame", default)).Status);

        // A caller with a wider limit hears it from the callee, while it is still sending.
        await using var other = await TestSwitch.StartAsync();
        await using var generous = new RpcService(other.Switch, new RpcOptions { MaxRequestBytes = 64 * 1024 * 1024 });
        await other.Switch.DialAsync(_callee.Address);
        var e = await Assert.ThrowsAsync<RpcException>(() => generous.CallUnaryAsync(Callee, "echo", new byte[20 * 1024 * 1024], Deadline));
        Assert.Equal(RpcStatus.ResourceExhausted, e.Status);
    }

    [Fact]
    public async Task Malformed_bytes_are_answered_with_a_status_and_harm_nothing()
    {
        await using (var stream = await _caller.Switch.OpenStreamAsync(Callee, [RpcService.ProtocolId]))
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes("\u0014GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
            var response = Hyperspace.Libp2p.Rpc.Wire.Response.Parser.ParseFrom(await stream.ReadMessageAsync(1000));
            Assert.Equal((uint)RpcStatus.InvalidArgument, response.Error.Status);
        }

        await _client.CallUnaryAsync(Callee, "echo", default, Deadline);
    }

    [Fact]
    public async Task A_peer_that_is_unknown_or_serves_no_calls_is_unavailable()
    {
        await using var stranger = await TestSwitch.StartAsync();
        Assert.Equal(RpcStatus.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(stranger.PeerId, "echo", default, Deadline))).Status);
        await _caller.Switch.DialAsync(stranger.Address);
        Assert.Equal(RpcStatus.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(stranger.PeerId, "echo", default, Deadline))).Status);
    }

    private Task<RpcException> FailureAsync(string method, byte[]? payload, TimeSpan? deadline = null) =>
        Assert.ThrowsAsync<RpcException>(() => _client.CallUnaryAsync(Callee, method, payload, deadline ?? Deadline));

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> EchoAsync(ReadOnlyMemory<byte> payload)
    {
        await Task.Yield();
        yield return payload;
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> CountAsync(RpcCall call, [EnumeratorCancellation] CancellationToken token)
    {
        await Task.Yield();
        for (var i = 0; i < BitConverter.ToInt32(call.Payload.Span); i++)
        {
            token.ThrowIfCancellationRequested();
            yield return BitConverter.GetBytes(i);
        }
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> ThrowAsync(Exception e)
    {
        await Task.Yield();
        throw e;
#pragma warning disable CS0162 // The compiler needs a yield to make an iterator.
        yield return default;
#pragma warning restore CS0162
    }

    private async IAsyncEnumerable<ReadOnlyMemory<byte>> WaitAsync(RpcCall call, [EnumeratorCancellation] CancellationToken token)
    {
        _started.TrySetResult();
        try
        {
            await Task.Delay(Timeout.Infinite, token);
        }
        finally
        {
            _cancelled.TrySetResult();
        }

        yield return default;
    }
}
