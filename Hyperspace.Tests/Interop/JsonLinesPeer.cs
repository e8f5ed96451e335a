using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Interop;

/// <summary>
/// A libp2p peer in its own process, driven by JSON lines: {id, cmd, …} on its stdin, {id, ok, …} and {event, …} on its
/// stdout. <c>hyperspace net</c> and the js harness both speak so.
/// </summary>
public sealed class JsonLinesPeer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(30);

    private readonly string _name;
    private readonly StringBuilder _stderr = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonElement>> _calls = new();
    private readonly TaskCompletionSource<JsonElement> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<JsonElement> _events = Channel.CreateUnbounded<JsonElement>();
    private readonly SemaphoreSlim _stdin = new(1);
    private readonly Task _reading;
    private int _lastId;

    private JsonLinesPeer(Process process, string name)
    {
        Process = process;
        _name = name;
        Process.ErrorDataReceived += (_, e) =>
        {
            lock (_stderr)
            {
                _stderr.AppendLine(e.Data);
            }
        };
        Process.BeginErrorReadLine();
        _reading = ReadLinesAsync();
    }

    /// <summary>The process; its figures may be read.</summary>
    public Process Process { get; }

    public PeerId PeerId { get; private set; } = null!;

    /// <summary>Listen addresses, each with its <c>/p2p/…</c>.</summary>
    public IReadOnlyList<Multiaddr> Addresses { get; private set; } = [];

    /// <summary>Events after the first, and answers that name no command that was sent, in their order.</summary>
    public ChannelReader<JsonElement> Events => _events.Reader;

    /// <summary>What the process wrote to stderr so far.</summary>
    public string Errors
    {
        get
        {
            lock (_stderr)
            {
                return _stderr.ToString().Trim();
            }
        }
    }

    /// <summary>Starts the program, its three standard streams redirected, and waits until it says where it listens.</summary>
    public static async Task<JsonLinesPeer> StartAsync(string name, ProcessStartInfo start)
    {
        (start.RedirectStandardInput, start.RedirectStandardOutput, start.RedirectStandardError) = (true, true, true);
        var peer = new JsonLinesPeer(Process.Start(start)!, name);
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

    /// <summary>Runs a command and returns its reply; a refusal or silence is an exception that carries the process' stderr.</summary>
    public async Task<JsonElement> CallAsync(string cmd, object? arguments = null, TimeSpan? timeout = null)
    {
        var answer = await AskAsync(cmd, arguments, timeout);
        return answer.GetProperty("ok").GetBoolean() ? answer : throw Failure(cmd, answer.GetProperty("error").GetString()!);
    }

    /// <summary>Runs a command and returns its reply, also one that is a refusal.</summary>
    public async Task<JsonElement> AskAsync(string cmd, object? arguments = null, TimeSpan? timeout = null)
    {
        var id = Interlocked.Increment(ref _lastId);
        var reply = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _calls[id] = reply;
        var request = JsonSerializer.SerializeToNode(arguments ?? new { })!.AsObject();
        request["id"] = id;
        request["cmd"] = cmd;
        try
        {
            await WriteLineAsync(request.ToJsonString());
            return await reply.Task.WaitAsync(timeout ?? CallTimeout);
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

    /// <summary>Writes a line as it is.</summary>
    public async Task WriteLineAsync(string line)
    {
        await _stdin.WaitAsync();
        try
        {
            await Process.StandardInput.WriteLineAsync(line);
            await Process.StandardInput.FlushAsync();
        }
        finally
        {
            _stdin.Release();
        }
    }

    /// <summary>Ends the process' input, waits for its end and returns its exit code.</summary>
    public async Task<int> EndAsync()
    {
        Process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(EndTimeout);
        await Process.WaitForExitAsync(deadline.Token);
        await _reading;
        return Process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            Process.Kill(entireProcessTree: true);
        }

        await Process.WaitForExitAsync();
        await _reading;
        Process.Dispose();
        _stdin.Dispose();
    }

    private async Task ReadLinesAsync()
    {
        while (await Process.StandardOutput.ReadLineAsync() is { } text)
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

            if (line.TryGetProperty("event", out var name) && name.GetString() == "listening")
            {
                _listening.TrySetResult(line);
            }
            else if (line.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.Number && _calls.TryGetValue(id.GetInt32(), out var call))
            {
                call.TrySetResult(line);
            }
            else
            {
                _events.Writer.TryWrite(line);
            }
        }

        _events.Writer.TryComplete();
        _listening.TrySetException(new IOException("the process ended"));
        foreach (var call in _calls.Values)
        {
            call.TrySetException(Failure("any", "the process ended"));
        }
    }

    private InvalidOperationException Failure(string cmd, string reason) => new($"{_name} failed at '{cmd}': {reason}\n{Errors}");
}
