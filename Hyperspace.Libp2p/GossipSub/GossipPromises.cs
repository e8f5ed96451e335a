namespace Hyperspace.Libp2p.GossipSub;

/// <summary>Answers to IWANT that peers owe: one id of each batch, chosen at random, as go and js do.</summary>
internal sealed class GossipPromises
{
    private readonly Dictionary<MessageKey, List<(PeerId Peer, long Deadline)>> _owed = [];

    /// <summary>Messages that somebody owes.</summary>
    public int Count => _owed.Count;

    public void Add(MessageKey key, PeerId peer, long deadline)
    {
        if (!_owed.TryGetValue(key, out var debtors))
        {
            _owed[key] = debtors = new List<(PeerId, long)>(1);
        }

        if (!debtors.Exists(d => d.Peer == peer))
        {
            debtors.Add((peer, deadline));
        }
    }

    /// <summary>The message came, from whomever: nobody owes it any more.</summary>
    public void Fulfil(MessageKey key)
    {
        if (_owed.Count > 0)
        {
            _owed.Remove(key);
        }
    }

    /// <summary>Takes out what is overdue and reports each debtor.</summary>
    public void CollectBroken(long now, Action<PeerId> broken)
    {
        foreach (var (key, debtors) in _owed)
        {
            for (var i = debtors.Count - 1; i >= 0; i--)
            {
                if (debtors[i].Deadline <= now)
                {
                    broken(debtors[i].Peer);
                    debtors.RemoveAt(i);
                }
            }

            if (debtors.Count == 0)
            {
                _owed.Remove(key);
            }
        }
    }

    public void Forget(PeerId peer)
    {
        foreach (var (key, debtors) in _owed)
        {
            if (debtors.RemoveAll(d => d.Peer == peer) > 0 && debtors.Count == 0)
            {
                _owed.Remove(key);
            }
        }
    }
}
