namespace Hyperspace.Actors.Reputation;

/// <summary>Where the reputation actor posts its last decision, and everyone reads it.</summary>
/// <param name="self">This peer's id.</param>
internal sealed class TrustBoard(string self) : ITrust
{
    // Until the journal is read nobody is lent anything: somebody may have been caught.
    private volatile Posted _posted = new(TrustTable.Of(ReputationState.Empty(self, confirmations: 0), DateTimeOffset.MinValue), 0);

    /// <inheritdoc/>
    public long Version => _posted.Version;

    /// <summary>What was posted last.</summary>
    public TrustTable Table => _posted.Table;

    /// <inheritdoc/>
    public double WeightOf(string peerId) => _posted.Table.WeightOf(peerId);

    /// <inheritdoc/>
    public double EarnedBy(string peerId) => _posted.Table.EarnedBy(peerId);

    /// <inheritdoc/>
    public double WitnessWeightOf(string peerId) => _posted.Table.WitnessWeightOf(peerId);

    /// <inheritdoc/>
    public double ReputationOf(string peerId) => _posted.Table.ReputationOf(peerId);

    /// <summary>Replaces the table, unless it says the same. Only the reputation actor posts.</summary>
    public void Post(TrustTable table)
    {
        if (!table.SaysTheSameAs(_posted.Table))
        {
            _posted = new Posted(table, _posted.Version + 1);
        }
    }

    private sealed record Posted(TrustTable Table, long Version);
}
