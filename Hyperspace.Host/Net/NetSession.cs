using System.Text.Json;
using Hyperspace.Libp2p.PubSub;

namespace Hyperspace.Host.Net;

/// <summary>Reads commands, runs them at the same time, and answers each; ends with its input, with <c>quit</c>, or when told to.</summary>
internal sealed class NetSession(NetPeer peer, NetOutput output)
{
    /// <summary>Longest line of input, in bytes: the largest gossip message in base64, and room.</summary>
    public const int MaxLine = 2 << 20;

    /// <summary>Commands under way at once; more are refused.</summary>
    public const int MaxCommands = 256;

    // Who pipes a few commands in and then nothing wants their answers; who died wants nothing.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(60);

    private readonly NetCommands _commands = new(peer, output);
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _running = [];
    private readonly TaskCompletionSource<NetRequest?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Says where the peer listens, and serves until the end; what is under way then gets a few seconds, but none after <c>quit</c>.</summary>
    public async Task RunAsync(Stream input, CancellationToken cancellationToken)
    {
        output.Write(new ListeningEvent(peer.Switch.LocalPeer.ToString(), [.. peer.Switch.ListenAddresses.Select(a => a.WithPeer(peer.Switch.LocalPeer).ToString())]));

        // A thread of its own: reading the console blocks, also where it says async.
        new Thread(() => Read(input)) { IsBackground = true, Name = "stdin" }.Start();
        NetRequest? quit;
        await using (cancellationToken.Register(() => _ended.TrySetResult(null)))
        {
            quit = await _ended.Task;
        }

        if (quit is null && !cancellationToken.IsCancellationRequested)
        {
            await Task.WhenAny(Task.WhenAll(Running()), Task.Delay(Grace, cancellationToken));
        }

        await _stop.CancelAsync();
        await Task.WhenAll(Running());
        _commands.Dispose();
        if (quit is not null)
        {
            output.Write(new NetReply { Id = quit.Id });
        }
    }

    private void Read(Stream input)
    {
        try
        {
            foreach (var line in InputLines.Read(input, MaxLine))
            {
                if (Parse(line) is not { } request)
                {
                    continue;
                }

                if (request.Cmd == "quit")
                {
                    _ended.TrySetResult(request);
                    return;
                }

                Start(request);
            }
        }
        catch (IOException)
        {
            // An input that breaks has ended.
        }

        _ended.TrySetResult(null);
    }

    private NetRequest? Parse(byte[]? line)
    {
        if (line is null)
        {
            output.Write(new FailureReply($"The line is longer than {MaxLine} bytes; it was skipped."));
            return null;
        }

        try
        {
            if (JsonSerializer.Deserialize(line, NetJson.Lines.NetRequest) is { } request)
            {
                return request;
            }

            output.Write(new FailureReply("The line is null; give a JSON object with id and cmd."));
        }
        catch (JsonException e)
        {
            output.Write(new FailureReply(e.Path is ['$', '.', .. var field] ? $"{field}: the value is of another kind than this field's." : "The line is not a JSON object; give one with id and cmd.") { Id = IdOf(line) });
        }

        return null;
    }

    /// <summary>The id of a line that is JSON, but has a field of a wrong kind.</summary>
    private static JsonElement? IdOf(byte[] line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("id", out var id) ? id.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Start(NetRequest request)
    {
        lock (_gate)
        {
            if (_running.Count >= MaxCommands)
            {
                output.Write(new FailureReply($"{MaxCommands} commands are under way; wait for an answer before the next one.") { Id = request.Id });
                return;
            }

            var running = Task.Run(() => AnswerAsync(request));
            _running.Add(running);
            running.ContinueWith(Ended, TaskScheduler.Default);
        }
    }

    private void Ended(Task task)
    {
        lock (_gate)
        {
            _running.Remove(task);
        }
    }

    private List<Task> Running()
    {
        lock (_gate)
        {
            return [.. _running];
        }
    }

    private async Task AnswerAsync(NetRequest request)
    {
        // Publishing has an end of its own.
        using var late = request is { Cmd: "publish", TimeoutMs: null }
            ? new CancellationTokenSource()
            : new CancellationTokenSource(request.TimeoutMs is { } ms ? TimeSpan.FromMilliseconds(Math.Max(ms, 1)) : DefaultTimeout);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _stop.Token);
        NetReply reply;
        try
        {
            reply = await _commands.RunAsync(request, either.Token);
        }
        catch (OperationCanceledException)
        {
            reply = new FailureReply(_stop.IsCancellationRequested ? "The peer stops." : $"{request.Cmd} was not done in time; give a longer timeoutMs.");
        }
        catch (Exception e) when (e is NetRequestException or IOException or FormatException or ArgumentException or UnfitMessageException)
        {
            reply = new FailureReply(e.Message);
        }
        catch (Exception e)
        {
            // A bug, told where it was met: the peer goes on with other commands, and its stack is on stderr.
            await Console.Error.WriteLineAsync(e.ToString());
            reply = new FailureReply($"{request.Cmd} failed: {e.GetType().Name}: {e.Message}");
        }

        output.Write(reply with { Id = request.Id });
    }
}
