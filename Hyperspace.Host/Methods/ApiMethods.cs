using System.Text.Json.Nodes;
using Akka.Actor;
using Hyperspace.Host.JsonRpc;
using Microsoft.Extensions.DependencyInjection;

namespace Hyperspace.Host.Methods;

/// <summary>Every method of the local API, and <c>rpc.discover</c> that lists them.</summary>
internal static class ApiMethods
{
    public static IReadOnlyList<ApiMethod> All(IServiceProvider services)
    {
        var actors = services.GetRequiredService<PeerActors>();
        List<ApiMethod> methods =
        [
            .. services.GetRequiredService<NodeMethods>().All(),
            .. StateMethods.All(actors),
            .. ToolMethods.All(actors, services.GetRequiredService<ActorSystem>()),
            .. new MicropaymentsMethods(actors).All(),
            .. new ChannelTransferMethods(actors).All(),
            .. FetchMethods.All(actors),
            .. LearningMethods.All(actors),
            .. MatrixMethods.All(actors),
            .. ReputationMethods.All(actors),
            .. LedgerMethods.All(actors),
            .. GossipMethods.All(actors, services.GetRequiredService<ActorSystem>()),
        ];
        methods.Add(new ApiMethod("rpc.discover", "Describes every method of this API.", [], "OpenRPC document", (_, _, _) => Task.FromResult<JsonNode?>(OpenRpc.Describe(methods))));
        return methods;
    }
}
