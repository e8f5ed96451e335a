using Akka.Actor;
using Akka.Cluster;
using Akka.DistributedData;
using Google.Protobuf;
using Hyperspace.Actors.Tools.Discovery;
using Hyperspace.Contracts.Tools;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Tools;

/// <summary>
/// The registry's share of Akka.DistributedData: tool descriptors in 16 small maps <c>tools-0</c> to <c>tools-15</c>, so that
/// the processes of one peer see each other's tools. Small keys, because one key travels as one frame.
/// </summary>
internal sealed class RegistryReplica(ActorSystem system)
{
    private const int Buckets = 16;
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromMilliseconds(500);
    private readonly IActorRef _replicator = DistributedData.Get(system).Replicator;
    private readonly Cluster _cluster = Cluster.Get(system);

    /// <summary>Adds or replaces a tool.</summary>
    public void Put(ToolDefinition definition)
    {
        var bytes = ToolDescriptors.ToWire(definition).ToByteArray();
        _replicator.Tell(Dsl.Update(KeyOf(definition.Name), LWWDictionary<string, byte[]>.Empty, WriteLocal.Instance, map => map.SetItem(_cluster, definition.Name, bytes)), ActorRefs.NoSender);
    }

    /// <summary>Removes a tool.</summary>
    public void Remove(string name) =>
        _replicator.Tell(Dsl.Update(KeyOf(name), LWWDictionary<string, byte[]>.Empty, WriteLocal.Instance, map => map.Remove(_cluster, name)), ActorRefs.NoSender);

    /// <summary>All tools of all processes of this peer, as known here.</summary>
    public async Task<IReadOnlyList<ToolDefinition>> ReadAsync(CancellationToken cancellationToken)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Buckets).Select(i => _replicator.Ask<IGetResponse>(Dsl.Get(new LWWDictionaryKey<string, byte[]>($"tools-{i}"), ReadLocal.Instance), ReadTimeout, cancellationToken))).ConfigureAwait(false);
        return
        [
            .. answers.Where(a => a.IsSuccessful)
                .SelectMany(a => a.Get(new LWWDictionaryKey<string, byte[]>(((LWWDictionaryKey<string, byte[]>)a.Key).Id)).Values)
                .Select(ToolDescriptor.Parser.ParseFrom)
                .Select(ToolDescriptors.FromWire)
                .OfType<ToolDefinition>(),
        ];
    }

    private static LWWDictionaryKey<string, byte[]> KeyOf(string name) => new($"tools-{name.Aggregate(17, (hash, c) => unchecked((hash * 31) + c)) & (Buckets - 1)}");
}
