using System.Globalization;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>
/// An account of the ledger, by its name. A positive balance (debit) is what this peer has, is owed, or has spent; a negative
/// one (credit) what it owes or has earned.
/// </summary>
internal readonly record struct Account
{
    /// <summary>Longest name, in characters.</summary>
    public const int MaxLength = 256;

    /// <summary>What begins the name of a <see cref="Peer"/>.</summary>
    public const string PeerPrefix = "peer:";

    private Account(string name) => Name = name;

    /// <summary>The name, as <c>peer:12D3KooW…</c>.</summary>
    public string Name { get; }

    /// <summary>All that was earned (credit).</summary>
    public static Account Income { get; } = new("income");

    /// <summary>What was spent outside any session (debit).</summary>
    public static Account Expense { get; } = new("expense");

    /// <summary>What a counterparty owes this peer (+) or is owed by it (−).</summary>
    /// <param name="counterparty">A peer id, or <c>eip155:{chainId}:{0x…}</c> of one that is known by its address only.</param>
    public static Account Peer(string counterparty) => Of(PeerPrefix, counterparty);

    /// <summary>
    /// A channel's clearing account. Of one that pays this peer: what was paid in advance and is not used yet (−). Of one that
    /// this peer pays over: the voucher on its way, and what the payee holds without having said so (+).
    /// </summary>
    /// <param name="channelId"><c>0x</c> and 64 hex digits.</param>
    public static Account Channel(string channelId) => Of("channel:", channelId);

    /// <summary>What a session has spent (+).</summary>
    public static Account Session(string sessionId) => Of("session:", sessionId);

    /// <summary>This peer's deposits in an escrow contract (+).</summary>
    /// <param name="chainId">EIP-155 id.</param>
    /// <param name="address">The contract, 20 bytes.</param>
    public static Account Escrow(ulong chainId, ReadOnlySpan<byte> address) => Of("escrow:", Hex(chainId, address));

    /// <summary>What came into (+) and went out of (−) this peer's wallet through its own dealings.</summary>
    /// <param name="chainId">EIP-155 id.</param>
    /// <param name="token">The token's contract, 20 bytes.</param>
    public static Account Wallet(ulong chainId, ReadOnlySpan<byte> token) => Of("wallet:", Hex(chainId, token));

    /// <summary>As <see cref="Wallet(ulong, ReadOnlySpan{byte})"/>, in the chain's own coin (<c>WEI</c>).</summary>
    public static Account Wallet(ulong chainId) => Of("wallet:", string.Create(CultureInfo.InvariantCulture, $"{chainId}:native"));

    /// <summary>Fees of transactions (+), in <c>WEI</c>.</summary>
    public static Account Gas(ulong chainId) => Of("gas:", chainId.ToString(CultureInfo.InvariantCulture));

    /// <summary>What an account is named by that is known by its address only: <c>eip155:{chainId}:{0x…}</c>.</summary>
    public static string AddressOf(ulong chainId, ReadOnlySpan<byte> address) => "eip155:" + Hex(chainId, address);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static Account Of(string prefix, string rest) => rest.Length is > 0 and <= MaxLength - 16
        ? new Account(prefix + rest)
        : throw new ArgumentException($"An account's name has at most {MaxLength} characters, and something behind its prefix.", nameof(rest));

    private static string Hex(ulong chainId, ReadOnlySpan<byte> address) =>
        string.Create(CultureInfo.InvariantCulture, $"{chainId}:0x{Convert.ToHexStringLower(address)}");
}
