namespace Hyperspace.Libp2p.Relay;

/// <summary>How many bytes one direction of a circuit may still carry.</summary>
/// <param name="limit">In bytes; 0: any number.</param>
internal struct ByteBudget(ulong limit)
{
    private readonly bool _limited = limit > 0;
    private ulong _left = limit;

    /// <summary>Takes what is allowed of <paramref name="count"/> bytes; less than asked means that the budget was overrun.</summary>
    public int Take(int count)
    {
        if (!_limited)
        {
            return count;
        }

        var taken = (int)Math.Min(_left, (ulong)count);
        _left -= (ulong)taken;
        return taken;
    }
}
