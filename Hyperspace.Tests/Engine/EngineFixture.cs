using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Tests.Engine;

/// <summary>
/// The real engine in a host of its own: a cluster of one on a free port, SQLite journals in a temporary directory that
/// is deleted at the end.
/// <code>
/// await using var engine = await EngineFixture.StartAsync(builder => builder.WithSessions(), services => services.AddSingleton(…));
/// var view = await engine.Get&lt;ActorKeys.Sessions&gt;().Ask&lt;SessionView&gt;(new SessionCommands.Get(id), EngineFixture.Timeout);
/// await engine.RestartAsync();
/// </code>
/// </summary>
internal sealed class EngineFixture : IAsyncDisposable
{
    /// <summary>How long a test waits for an answer before it fails.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private readonly Action<AkkaConfigurationBuilder> _configure;
    private readonly Action<IServiceCollection>? _services;
    private IHost _host = null!;

    private EngineFixture(Action<AkkaConfigurationBuilder> configure, Action<IServiceCollection>? services, Func<PeerOptions, PeerOptions>? options)
    {
        _configure = configure;
        _services = services;
        var own = new PeerOptions { DataDirectory = Directory.CreateTempSubdirectory("hyperspace-test-").FullName };
        Options = options?.Invoke(own) ?? own;
    }

    /// <summary>What the peer was set up with; also a service.</summary>
    public PeerOptions Options { get; }

    /// <summary>The running system; another one after a restart.</summary>
    public ActorSystem System => Services.GetRequiredService<ActorSystem>();

    /// <summary>The host's services; others after a restart.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>Starts the engine, <paramref name="configure"/>'s primitives and <paramref name="services"/>; <c>TimeProvider</c> and <c>PeerOptions</c> are there already.</summary>
    public static async Task<EngineFixture> StartAsync(
        Action<AkkaConfigurationBuilder> configure, Action<IServiceCollection>? services = null, Func<PeerOptions, PeerOptions>? options = null)
    {
        var fixture = new EngineFixture(configure, services, options);
        await fixture.StartHostAsync();
        return fixture;
    }

    /// <summary>The actor that a primitive registered.</summary>
    public IActorRef Get<TKey>() => Services.GetRequiredService<ActorRegistry>().Get<TKey>();

    /// <summary>Stops the host in order and starts another one on the same data directory.</summary>
    public async Task RestartAsync()
    {
        await StopHostAsync();
        await StartHostAsync();
    }

    /// <summary>Stops the host in order.</summary>
    public Task StopAsync() => StopHostAsync();

    /// <summary>Starts another one on the same data directory after <see cref="StopAsync"/>.</summary>
    public Task StartAgainAsync() => StartHostAsync();

    /// <summary>Every write to the journal in that file fails from now on, as on a disk that is full, or none does again.</summary>
    public void SetFull(string file, bool isFull) => OnFile(
        file, isFull ? "CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'disk full'); END" : "DROP TRIGGER full", command => command.ExecuteNonQuery());

    /// <summary>Runs SQL on a file of the data directory.</summary>
    public T OnFile<T>(string file, string sql, Func<SqliteCommand, T> run)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(Options.DataDirectory, file)}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return run(command);
    }

    public async ValueTask DisposeAsync()
    {
        await StopHostAsync();
        Directory.Delete(Options.DataDirectory, recursive: true);
    }

    private async Task StartHostAsync()
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddConsole().SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(Options);
        _services?.Invoke(builder.Services);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddAkka("hyperspace", akka =>
        {
            akka.WithHyperspaceEngine(Options);
            _configure(akka);
        });
        _host = builder.Build();
        await _host.StartAsync();
    }

    private async Task StopHostAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
