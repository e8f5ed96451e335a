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
    string Tool, string Query, string Parameters, ReadOnlyMemory<byte> Body, IReadOnlyList<string> Authorization, IReadOnlyList<string> PaymentSignature, IReadOnlyList<string> IdempotencyKeys);

/// <summary>What it is answered with.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Headers">Headers; a name may come more than once.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Body">The body.</param>
public sealed record SaleAnswer(int Status, IReadOnlyList<(string Name, string Value)> Headers, string ContentType, ReadOnlyMemory<byte> Body);
