using System.Security.Cryptography;
using Akka.Actor;
using Akka.DependencyInjection;
using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Actors.Micropayments.Sessions;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Actors.Tools.Invocation;
using Hyperspace.Actors.Tools.Mcp;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Actors.Tools.Sales;
using Hyperspace.Actors.Tools.Schemas;
using Hyperspace.Contracts;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.Rpc;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Actors.Tools;

/// <summary>How the tool primitive is wired in.</summary>
public static class ToolsExtensions
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Registers <see cref="ActorKeys.Tools"/> and serves <c>tool.invoke</c> and <c>capabilities.get</c>. Needs as services
    /// <see cref="PeerIdentity"/>, <see cref="PeerOptions"/>, <see cref="HybridClock"/>, <see cref="TimeProvider"/>, <see cref="ISwitch"/>, <see cref="ReputationExtensions.AddTrust"/>,
    /// <see cref="IRpc"/> and <see cref="IContentRouting"/>, and <see cref="ActorKeys.Gossip"/> in the registry before it.
    /// <see cref="ActorKeys.Matrix"/> is told of capabilities when it is there before. Sessions and channels are looked up when they are needed.
    /// </summary>
    public static AkkaConfigurationBuilder WithTools(this AkkaConfigurationBuilder builder) => builder
        .WithJournalFormat("hyperspace-tools", SerializerIds.Tools, ToolsJournal.Format)
        .WithActors((system, registry, resolver) =>
        {
            var peer = new PeerServices(
                resolver.GetService<PeerIdentity>(),
                resolver.GetService<PeerOptions>(),
                resolver.GetService<ISwitch>(),
                resolver.GetService<IRpc>(),
                resolver.GetService<IContentRouting>(),
                resolver.GetService<HybridClock>(),
                resolver.GetService<TimeProvider>(),
                resolver.GetService<ITrust>());
            Start(system, registry, peer, resolver);
        });

    private static void Start(ActorSystem system, IActorRegistry registry, PeerServices peer, IDependencyResolver resolver)
    {
        var folders = new DocumentFolders();
        var pages = new FetchPage();
        var http = new HttpRunner();
        var servers = new McpServers(peer.Time);
        var runners = new ToolRunners([new BuiltinRunner([new DocsSearch(folders), new DocsRead(folders), pages]), http, new McpRunner(servers)]);
        var catalog = new ToolCatalog(peer.Identity.PeerId, runners, new SchemaCache());
        var matrix = registry.TryGet<ActorKeys.Matrix>(out var known) ? known : null;
        var feed = new CapabilityFeed(matrix, peer.Identity.PeerId, peer.Time);
        var store = new CapabilityStore(peer.Time, feed.Heard);
        var fetcher = new CapabilityFetcher(peer, store);
        var own = new OwnRecord(peer, catalog);
        var replica = new RegistryReplica(system);
        var gossip = registry.Get<ActorKeys.Gossip>();
        var services = new InvocationServices(peer, catalog, store, fetcher, registry);

        var publisher = peer.Options.Profile != PeerProfile.Full ? null : system.ActorOf(Props.Create(() => new CapabilityPublisherActor(peer, own, gossip)), "capability-publisher");
        var search = new ToolDiscovery(peer, catalog, store, fetcher, replica.ReadAsync, gossip, matrix);
        var discovery = system.ActorOf(Props.Create(() => new DiscoveryActor(search, own, peer, store, publisher, gossip)), "tool-discovery");
        var tools = system.ActorOf(Props.Create(() => new ToolRegistryActor(catalog, servers, replica, services, feed, discovery, publisher)), "tools");
        registry.Register<ActorKeys.Tools>(tools);

        var outcomes = new OutcomeCache();
        var runs = new PaidRuns(outcomes, peer.Time);
        var calls = new ToolCalls(peer, catalog);
        var handler = new ToolInvokeHandler(calls, own, registry, outcomes, runs);
        peer.Rpc.Handle(RpcMethods.ToolInvoke, handler.InvokeAsync);
        var streams = new ToolStreamHandler(calls, registry, peer.Time);
        peer.Rpc.Handle(RpcMethods.ToolStream, streams.StreamAsync);
        peer.Rpc.Handle(RpcMethods.ToolStreamPay, streams.PayAsync);
        peer.Rpc.Handle(RpcMethods.CapabilitiesGet, handler.CapabilitiesAsync);
        if (peer.Options.Pay is { } pay)
        {
            var key = ChallengeKey.LoadOrCreate(peer.Options.DataDirectory);
            var desk = new ChargeDesk(pay, peer.Options.Chains, peer.Identity.Wallet.Address, key, peer.Time, RandomNumberGenerator.GetBytes);
            var sessions = new SessionSeller(calls, new SessionDesk(pay, peer.Options.Chains, peer.Identity.Wallet.Address, key, RandomNumberGenerator.GetBytes), registry, peer.Time);
            var funds = new PayerFunds(resolver.GetService<IChains>(), peer.Time);
            resolver.GetService<ToolSales>().Open(new ToolSeller(calls, catalog, desk, sessions, funds, registry, outcomes, runs, peer.Time));
        }

        CoordinatedShutdown.Get(system).AddTask(CoordinatedShutdown.PhaseServiceStop, "stop-tools", async () =>
        {
            await servers.DisposeAsync().AsTask().WaitAsync(StopTimeout).ConfigureAwait(false);
            pages.Dispose();
            http.Dispose();
            folders.Dispose();
            return Akka.Done.Instance;
        });
    }
}
