namespace Hyperspace.Libp2p.Kademlia;

/// <summary>A peer that a query asked, or may ask; the paths that heard of it share one.</summary>
internal sealed class QueryCandidate(PeerId peer)
{
    public PeerId Peer { get; } = peer;

    public QueryCandidateState State { get; set; }

    /// <summary>The path that asked it; null before that.</summary>
    public QueryPath? Owner { get; set; }

    /// <summary>Answers that led to it, on the path that asked it.</summary>
    public int Hops { get; set; }

    public DateTimeOffset AskedAt { get; set; }
}

/// <summary>What became of a candidate.</summary>
internal enum QueryCandidateState
{
    /// <summary>Not asked yet.</summary>
    Heard,

    /// <summary>Asked.</summary>
    Waiting,

    /// <summary>Answered.</summary>
    Answered,

    /// <summary>Could not be reached, or its answer was no good.</summary>
    Failed,
}

/// <summary>
/// One of a query's disjoint paths: the peers that its own answers named, nearest first. It is done when the k nearest
/// of them that did not fail have answered, whichever path asked them.
/// </summary>
/// <param name="k">k.</param>
/// <param name="maxPeers">Peers that are remembered; the farthest that were not asked are forgotten first.</param>
internal sealed class QueryPath(int k, int maxPeers)
{
    private readonly SortedList<DhtKey, (QueryCandidate Candidate, int Hops)> _candidates = [];

    /// <summary>Requests that this path made.</summary>
    public int Requests { get; set; }

    /// <summary>Requests of this path that have no answer yet.</summary>
    public int Waiting { get; set; }

    /// <summary>Takes a peer in that is so far from the target; the first to name it counts.</summary>
    public void Hear(DhtKey distance, QueryCandidate candidate, int hops)
    {
        if (_candidates.ContainsKey(distance) || (_candidates.Count >= maxPeers && !MakeRoom(distance)))
        {
            return;
        }

        _candidates.Add(distance, (candidate, hops));
    }

    /// <summary>The next peer to ask and the answers that led to it, among the k nearest that did not fail; null when there is none.</summary>
    public (QueryCandidate Candidate, int Hops)? Next()
    {
        var alive = 0;
        for (var i = 0; i < _candidates.Count && alive < k; i++)
        {
            var heard = _candidates.GetValueAtIndex(i);
            if (heard.Candidate.State == QueryCandidateState.Heard)
            {
                return heard;
            }

            alive += heard.Candidate.State == QueryCandidateState.Failed ? 0 : 1;
        }

        return null;
    }

    private bool MakeRoom(DhtKey distance)
    {
        for (var i = _candidates.Count - 1; i >= 0 && _candidates.GetKeyAtIndex(i).CompareTo(distance) > 0; i--)
        {
            if (_candidates.GetValueAtIndex(i).Candidate.State == QueryCandidateState.Heard)
            {
                _candidates.RemoveAt(i);
                return true;
            }
        }

        return false;
    }
}
