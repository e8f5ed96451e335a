using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Tools.Sales;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.JsonRpc;
using Hyperspace.Host.Methods;
using Hyperspace.Host.Pay;
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
    private readonly PayServer? _pay;
    private bool _stopped;
    private readonly string _urlFile;

    private PeerProcess(WebApplication app, PayServer? pay, DataDirectoryLock claim, PeerOptions options)
    {
        _app = app;
        _pay = pay;
        _lock = claim;
        _urlFile = Path.Combine(options.DataDirectory, ApiClient.UrlFileName);
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

    /// <summary>Where it sells its tools; null when it does not.</summary>
    public Uri? PayUrl => _pay?.Url;

    /// <summary>Its services, for tests.</summary>
    internal IServiceProvider Services => _app.Services;

    /// <summary>The methods of its local API.</summary>
    public IReadOnlyCollection<ApiMethod> Methods => _app.Services.GetRequiredService<JsonRpcDispatcher>().Methods;

    public static async Task<PeerProcess> StartAsync(PeerOptions options, int apiPort, CancellationToken cancellationToken)
    {
        try
        {
            CreateForOwner(options.DataDirectory);
            var claim = DataDirectoryLock.Take(options.DataDirectory);
            try
            {
                return await StartAsync(options, apiPort, claim, cancellationToken);
            }
            catch
            {
                claim.Dispose();
                throw;
            }
        }
        catch (OperationCanceledException)
        {
            throw new CommandException("The peer was stopped while it started.");
        }
        catch (Exception e) when (Expected(e) is { } reason)
        {
            throw new CommandException(reason is DbException
                ? $"The databases in {options.DataDirectory} (journal.db, payments.db) cannot be used: {reason.Message} Restore them from a backup, or move them away to start without a history."
                : $"The peer could not start on {options.DataDirectory}: {reason.Message}");
        }
    }

    /// <summary>Runs until the token, SIGTERM or Ctrl-C, then stops in order.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _app.WaitForShutdownAsync(cancellationToken);
        _stopped = true;
    }

    public async ValueTask DisposeAsync()
    {
        if (_pay is not null)
        {
            await _pay.DisposeAsync();
        }

        if (!_stopped)
        {
            await _app.StopAsync(CancellationToken.None);
        }

        await _app.DisposeAsync();
        File.Delete(_urlFile);
        _lock.Dispose();
    }

    private static async Task<PeerProcess> StartAsync(PeerOptions options, int apiPort, DataDirectoryLock claim, CancellationToken cancellationToken)
    {
        var token = ApiToken.LoadOrCreate(options.DataDirectory);

        // Bound before anything else starts, so that a port in use is told at once.
        var api = Bind(apiPort);
        Socket? pay = null;
        WebApplication? app = null;
        PayServer? shop = null;
        try
        {
            if (options.Pay is not null)
            {
                pay = PayServer.Bind(options);
                options = options with { Pay = options.Pay with { Listen = (IPEndPoint)pay.LocalEndPoint! } };
            }

            app = Build(options, api);
            app.MapApi(token);
            await app.StartAsync(cancellationToken);
            if (pay is not null)
            {
                shop = await PayServer.StartAsync(pay, options.Pay!, app.Services.GetRequiredService<ToolSales>(), app.Services.GetRequiredService<ILoggerFactory>(), cancellationToken);
            }

            // Made now, so that the peer's age is counted from here and the first call finds it ready.
            _ = app.Services.GetRequiredService<JsonRpcDispatcher>();
            var peer = new PeerProcess(app, shop, claim, options);
            await File.WriteAllTextAsync(peer._urlFile, peer.Api.ToString(), cancellationToken);
            return peer;
        }
        catch
        {
            await (shop?.DisposeAsync() ?? ValueTask.CompletedTask);
            await (app?.DisposeAsync() ?? ValueTask.CompletedTask);
            pay?.Dispose();
            api.Dispose();
            throw;
        }
    }

    private static WebApplication Build(PeerOptions options, Socket api)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(o => o.SingleLine = true);
        builder.Logging.Services.Configure<ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(LogLevelSetting());

        // It logs a failed start with its stack; the command line tells it in a sentence.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.WebHost.UseUrls($"http://{api.LocalEndPoint}");
        builder.WebHost.UseSockets(o => o.CreateBoundListenSocket = _ => api);
        builder.WebHost.ConfigureKestrel(Limit);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(15));
        builder.Services.AddHyperspacePeer(options);
        builder.Services.AddSingleton<PeerActors>(s => new PeerActors(s.GetRequiredService<IReadOnlyActorRegistry>()));
        builder.Services.AddSingleton<NodeMethods>();
        builder.Services.AddSingleton(s => new JsonRpcDispatcher(ApiMethods.All(s), s.GetRequiredService<ILogger<JsonRpcDispatcher>>()));
        return builder.Build();
    }

    /// <summary>The failure among an exception's causes that a person can do something about; null for a defect.</summary>
    private static Exception? Expected(Exception? e) => e switch
    {
        null or CommandException => null,
        IOException or InvalidDataException or UnauthorizedAccessException or SocketException or IdentityStoreException or DbException => e,
        AggregateException many => many.InnerExceptions.Select(Expected).FirstOrDefault(inner => inner is not null),
        _ => Expected(e.InnerException),
    };

    private static Socket Bind(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CommandException($"The API's port {port} cannot be used ({e.Message}); name another with --api-port, or 0 for a free one.");
        }
    }

    private static LogLevel LogLevelSetting() => Environment.GetEnvironmentVariable("HYPERSPACE_LOG") is not { Length: > 0 } text ? LogLevel.Warning
        : Enum.TryParse<LogLevel>(text, ignoreCase: true, out var level) && Enum.IsDefined(level) ? level
        : throw CommandException.Usage($"HYPERSPACE_LOG: '{text}' is none of {string.Join(", ", Enum.GetNames<LogLevel>())}.");

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
        kestrel.Limits.DiscardBodiesThatAreTooLarge();
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
    }
}
