using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hyperspace.Benchmarks.Learn;

/// <summary>
/// A whole peer in this process: its own data directory, keys, journals, actors and TCP listener on loopback. Asked by
/// messages, as an agent inside would.
/// </summary>
internal sealed class LearnPeer : IAsyncDisposable
{
    public const string TaskType = "choose-tool";
    private const int ToolsAtOnce = 16;
    private const int QueriesAtOnce = 32;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(500);
    private readonly PeerOptions _options;
    private IHost _host;

    private LearnPeer(PeerOptions options, IHost host)
    {
        _options = options;
        _host = host;
    }

    public string PeerId => Switch.LocalPeer.ToString();

    /// <summary>Where others reach it.</summary>
    public Multiaddr Address => Switch.ListenAddresses[0].WithPeer(Switch.LocalPeer);

    /// <summary>What its gossip has cost so far; begins anew with a restart.</summary>
    public PubSubCounters Gossip => _host.Services.GetRequiredService<IPubSub>().Counters;

    /// <summary>Grows whenever it weighs somebody anew.</summary>
    public long Trust => _host.Services.GetRequiredService<ITrust>().Version;

    private ISwitch Switch => _host.Services.GetRequiredService<ISwitch>();

    /// <summary>Starts a peer with a new data directory.</summary>
    public static async Task<LearnPeer> StartAsync(IReadOnlyList<Multiaddr> bootstrap, CancellationToken cancellationToken)
    {
        var options = new PeerOptions { DataDirectory = Directory.CreateTempSubdirectory("hyperspace-learn-").FullName, Bootstrap = bootstrap };
        return new LearnPeer(options, await StartHostAsync(options, cancellationToken));
    }

    /// <summary>Stops it in order and starts it again on the same data directory; true to whom it knew, or alone.</summary>
    public async Task RestartAsync(bool alone, CancellationToken cancellationToken)
    {
        await StopHostAsync();
        if (alone)
        {
            // Else it would dial who it remembers.
            File.Delete(Path.Combine(_options.DataDirectory, PeersFile.FileName));
            File.Delete(Path.Combine(_options.DataDirectory, RoutingTableFile.FileName));
        }

        _host = await StartHostAsync(alone ? _options with { Bootstrap = [] } : _options, cancellationToken);
    }

    /// <summary>Offers tools; nobody calls them here, so they lead nowhere.</summary>
    public async Task OfferAsync(IEnumerable<KeyValuePair<string, string>> tools, CancellationToken cancellationToken)
    {
        foreach (var some in tools.Chunk(ToolsAtOnce))
        {
            await Task.WhenAll(some.Select(t => AskAsync<ActorKeys.Tools, ToolRegistered>(
                new ToolCommands.Register(
                    new ToolDefinition(NameOf(t.Key), t.Value, [], """{"type":"object"}""", Amount.Zero(Currency.Usdc)),
                    new ToolProvider("http", """{"url":"http://127.0.0.1:9/"}""")),
                cancellationToken)));
        }
    }

    /// <summary>The name that a tool of the data set is registered by.</summary>
    public static string NameOf(string tool) => ToolRules.Sanitise(tool);

    /// <summary>What it ranks first for a query; null when it finds nothing.</summary>
    public async Task<Capability?> FirstAsync(string query, CancellationToken cancellationToken) =>
        (await AskAsync<ActorKeys.Matrix, MatrixHits>(new MatrixCommands.Search(query, ["tool"], 1), cancellationToken)).Hits is [var first, ..] ? first.Capability : null;

    /// <summary>What it ranks first for each of the queries.</summary>
    public async Task<ImmutableArray<string?>> FirstOfAllAsync(IEnumerable<LabelledQuery> queries, CancellationToken cancellationToken)
    {
        var firsts = ImmutableArray.CreateBuilder<string?>();
        foreach (var some in queries.Chunk(QueriesAtOnce))
        {
            firsts.AddRange((await Task.WhenAll(some.Select(q => FirstAsync(q.Text, cancellationToken)))).Select(static c => c?.Name));
        }

        return firsts.ToImmutable();
    }

    /// <summary>The ids of as many tools as it knows, up to a count.</summary>
    public async Task<IReadOnlyList<string>> ToolsAsync(int count, CancellationToken cancellationToken) =>
        [.. (await AskAsync<ActorKeys.Tools, DiscoveryResult>(new ToolCommands.Discover(null, [], null, null, count, Brief), cancellationToken)).Tools.Select(static t => t.Id)];

    /// <summary>A hash of all that it has learnt and heard: equal on two peers when that is.</summary>
    public async Task<string> DigestAsync(CancellationToken cancellationToken) =>
        Convert.ToHexString((await AskAsync<ActorKeys.Matrix, MatrixMessages.Digest>(new MatrixMessages.GetDigest(), cancellationToken)).Sha256);

    /// <summary>Records a run as an agent does: signed, stored, gossiped, and its step counted by the matrix.</summary>
    public Task RecordAsync(LabelledQuery query, string toolId, bool ok, CancellationToken cancellationToken)
    {
        var step = new TrajectoryStepView("tool", toolId, null, query.Text, ok ? "done" : null, Amount.Zero(Currency.Usdc), TimeSpan.FromMilliseconds(1), ok, ok ? null : "This was not the tool for it.");
        return AskAsync<ActorKeys.Learning, TrajectoryRecorded>(new TrajectoryCommands.Record(TaskType, query.Text, [step], null, ok ? 1 : 0, null), cancellationToken);
    }

    /// <summary>Counts an outcome without a record of the run.</summary>
    public void Observe(string query, string toolId, bool ok) => Actor<ActorKeys.Matrix>().Tell(new MatrixCommands.Observe(Guid.NewGuid().ToString("n"), query, [new CapabilityOutcome(toolId, ok)]));

    public async Task<TAnswer> AskAsync<TKey, TAnswer>(object message, CancellationToken cancellationToken)
    {
        var answer = await Actor<TKey>().Ask<object>(message, Patience, cancellationToken);
        return answer switch
        {
            TAnswer expected => expected,
            Refusal refusal => throw new InvalidOperationException($"{message.GetType().Name} was refused: {refusal.Message}"),
            Status.Failure failure => throw new InvalidOperationException($"{message.GetType().Name} failed.", failure.Cause),
            _ => throw new InvalidOperationException($"{message.GetType().Name} was answered with {answer.GetType().Name}."),
        };
    }

    public async ValueTask DisposeAsync()
    {
        await StopHostAsync();
        Directory.Delete(_options.DataDirectory, recursive: true);
    }

    private static async Task<IHost> StartHostAsync(PeerOptions options, CancellationToken cancellationToken)
    {
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddHyperspacePeer(options);
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private IActorRef Actor<TKey>() => _host.Services.GetRequiredService<IReadOnlyActorRegistry>().Get<TKey>();

    private async Task StopHostAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
    }
}
