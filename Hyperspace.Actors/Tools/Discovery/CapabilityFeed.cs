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
    public void Own(ToolRegistryState tools) => Tell(self, tools.Tools.Values.Select(t => t.Definition), DateTimeOffset.MaxValue);

    /// <summary>Another peer's record came.</summary>
    public void Heard(PeerCapabilities record)
    {
        if (record.Peer != self)
        {
            Tell(record.Peer, record.Tools, time.GetUtcNow() + CapabilityRecords.Lifetime);
        }
    }

    private void Tell(PeerId peer, IEnumerable<ToolDefinition> tools, DateTimeOffset expires)
    {
        var provider = peer.ToString();
        matrix?.Tell(new MatrixMessages.Offered(provider, [.. tools.Select(t => new Capability(ToolRules.IdOf(provider, t.Name), "tool", t.Name, t.Description, t.Capabilities, provider))], expires));
    }
}
