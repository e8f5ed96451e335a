using Akka.Actor;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Transport;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>Other processes' tools of this same peer, as the cluster replicates them.</summary>
internal delegate Task<IReadOnlyList<ToolDefinition>> ReplicatedTools(CancellationToken cancellationToken);

/// <summary>Carries a <see cref="DiscoveryPlan"/> out: asks tier after tier, each within its share of the time.</summary>
internal sealed class ToolDiscovery(PeerServices peer, ToolCatalog catalog, CapabilityStore store, CapabilityFetcher fetcher, ReplicatedTools replicated, IActorRef gossip, IActorRef? matrix)
{
    private const int MaxProviders = 32;
    private const int FetchesAtOnce = 8;
    private const double RoutingShare = 0.6;
    private static readonly TimeSpan LongestRanking = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestGossip = TimeSpan.FromSeconds(1);

    /// <summary>The tools, or a refusal of the command.</summary>
    public async Task<object> RunAsync(ToolCommands.Discover command, CancellationToken cancellationToken)
    {
        var (plan, refusal) = DiscoveryPlan.Of(command, peer.Trust.ReputationOf);
        if (plan is null)
        {
            return refusal!;
        }

        var asked = new List<string>();
        var started = peer.Time.GetTimestamp();
        await TierAsync(Tiers.Registry, command.Timeout, token => AskRegistryAsync(plan, token)).ConfigureAwait(false);
        if (!plan.IsSatisfied)
        {
            await TierAsync(Tiers.Dht, Left() * RoutingShare, token => AskRoutingAsync(plan, token)).ConfigureAwait(false);
        }

        if (!plan.IsSatisfied)
        {
            var left = Left();
            await TierAsync(Tiers.Gossip, left < LongestGossip ? left : LongestGossip, token => AskGossipAsync(plan, command, token)).ConfigureAwait(false);
        }

        return new DiscoveryResult(plan.Best(await ScoresAsync(plan.Query, cancellationToken).ConfigureAwait(false)), asked);

        TimeSpan Left() => command.Timeout - peer.Time.GetElapsedTime(started);

        async Task TierAsync(string tier, TimeSpan time, Func<CancellationToken, Task> ask)
        {
            if (time <= TimeSpan.Zero)
            {
                return;
            }

            asked.Add(tier);
            using var timeout = new CancellationTokenSource(time, peer.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                await ask(either.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                // What the tier found in its time is in the plan.
            }
        }
    }

    // A matrix that is too busy does not hold a discovery up: words rank then.
    private async Task<IReadOnlyDictionary<string, double>?> ScoresAsync(string? query, CancellationToken cancellationToken)
    {
        if (matrix is null || query is null)
        {
            return null;
        }

        try
        {
            return (await matrix.Ask<MatrixMessages.Scores>(new MatrixMessages.Score(query), LongestRanking, cancellationToken).ConfigureAwait(false)).ById;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
    }

    private async Task AskRegistryAsync(DiscoveryPlan plan, CancellationToken cancellationToken)
    {
        plan.Add(Tiers.Registry, catalog.Self, catalog.State.Tools.Values.Select(t => t.Definition));
        plan.Add(Tiers.Registry, catalog.Self, await replicated(cancellationToken).ConfigureAwait(false));
    }

    private async Task AskRoutingAsync(DiscoveryPlan plan, CancellationToken cancellationToken)
    {
        if (plan.AsksForAll)
        {
            AddKnown(plan, Tiers.Dht);
            return;
        }

        using var slots = new SemaphoreSlim(FetchesAtOnce);
        var providers = new HashSet<PeerId> { catalog.Self };
        var gate = new Lock();
        await Task.WhenAll(plan.RoutingTags().Select(AskTagAsync)).ConfigureAwait(false);

        async Task AskTagAsync(string tag)
        {
            await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await foreach (var provider in peer.Routing.FindProvidersAsync(CapabilityRecords.ProviderKey(tag), MaxProviders, cancellationToken).ConfigureAwait(false))
                {
                    lock (gate)
                    {
                        if (providers.Count > MaxProviders || !providers.Add(provider.Peer))
                        {
                            continue;
                        }
                    }

                    peer.Switch.AddAddresses(provider.Peer, provider.Addresses);
                    if (await fetcher.GetAsync(provider.Peer, Tiers.Dht, cancellationToken).ConfigureAwait(false) is { } record)
                    {
                        lock (gate)
                        {
                            plan.Add(Tiers.Dht, record.Peer, record.Tools);
                        }
                    }
                }
            }
            finally
            {
                slots.Release();
            }
        }
    }

    private async Task AskGossipAsync(DiscoveryPlan plan, ToolCommands.Discover command, CancellationToken cancellationToken)
    {
        AddKnown(plan, Tiers.Gossip);
        if (plan.IsSatisfied)
        {
            return;
        }

        var query = CapabilityQueries.Seal(peer.Identity, command.Query ?? "", command.Capabilities.Select(c => c.Trim().ToLowerInvariant()).Where(ToolRules.IsCapability), peer.Clock.Next());
        gossip.Tell(new GossipCommands.Publish(Topics.Capabilities, query.Bytes.ToArray()), ActorRefs.NoSender);
        while (!plan.IsSatisfied)
        {
            var news = store.News;
            AddKnown(plan, Tiers.Gossip);
            await news.WaitAsync(cancellationToken).ConfigureAwait(false);
            AddKnown(plan, Tiers.Gossip);
        }
    }

    // When everything is asked for, each record counts for the tier that first brought it.
    private void AddKnown(DiscoveryPlan plan, string tier)
    {
        foreach (var known in store.Current.All.Where(k => !plan.AsksForAll || tier == Tiers.Gossip || k.Tier == tier))
        {
            plan.Add(tier, known.Record.Peer, known.Record.Tools);
        }
    }
}
