namespace Hyperspace.Actors.Chain;

/// <summary>Asks a node what <see cref="ChainQuestions"/> want to know.</summary>
internal static class ChainLook
{
    /// <summary>The answers.</summary>
    /// <exception cref="IOException">The node could not be asked; nothing is known.</exception>
    public static async Task<ChainAnswers> AskAsync(IEvmNode node, ReadOnlyMemory<byte> wallet, ChainQuestions questions, CancellationToken cancellationToken)
    {
        // The head comes first: what is seen later is at least as deep as it says.
        var head = await node.BlockNumberAsync(cancellationToken);
        var latest = await node.TransactionCountAsync(wallet, pending: false, cancellationToken);
        var pending = await node.TransactionCountAsync(wallet, pending: true, cancellationToken);
        var price = await node.GasPriceAsync(cancellationToken);
        var sightings = new Dictionary<string, Sighting>();
        foreach (var intent in questions.InFlight)
        {
            if (await FindAsync(node, intent, cancellationToken) is { } seen)
            {
                sightings[intent.Id] = seen;
            }
        }

        return new ChainAnswers(head, latest, Math.Max(latest, pending), price, sightings, questions.Next is { } next ? await EstimateAsync(node, wallet, next, cancellationToken) : null);
    }

    private static async Task<Sighting?> FindAsync(IEvmNode node, ChainIntent intent, CancellationToken cancellationToken)
    {
        foreach (var signed in intent.Signed.Reverse())
        {
            if (await node.ReceiptAsync(signed.Hash, cancellationToken) is { } receipt)
            {
                var hash = await node.BlockHashAsync(receipt.BlockNumber, cancellationToken);
                return new Sighting(signed.Hash, receipt, hash is not null && receipt.BlockHash.Span.SequenceEqual(hash));
            }
        }

        return null;
    }

    private static async Task<GasEstimate> EstimateAsync(IEvmNode node, ReadOnlyMemory<byte> wallet, ChainIntent next, CancellationToken cancellationToken)
    {
        try
        {
            return new GasEstimate(next.Id, await node.EstimateGasAsync(wallet, next.Wish.To, next.Wish.Data, cancellationToken));
        }
        catch (EvmRpcException refused)
        {
            return refused.IsRevert ? new GasEstimate(next.Id, null, Revert: refused.Message) : new GasEstimate(next.Id, null, Trouble: refused.Message);
        }
    }
}
