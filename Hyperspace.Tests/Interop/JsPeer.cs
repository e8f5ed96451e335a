using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Interop;

/// <summary>A GossipSub message that a js node delivered.</summary>
public sealed record JsMessage(string Topic, string? From, byte[] Data);

/// <summary>A js-libp2p node in its own process, driven by JSON lines (see <c>js/peer-common.mjs</c> for the commands).</summary>
public sealed class JsPeer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly int _line;
    private readonly StringBuilder _stderr = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _calls = new();
    private readonly TaskCompletionSource<JsonElement> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<JsMessage> _messages = Channel.CreateUnbounded<JsMessage>();
    private readonly SemaphoreSlim _stdin = new(1);
    private readonly Task _reading;
    private int _lastId;

    private JsPeer(Process process, int line)
    {
        _process = process;
        _line = line;
        _process.ErrorDataReceived += (_, e) =>
        {
            lock (_stderr)
            {
                _stderr.AppendLine(e.Data);
            }
        };
        _process.BeginErrorReadLine();
        _reading = ReadLinesAsync();
    }

    public PeerId PeerId { get; private set; } = null!;

    /// <summary>Listen addresses, each with its <c>/p2p/…</c>.</summary>
    public IReadOnlyList<Multiaddr> Addresses { get; private set; } = [];

    /// <summary>Messages on the topics that the node subscribed to, in the order in which it delivered them.</summary>
    public ChannelReader<JsMessage> Messages => _messages.Reader;

    /// <summary>Starts a node; <paramref name="options"/> become its JSON argument (<c>listen</c>, <c>kadProtocol</c>, <c>earlyMuxer</c>, <c>gossip</c>).</summary>
    public static async Task<JsPeer> StartAsync(int line, object? options = null)
    {
        var start = new ProcessStartInfo("node", ["peer.mjs", JsonSerializer.Serialize(options ?? new { })])
        {
            WorkingDirectory = NpmFolder.PathOf($"libp2p-{line}"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var peer = new JsPeer(Process.Start(start)!, line);
        try
        {
            var listening = await peer._listening.Task.WaitAsync(StartTimeout);
            peer.PeerId = PeerId.Parse(listening.GetProperty("peerId").GetString()!);
            peer.Addresses = [.. listening.GetProperty("addrs").EnumerateArray().Select(a => Multiaddr.Parse(a.GetString()!))];
            return peer;
        }
        catch (Exception e)
        {
            var failure = peer.Failure("start", e.Message);
            await peer.DisposeAsync();
            throw failure;
        }
    }

    /// <summary>Runs a command and returns its reply; a refusal or silence is an exception that carries the node's stderr.</summary>
    public async Task<JsonElement> CallAsync(string cmd, object? arguments = null, TimeSpan? timeout = null)
    {
        var id = Interlocked.Increment(ref _lastId);
        var reply = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[id] = reply;
        var request = JsonSerializer.SerializeToNode(arguments ?? new { })!.AsObject();
        request["id"] = id;
        request["cmd"] = cmd;
        await _stdin.WaitAsync();
        try
        {
            await _process.StandardInput.WriteLineAsync(request.ToJsonString());
            await _process.StandardInput.FlushAsync();
        }
        finally
        {
            _stdin.Release();
        }

        try
        {
            var answer = await reply.Task.WaitAsync(timeout ?? CallTimeout);
            return answer.GetProperty("ok").GetBoolean() ? answer : throw Failure(cmd, answer.GetProperty("error").GetString()!);
        }
        catch (TimeoutException)
        {
            throw Failure(cmd, "no answer in time");
        }
        finally
        {
            _calls.TryRemove(id, out _);
        }
    }

    public async Task<PeerId> DialAsync(Multiaddr address) =>
        PeerId.Parse((await CallAsync("dial", new { ma = address.ToString() })).GetProperty("peer").GetString()!);

    public async Task<TimeSpan> PingAsync(PeerId peer) =>
        TimeSpan.FromMilliseconds((await CallAsync("ping", new { peer = peer.ToString() })).GetProperty("ms").GetDouble());

    public async Task<byte[]> EchoAsync(PeerId peer, byte[] data) =>
        (await CallAsync("echo", new { peer = peer.ToString(), data = Convert.ToBase64String(data) })).GetProperty("data").GetBytesFromBase64();

    /// <summary>The protocols that the node's identify has stored for a peer (empty before that).</summary>
    public async Task<IReadOnlyList<string>> ProtocolsAsync(PeerId peer) =>
        Strings(await CallAsync("protocols", new { peer = peer.ToString() }), "protocols");

    public Task SubscribeAsync(string topic) => CallAsync("subscribe", new { topic });

    public Task<JsonElement> PublishAsync(string topic, byte[] data) =>
        CallAsync("publish", new { topic, data = Convert.ToBase64String(data) });

    /// <summary>A string array in a reply.</summary>
    public static IReadOnlyList<string> Strings(JsonElement reply, string property) =>
        [.. reply.GetProperty(property).EnumerateArray().Select(e => e.GetString()!)];

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
        _stdin.Dispose();
    }

    private async Task ReadLinesAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } text)
        {
            JsonElement line;
            try
            {
                line = JsonSerializer.Deserialize<JsonElement>(text);
            }
            catch (JsonException)
            {
                lock (_stderr)
                {
                    _stderr.AppendLine(text);
                }

                continue;
            }

            if (!line.TryGetProperty("event", out var name))
            {
                if (_calls.TryGetValue(line.GetProperty("id").GetInt32(), out var call))
                {
                    call.TrySetResult(line);
                }
            }
            else if (name.GetString() == "listening")
            {
                _listening.TrySetResult(line);
            }
            else if (name.GetString() == "message")
            {
                _messages.Writer.TryWrite(new JsMessage(
                    line.GetProperty("topic").GetString()!,
                    line.GetProperty("from").GetString(),
                    line.GetProperty("data").GetBytesFromBase64()));
            }
        }

        _messages.Writer.TryComplete();
        _listening.TrySetException(new IOException("the process ended"));
        foreach (var call in _calls.Values)
        {
            call.TrySetException(Failure("any", "the process ended"));
        }
    }

    private InvalidOperationException Failure(string cmd, string reason)
    {
        lock (_stderr)
        {
            return new InvalidOperationException($"js-libp2p {_line} failed at '{cmd}': {reason}\n{_stderr}");
        }
    }
}
