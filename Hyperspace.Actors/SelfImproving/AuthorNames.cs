using System.Collections.Concurrent;
using Hyperspace.Libp2p;

namespace Hyperspace.Actors.SelfImproving;

/// <summary>Peer ids as text, each author's once: the runs of one author share it. Safe from any thread.</summary>
internal static class AuthorNames
{
    private const int MaxKnown = 16_384;
    private static readonly ConcurrentDictionary<PeerId, string> Known = new();

    /// <summary>The author's peer id.</summary>
    public static string Of(PeerId author)
    {
        if (Known.TryGetValue(author, out var name))
        {
            return name;
        }

        if (Known.Count >= MaxKnown)
        {
            Known.Clear();
        }

        return Known.GetOrAdd(author, static peer => peer.ToString());
    }
}
