namespace Hyperspace.Actors.Tools.Sales;

/// <summary>Sells this peer's priced tools to HTTP clients; nothing is for sale until the tools are up, and without <c>PeerOptions.Pay</c>.</summary>
public sealed class ToolSales
{
    private volatile ToolSeller? _seller;

    /// <summary>Serves a request, or says what it costs. Cancelling ends the wait; what was paid for is run to its end.</summary>
    public Task<SaleAnswer> ServeAsync(SaleRequest request, CancellationToken cancellationToken) =>
        _seller is { } seller ? seller.ServeAsync(request, cancellationToken) : Task.FromResult(SaleAnswers.Problem(503, "Not Ready", "This peer is still starting; try again in a moment."));

    /// <summary>From now on this one serves.</summary>
    internal void Open(ToolSeller seller) => _seller = seller;
}
