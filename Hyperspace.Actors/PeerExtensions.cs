using Akka.Hosting;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Learning;
using Hyperspace.Actors.Matrix;
using Hyperspace.Actors.Micropayments;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Fetch;
using Hyperspace.Actors.Micropayments.Ledger;
using Hyperspace.Actors.Reputation;
using Hyperspace.Actors.State;
using Hyperspace.Actors.Tools;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Actors.Tools.Sales;
using Hyperspace.Actors.Transport;
using Hyperspace.Contracts;
using Hyperspace.Libp2p.ContentRouting;
using Hyperspace.Libp2p.PubSub;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Hyperspace.Actors;

/// <summary>A whole peer, in the order in which its parts depend on each other.</summary>
public static class PeerExtensions
{
    /// <summary>Adds a peer to a host: identity, network, engine and every primitive. The host needs logging.</summary>
    public static IServiceCollection AddHyperspacePeer(this IServiceCollection services, PeerOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(s => IdentityStore.LoadOrCreate(options.DataDirectory, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<HybridClock>();
        services.AddSingleton<ToolSales>();
        services.AddChains();
        services.AddTrust();
        services.AddNetwork(
            time => new Dictionary<string, IRecordValidator> { [CapabilityRecordValidator.Namespace] = new CapabilityRecordValidator(time) },
            time => new Dictionary<string, TopicValidator>
            {
                [Topics.Capabilities] = CapabilityGossip.Validator(time),
                [Topics.TrajectoriesPrefix] = TrajectoryTopicValidator.For(time),
                [Topics.Reputation] = Ratings.Validator(time),
                [Topics.MatrixFeedback] = MatrixGossip.Validator(time),
                [Topics.MatrixModel] = MatrixGossip.Validator(time),
                [Topics.Settlements] = Settlements.Validator(time),
            });
        return services.AddAkka("hyperspace", (builder, _) => builder
            .WithHyperspaceEngine(options)
            .WithTransport()
            .WithSessions()
            .WithChains()
            .WithMicropayments()
            .WithChannelsOnChain(options)
            .WithCharges(options)
            .WithFetch()
            .WithLedger()
            .WithReputation()
            .WithMatrix()
            .WithTools()
            .WithLearning()
            .WithBootstrap());
    }
}
