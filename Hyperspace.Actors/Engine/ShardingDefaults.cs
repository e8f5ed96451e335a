using Akka.Cluster.Hosting;
using Akka.Cluster.Sharding;

namespace Hyperspace.Actors.Engine;

/// <summary>
/// Told to a sharded entity when its shard is handed over and when its own <see cref="Passivate"/> is granted. Every
/// entity answers it with <c>Context.Stop(Self)</c>; being an ordinary message, it waits behind writes in flight.
/// </summary>
public sealed class StopEntity
{
    /// <summary>The one instance.</summary>
    public static StopEntity Instance { get; } = new();

    private StopEntity()
    {
    }
}

/// <summary>How this project shards.</summary>
public static class ShardingDefaults
{
    /// <summary>Shards of each region: ten for each expected process.</summary>
    public const int Shards = 10;

    /// <summary>
    /// State in distributed data, entities not remembered, none passivated behind its back: an entity asks for
    /// <c>Passivate(StopEntity.Instance)</c> by itself when it is safe.
    /// </summary>
    public static ShardOptions Options => new()
    {
        StateStoreMode = StateStoreMode.DData,
        RememberEntities = false,
        ShouldPassivateIdleEntities = false,
        HandOffStopMessage = StopEntity.Instance,
    };

    /// <summary>Routes messages of <typeparamref name="TMessage"/> by their entity id; others are dropped.</summary>
    public static IMessageExtractor Extractor<TMessage>(Func<TMessage, string> entityId)
        where TMessage : class =>
        HashCodeMessageExtractor.Create(Shards, message => message is TMessage known ? entityId(known) : null, message => message);
}
