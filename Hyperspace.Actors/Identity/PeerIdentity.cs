using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Actors.Identity;

/// <summary>Who this peer is: its Ed25519 key, its wallet, and the binding by which each signed the other.</summary>
/// <param name="Keys">The peer's key pair.</param>
/// <param name="Wallet">The peer's wallet.</param>
/// <param name="Binding">Proof that the two belong together.</param>
public sealed record PeerIdentity(KeyPair Keys, IWallet Wallet, IdentityBinding Binding)
{
    /// <summary>The peer's id.</summary>
    public PeerId PeerId => Keys.PeerId;
}
