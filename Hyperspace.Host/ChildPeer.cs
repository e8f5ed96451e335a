using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Host;

/// <summary>How a child peer is started; ports are free ones of the loopback interface unless told.</summary>
/// <param name="Name">For people.</param>
/// <param name="DataDirectory">Its data directory; its log is beside it, with the ending <c>.log</c>.</param>
/// <param name="Bootstrap">A peer to join through.</param>
/// <param name="Listen">Where it listens.</param>
/// <param name="Arguments">Further arguments of <c>start</c>.</param>
/// <param name="Fault">The fault point at which it dies.</param>
internal sealed record ChildPeerOptions(
    string Name, string DataDirectory, string? Bootstrap = null, string Listen = "/ip4/127.0.0.1/tcp/0", IReadOnlyList<string>? Arguments = null, string? Fault = null);

/// <summary>A peer in a process of its own, with its own data directory, that can't outlive this process: it stops when its standard input ends.</summary>
internal sealed class ChildPeer : IAsyncDisposable
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(15);
    private readonly Process _process;
    private readonly Task _draining;

    private ChildPeer(string name, Process process, JsonNode ready, TimeSpan startUp, string logFile)
    {
        Name = name;
        _process = process;
        _draining = process.StandardOutput.ReadToEndAsync();
        PeerId = ready["peerId"]!.GetValue<string>();
        Listen = ready["listen"]![0]!.GetValue<string>();
        StartUp = startUp;
        LogFile = logFile;
        ApiUrl = new Uri(ready["api"]!.GetValue<string>() + "/");
        Token = File.ReadAllText(ready["tokenFile"]!.GetValue<string>());
        Api = new ApiClient(ApiUrl, Token);
    }

    public string Name { get; }

    public string PeerId { get; }

    public string Listen { get; }

    public TimeSpan StartUp { get; }

    public string LogFile { get; }

    public int ProcessId => _process.Id;

    public Uri ApiUrl { get; }

    public string Token { get; }

    public ApiClient Api { get; }

    public static async Task<ChildPeer> StartAsync(ChildPeerOptions options, CancellationToken cancellationToken)
    {
        var (name, logFile) = (options.Name, options.DataDirectory + ".log");
        List<string> arguments = ["start", "--json", "--stop-with-stdin", "--data", options.DataDirectory, "--api-port", "0", "--listen", options.Listen, .. options.Arguments ?? []];
        if (options.Bootstrap is not null)
        {
            arguments.AddRange(["--bootstrap", options.Bootstrap]);
        }

        var clock = Stopwatch.StartNew();
        var process = Start(arguments, options.Fault);
        DrainErrors(process, logFile);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(StartTimeout);
        try
        {
            var line = await process.StandardOutput.ReadLineAsync(deadline.Token);
            var ready = line is null ? null : JsonNode.Parse(line);
            return ready?["event"]?.GetValue<string>() == "ready"
                ? new ChildPeer(name, process, ready, clock.Elapsed, logFile)
                : throw new CommandException($"Peer {name} did not start: {line ?? "it ended at once"}. Its log: {File.ReadAllText(logFile)}");
        }
        catch (Exception e) when (e is OperationCanceledException or JsonException)
        {
            process.Kill(entireProcessTree: true);
            throw new CommandException($"Peer {name} was not ready within {StartTimeout.TotalSeconds:0} s: {e.Message}");
        }
    }

    /// <summary>Ends with the process, and tells its exit code.</summary>
    public async Task<int> ExitedAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Ends the process at once (SIGKILL), as a crash would.</summary>
    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        _process.StandardInput.Close();
        using var deadline = new CancellationTokenSource(StopTimeout);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        await _draining;
        _process.Dispose();
    }

    private static Process Start(IEnumerable<string> arguments, string? fault)
    {
        // This process is the program itself, or dotnet or a test host that has loaded it.
        var program = typeof(ChildPeer).Assembly;
        var isProgram = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == program.GetName().Name;
        var start = new ProcessStartInfo(isProgram ? Environment.ProcessPath! : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in isProgram ? arguments : arguments.Prepend(program.Location))
        {
            start.ArgumentList.Add(argument);
        }

        if (fault is not null)
        {
            start.Environment["HYPERSPACE_FAULT"] = fault;
        }

        return Process.Start(start)!;
    }

    private static void DrainErrors(Process process, string logFile)
    {
        var log = TextWriter.Synchronized(new StreamWriter(logFile) { AutoFlush = true });
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                log.Dispose();
            }
            else
            {
                log.WriteLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
    }
}
