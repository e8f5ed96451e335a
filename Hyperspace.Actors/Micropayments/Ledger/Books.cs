using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// What the ledger remembers of an entity of the payments journal to tell what its next event means. Immutable; stored as JSON in
/// the ledger's own file, which is made anew when its shape changes.
/// </summary>
[JsonDerivedType(typeof(PayeeBook), "payee")]
[JsonDerivedType(typeof(PayerBook), "payer")]
[JsonDerivedType(typeof(IntentBook), "intent")]
[JsonDerivedType(typeof(ChargeBook), "charge")]
[JsonDerivedType(typeof(FetchBook), "fetch")]
internal abstract record Book;

/// <summary>A channel that pays this peer. Amounts are micro-units.</summary>
/// <param name="ChannelId"><c>0x</c> and 64 hex digits.</param>
/// <param name="Payer">Its peer id or address.</param>
/// <param name="Currency">The currency's code.</param>
/// <param name="ChainId">EIP-155 id of its terms.</param>
/// <param name="Token">The token of its terms, 20 bytes in hex.</param>
internal sealed record PayeeBook(string ChannelId, string Payer, string Currency, ulong ChainId, string Token) : Book
{
    public ulong AcceptedMicro { get; init; }

    public ulong SpentMicro { get; init; }

    public long Vouchers { get; init; }

    /// <summary>What the escrow has paid out, once it holds the deposit; on trust, what the closing said.</summary>
    public ulong SettledMicro { get; init; }

    /// <summary>The escrow holds the deposit.</summary>
    public bool OnChain { get; init; }
}

/// <summary>A voucher on its way.</summary>
internal sealed record FlyingVoucher(string RequestId, ulong PriceMicro, string? SessionId, string? Memo);

/// <summary>A channel that this peer pays over. Amounts are micro-units.</summary>
/// <param name="ChannelId"><c>0x</c> and 64 hex digits.</param>
/// <param name="Payee">Its peer id.</param>
/// <param name="Currency">The currency's code.</param>
/// <param name="ChainId">EIP-155 id of its terms.</param>
/// <param name="Token">The token of its terms, 20 bytes in hex.</param>
/// <param name="Escrow">The escrow of its terms, 20 bytes in hex.</param>
/// <param name="Funded">The deposit lies in the escrow.</param>
internal sealed record PayerBook(string ChannelId, string Payee, string Currency, ulong ChainId, string Token, string Escrow, bool Funded) : Book
{
    public bool IsOpen { get; init; }

    public bool IsClosed { get; init; }

    public ulong DepositMicro { get; init; }

    public ulong SignedMicro { get; init; }

    /// <summary>What is known to be owed for good.</summary>
    public ulong AcceptedMicro { get; init; }

    /// <summary>What requests that were paid have cost.</summary>
    public ulong SpentMicro { get; init; }

    public ulong SettledMicro { get; init; }

    public long Vouchers { get; init; }

    /// <summary>In the order in which they were issued.</summary>
    public ImmutableList<FlyingVoucher> Flying { get; init; } = [];

    /// <summary>The channel whose place this one takes once it is open.</summary>
    public PayerBook? Before { get; init; }
}

/// <summary>A transaction that this peer wants and that is not final yet.</summary>
/// <param name="ChainId">EIP-155 id.</param>
internal sealed record IntentBook(ulong ChainId) : Book;

/// <summary>An authorization that counts and is not on chain yet.</summary>
/// <param name="Payer">As <c>eip155:{chainId}:{0x…}</c>.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Token">The token, 20 bytes in hex.</param>
/// <param name="Currency">The currency's code.</param>
/// <param name="Micro">Amount, in micro-units.</param>
internal sealed record ChargeBook(string Payer, ulong ChainId, string Token, string Currency, ulong Micro) : Book;

/// <summary>An authorization that this peer signed for an HTTP server and whose end is not known.</summary>
/// <param name="Payee">As <c>eip155:{chainId}:{0x…}</c>.</param>
/// <param name="ChainId">EIP-155 id.</param>
/// <param name="Token">The token, 20 bytes in hex.</param>
/// <param name="Currency">The currency's code.</param>
/// <param name="Micro">Amount, in micro-units.</param>
/// <param name="SessionId">The session that pays; empty: none.</param>
/// <param name="Resource">What is paid for.</param>
internal sealed record FetchBook(string Payee, ulong ChainId, string Token, string Currency, ulong Micro, string SessionId, string Resource) : Book;
