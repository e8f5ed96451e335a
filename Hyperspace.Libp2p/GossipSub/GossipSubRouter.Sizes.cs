namespace Hyperspace.Libp2p.GossipSub;

/// <summary>How much a router remembers, in entries.</summary>
internal readonly record struct GossipRouterSizes(int Peers, int Topics, int Seen, int Cached, int Promises, int Backoffs, int Scores);

internal sealed partial class GossipSubRouter
{
    /// <summary>How much this router remembers: what has to stay bounded however long it runs.</summary>
    internal GossipRouterSizes Sizes => new(
        _peers.Count,
        _topics.Count,
        _seen.Count,
        _cache.Count,
        _promises.Count,
        _topics.Values.Sum(static t => t.Backoffs?.Count ?? 0),
        _score.Count);
}
