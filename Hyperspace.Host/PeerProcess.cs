using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors;
using Hyperspace.Actors.Engine;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Host.Methods;
using Hyperspace.Libp2p;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Hyperspace.Host;

/// <summary>
/// A whole peer in this process: identity, network, actors and the local API. Stopping goes the other way round: no
/// more calls, leave the cluster (journals are flushed as their actors stop), close the streams.
/// </summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly DataDirectoryLock _lock;

    private PeerProcess(WebApplication app, DataDirectoryLock claim, PeerOptions options)
    {
        _app = app;
        _lock = claim;
        var network = app.Services.GetRequiredService<ISwitch>();
        PeerId = network.LocalPeer.ToString();
        Listen = [.. network.ListenAddresses.Select(a => a.WithPeer(network.LocalPeer).ToString())];
        Api = new Uri(app.Urls.First());
        TokenFile = Path.Combine(options.DataDirectory, ApiToken.FileName);
    }

    public string PeerId { get; }

    public Uri Api { get; }

    public IReadOnlyList<string> Listen { get; }

    public string TokenFile { get; }

    /// <summary>The methods of its local API.</summary>
    public IReadOnlyCollection<ApiMethod> Methods => _app.Services.GetRequiredService<JsonRpcDispatcher>().Methods;

    public static async Task<PeerProcess> StartAsync(PeerOptions options, int apiPort, CancellationToken cancellationToken)
    {
        CreateForOwner(options.DataDirectory);
        var claim = DataDirectoryLock.Take(options.DataDirectory);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Logging.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(Enum.TryParse<LogLevel>(Environment.GetEnvironmentVariable("HYPERSPACE_LOG"), ignoreCase: true, out var level) ? level : LogLevel.Warning);
        builder.WebHost.UseUrls($"http://127.0.0.1:{apiPort}");
        builder.WebHost.ConfigureKestrel(Limit);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.Services.AddHyperspacePeer(options);
        builder.Services.AddSingleton<PeerActors>(s => new PeerActors(s.GetRequiredService<IReadOnlyActorRegistry>()));
        builder.Services.AddSingleton<NodeMethods>();
        builder.Services.AddSingleton(s => new JsonRpcDispatcher(ApiMethods.All(s), s.GetRequiredService<ILogger<JsonRpcDispatcher>>()));
        var app = builder.Build();
        app.MapApi(ApiToken.LoadOrCreate(options.DataDirectory));
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
        {
            await app.DisposeAsync();
            claim.Dispose();
            throw new CommandException($"The peer could not start: {e.Message}");
        }

        var peer = new PeerProcess(app, claim, options);
        await File.WriteAllTextAsync(Path.Combine(options.DataDirectory, ApiClient.UrlFileName), peer.Api.ToString(), cancellationToken);
        return peer;
    }

    /// <summary>Runs until the token, SIGTERM or Ctrl-C, then stops in order.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _app.WaitForShutdownAsync(cancellationToken);
        await _app.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _lock.Dispose();
    }

    private static void CreateForOwner(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 4096;
        kestrel.Limits.MaxRequestBodySize = ApiServer.MaxRequestBytes;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
    }
}

/// <summary>One process per data directory: two would share a journal.</summary>
internal sealed class DataDirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file) => _file = file;

    public static DataDirectoryLock Take(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "lock");
        try
        {
            return new DataDirectoryLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException)
        {
            throw new CommandException($"Another peer runs on {dataDirectory}; stop it, or name another directory with --data.");
        }
    }

    public void Dispose() => _file.Dispose();
}
