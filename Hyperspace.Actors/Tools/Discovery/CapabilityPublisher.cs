using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Identity;
using Hyperspace.Contracts.Tools;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Actors.Tools.Discovery;

/// <summary>
/// This peer's current record. It is sealed again when the tools or addresses changed, and before it expires; the
/// sequence is the sealing time in milliseconds, so it also grows over restarts.
/// </summary>
internal sealed class OwnRecord(PeerServices peer, ToolCatalog catalog)
{
    private readonly Lock _gate = new();
    private SignedEnvelope? _sealed;
    private ulong _sequence;
    private ToolRegistryState? _of;
    private string _addresses = "";

    /// <summary>The record, sealed again if need be.</summary>
    public SignedEnvelope Current()
    {
        lock (_gate)
        {
            var tools = catalog.State;
            var addresses = peer.Switch.ListenAddresses;
            var listed = string.Join(' ', addresses);
            var now = (ulong)peer.Time.GetUtcNow().ToUnixTimeMilliseconds();
            var old = _sealed is null || now > _sealed.Time.WallMs + (ulong)(CapabilityRecords.Lifetime / 2).TotalMilliseconds;
            if (old || !ReferenceEquals(_of, tools) || listed != _addresses)
            {
                _sequence = Math.Max(_sequence + 1, now);
                (_of, _addresses) = (tools, listed);
                _sealed = CapabilityRecords.Seal(peer.Identity, CapabilityRecords.Build(peer.Identity, peer.Options, Dialable(addresses), Offered(), Described(), _sequence), peer.Clock.Next());
            }

            return _sealed!;
        }
    }

    /// <summary>The tools that others may call: none of a light peer.</summary>
    public IEnumerable<ToolDefinition> Offered() => peer.Options.Profile != PeerProfile.Full ? [] : catalog.State.Tools.Values.Select(t => t.Definition);

    private IEnumerable<DescribedCapability> Described() => peer.Options.Profile != PeerProfile.Full ? [] : catalog.State.Described.Values;

    private static IEnumerable<Multiaddr> Dialable(IEnumerable<Multiaddr> addresses) => addresses.Where(a => a.ValueOf("ip4") != "0.0.0.0" && a.ValueOf("ip6") != "::");
}
