namespace Hyperspace.Actors.Micropayments.Fetch;

/// <summary>An event of the journal of paid fetches.</summary>
internal interface IFetchEvent
{
    /// <summary>The call's idempotency key.</summary>
    string Key { get; }

    /// <summary>Which of the call's authorizations: 1, 2, ….</summary>
    int Number { get; }
}

/// <summary>What is journalled of paid fetches, each before its consequences.</summary>
internal static class FetchEvents
{
    /// <summary>An authorization was signed; it leaves after this is on disk.</summary>
    /// <param name="Key">The call's idempotency key.</param>
    /// <param name="Number">Which of the call's authorizations.</param>
    /// <param name="Fingerprint">Hash of the request, so that the key is not used for another.</param>
    /// <param name="SessionId">The session that set the amount aside.</param>
    /// <param name="ReservationId">As what it did.</param>
    /// <param name="Resource">Origin and path of the URL; what follows a question mark may be a secret.</param>
    /// <param name="Wire">Which wire it was asked by.</param>
    /// <param name="ChainId">EIP-155 id.</param>
    /// <param name="Token">The token's contract.</param>
    /// <param name="Payer">Whose tokens.</param>
    /// <param name="Payee">Who gets them.</param>
    /// <param name="Micro">Token units.</param>
    /// <param name="Currency">Currency code of the ledger.</param>
    /// <param name="Nonce">EIP-3009 nonce.</param>
    /// <param name="ValidBefore">Unix seconds at which it ends.</param>
    /// <param name="Header">Name of the header that carries it.</param>
    /// <param name="Credential">Value of that header, with the challenge that it answers.</param>
    /// <param name="AtMs">When it was signed: Unix milliseconds.</param>
    public sealed record Authorized(
        string Key, int Number, string Fingerprint, string SessionId, string ReservationId, string Resource, string Wire, ulong ChainId, byte[] Token, byte[] Payer, byte[] Payee, ulong Micro, string Currency,
        byte[] Nonce, ulong ValidBefore, string Header, string Credential, long AtMs) : IFetchEvent;

    /// <summary>The server refused it. It may still be handed in until it ends.</summary>
    public sealed record Refused(string Key, int Number) : IFetchEvent;

    /// <summary>It was paid, by the server's word or the chain's.</summary>
    /// <param name="Key">The call's idempotency key.</param>
    /// <param name="Number">Which of the call's authorizations.</param>
    /// <param name="Reference">The server's reference, as a transaction's hash; null when it told none.</param>
    public sealed record Paid(string Key, int Number, string? Reference) : IFetchEvent;

    /// <summary>It has ended and the chain says that it was not used: the amount is free again.</summary>
    public sealed record Unused(string Key, int Number) : IFetchEvent;
}
