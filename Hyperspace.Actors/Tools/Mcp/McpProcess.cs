using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Hyperspace.Actors.Tools.Mcp;

/// <summary>
/// A stdio server's process. It ends with this object; when this process is killed, the server reads the end of its
/// input, which MCP tells it to take as the end. It gets none of this peer's environment, which may hold secrets, but
/// <see cref="Inherited"/> (and on Windows what every process there needs), besides what the spec gives it.
/// </summary>
internal sealed class McpProcess : IAsyncDisposable
{
    private const int ErrorTail = 2000;

    /// <summary>What a server needs of its surroundings to find its runtime, its files and its language.</summary>
    private static readonly string[] Inherited = OperatingSystem.IsWindows()
        ?
        [
            "PATH", "PATHEXT", "HOME", "LANG", "SystemRoot", "SystemDrive", "ComSpec", "TEMP", "TMP", "USERPROFILE", "USERNAME", "HOMEDRIVE", "HOMEPATH",
            "APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles", "ProgramFiles(x86)", "PROCESSOR_ARCHITECTURE", "NUMBER_OF_PROCESSORS",
        ]
        : ["PATH", "HOME", "LANG", "TMPDIR"];

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Task _draining;

    private McpProcess(Process process)
    {
        _process = process;
        _draining = DrainErrorsAsync();
    }

    /// <summary>Where requests are written.</summary>
    public Stream Input => _process.StandardInput.BaseStream;

    /// <summary>Where answers are read.</summary>
    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>The operating system's number of the process.</summary>
    public int Id => _process.Id;

    /// <summary>True when the process is gone.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The last that the server wrote to its error output.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString().Trim();
            }
        }
    }

    /// <summary>Starts the command with the spec's environment and what it inherits.</summary>
    /// <exception cref="IOException">It can't be started.</exception>
    public static McpProcess Start(McpServerSpec spec)
    {
        var start = new ProcessStartInfo(spec.Command!)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardErrorEncoding = Encoding.UTF8,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        foreach (var argument in spec.Args)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        foreach (var name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                start.Environment[name] = value;
            }
        }

        foreach (var (name, value) in spec.Env)
        {
            start.Environment[name] = value;
        }

        try
        {
            return new McpProcess(Process.Start(start) ?? throw new IOException($"'{spec.Command}' did not start."));
        }
        catch (Win32Exception e)
        {
            throw new IOException($"'{spec.Command}' can't be started: {e.Message}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The server closed its end first.
        }

        using var grace = new CancellationTokenSource(Grace);
        try
        {
            await _process.WaitForExitAsync(grace.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        await _draining.ConfigureAwait(false);
        _process.Dispose();
    }

    // A server whose error output nobody reads would block once the pipe is full.
    private async Task DrainErrorsAsync()
    {
        var buffer = new char[1024];
        int read;
        while ((read = await _process.StandardError.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            lock (_errors)
            {
                _errors.Append(buffer, 0, read);
                if (_errors.Length > ErrorTail)
                {
                    _errors.Remove(0, _errors.Length - ErrorTail);
                }
            }
        }
    }
}
