namespace Hyperspace.Actors.Tools.Sales;

/// <summary>An HTTP request for a tool, as far as selling it goes.</summary>
/// <param name="Tool">The tool's name.</param>
/// <param name="Query">The query with its <c>?</c>; empty when there is none.</param>
/// <param name="Parameters">The tool's parameters, JSON text; empty for none.</param>
/// <param name="Body">The body as it came, to which MPP credentials are bound.</param>
/// <param name="Authorization">Values of <c>Authorization</c>.</param>
/// <param name="PaymentSignature">Values of x402's <c>PAYMENT-SIGNATURE</c>.</param>
/// <param name="IdempotencyKeys">Values of <c>Idempotency-Key</c>.</param>
public sealed record SaleRequest(
    string Tool, string Query, string Parameters, ReadOnlyMemory<byte> Body, IReadOnlyList<string> Authorization, IReadOnlyList<string> PaymentSignature, IReadOnlyList<string> IdempotencyKeys)
{
    /// <summary>Values of <c>Payment-Session</c>: the channel that the client wants to pay over.</summary>
    public IReadOnlyList<string> PaymentSession { get; init; } = [];

    /// <summary>A POST without a body.</summary>
    public bool IsBarePost { get; init; }
}

/// <summary>What it is answered with.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Headers">Headers; a name may come more than once.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">The body.</param>
public sealed record SaleAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, string ContentType, ReadOnlyMemory<byte> Body)
{
    /// <summary>Instead of the body: text that is sent piece by piece, as it comes. It must be read to its end or cancelled.</summary>
    public IAsyncEnumerable<string>? Stream { get; init; }
}
