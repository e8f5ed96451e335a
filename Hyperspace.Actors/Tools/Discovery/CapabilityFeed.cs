using Akka.Actor;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>Tells the matrix what this peer and others offer, so that it can be searched; of others until their records expire.</summary>
/// <param name="matrix">The matrix; null: there is none.</param>
/// <param name="self">This peer.</param>
/// <param name="time">For expiry.</param>
internal sealed class CapabilityFeed(IActorRef? matrix, PeerId self, TimeProvider time)
{
    /// <summary>This peer offers other tools than before.</summary>
    public void Own(ToolRegistryState tools) => Tell(self, tools.Tools.Values.Select(t => t.Definition), tools.Described.Values, DateTimeOffset.MaxValue);

    /// <summary>Another peer's record came.</summary>
    public void Heard(PeerCapabilities record)
    {
        if (record.Peer != self)
        {
            Tell(record.Peer, record.Tools, record.Described, time.GetUtcNow() + CapabilityRecords.Lifetime);
        }
    }

    private void Tell(PeerId peer, IEnumerable<ToolDefinition> tools, IEnumerable<DescribedCapability> described, DateTimeOffset expires)
    {
        var provider = peer.ToString();
        var capabilities = tools.Select(t => new Capability(ToolRules.IdOf(provider, t.Name), "tool", t.Name, t.Description, t.Capabilities, provider))
            .Concat(described.Select(d => new Capability(ToolRules.IdOf(provider, d.Path), d.Type, d.Name, d.Description, d.Tags, provider)));
        matrix?.Tell(new MatrixMessages.Offered(provider, [.. capabilities], expires));
    }
}
