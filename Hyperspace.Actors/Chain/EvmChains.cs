using Hyperspace.Actors.Engine;

namespace Hyperspace.Actors.Chain;

/// <summary>The nodes of the configured chains.</summary>
internal interface IEvmNodes
{
    /// <summary>The chain's node; null when this peer is not set up for the chain.</summary>
    IEvmNode? NodeOf(ulong chainId);
}

/// <summary>The chains of <see cref="PeerOptions.Chains"/>, each over its node's JSON-RPC.</summary>
internal sealed class EvmChains(PeerOptions options) : IChains, IEvmNodes, IDisposable
{
    private readonly Dictionary<ulong, EvmRpc> _nodes = options.Chains.ToDictionary(chain => chain.ChainId, chain => new EvmRpc(chain));

    /// <inheritdoc/>
    public IReadOnlyList<ChainOptions> All => options.Chains;

    /// <inheritdoc/>
    public IChainReader? Find(ulong chainId) => _nodes.TryGetValue(chainId, out var node) ? new EvmChainReader(All.First(chain => chain.ChainId == chainId), node) : null;

    /// <inheritdoc/>
    public IEvmNode? NodeOf(ulong chainId) => _nodes.GetValueOrDefault(chainId);

    public void Dispose()
    {
        foreach (var node in _nodes.Values)
        {
            node.Dispose();
        }
    }
}
