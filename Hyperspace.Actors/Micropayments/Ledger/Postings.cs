using System.Globalization;
using System.Numerics;
using Hyperspace.Actors.Chain;
using Hyperspace.Actors.Micropayments.Bridge;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Actors.Micropayments.Fetch;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What an event does to the ledger.</summary>
/// <param name="Book">What is remembered from now on of what it happened to; null: nothing.</param>
/// <param name="Entry">The money that it moves; null: none.</param>
/// <param name="Closed">A book that is kept beside the entity's own, because another channel has taken its place.</param>
internal sealed record Posting(Book? Book, Entry? Entry = null, PayerBook? Closed = null);

/// <summary>
/// From the events of the payments journal to entries. Pure and total: an event that cannot be placed is null, and is counted
/// instead of being guessed at.
/// </summary>
internal static class Postings
{
    private static readonly Posting Nothing = new((Book?)null);

    /// <summary>What the book of an event is kept under: its entity's id, or that of one of the many things that the entity looks after.</summary>
    public static string BookIdOf(string persistenceId, object happened) => happened is IChainEvent intent ? $"{persistenceId}/{intent.IntentId}"
        : happened is IFetchEvent fetch ? string.Create(CultureInfo.InvariantCulture, $"{persistenceId}/{fetch.Key}/{fetch.Number}")
        : ChargePostings.PaymentOf(happened) is { } payment ? $"{persistenceId}/{payment}"
        : persistenceId;

    /// <summary>What an event does; null when it does not follow from what was before it.</summary>
    /// <param name="persistenceId">Whose event it is.</param>
    /// <param name="book">What is remembered under <see cref="BookIdOf"/>.</param>
    /// <param name="happened">The event.</param>
    public static Posting? Of(string persistenceId, Book? book, object happened) => happened switch
    {
        PayeeChannelEvents.Opened e => PayeePostings.Of(persistenceId, e),
        PayerChannelEvents.Proposed e => PayerPostings.Of(book as PayerBook, e),
        ChainEvents.Submitted e => new Posting(new IntentBook(e.ChainId)),
        FetchEvents.Authorized e => FetchPostings.Of(e),
        ChargeEvents.Accepted or ChargeEvents.Served => ChargePostings.Of(book as ChargeBook, happened),

        // What a transfer to another chain moves is told by the two channels.
        ITransferEvent => Nothing,
        ChannelListEvents.PayerListed or ChannelListEvents.PayeeAdmitted or ChannelListEvents.PayeeReleased => Nothing,
        ChargedPayerEvents.Listed or ChargedPayerEvents.Removed or LedgerEvents.RoundClosed or LedgerEvents.RoundPublished => Nothing,
        _ => book switch
        {
            PayeeBook payee => PayeePostings.Of(payee, happened),
            PayerBook payer => PayerPostings.Of(payer, happened),
            IntentBook intent => Of(intent, happened),
            ChargeBook charge => ChargePostings.Of(charge, happened),
            FetchBook fetch => FetchPostings.Of(fetch, happened),
            _ => null,
        },
    };

    /// <summary>What a transaction moves is told by those who wanted it; its own is the fee, also when it was reverted.</summary>
    private static Posting? Of(IntentBook intent, object happened) => happened switch
    {
        ChainEvents.Signed => new Posting(intent),
        ChainEvents.Executed e when e.FeeWei <= (BigInteger)Int128.MaxValue => new Posting(
            null, Entry.Of(e.IntentId, Entry.Move(LineKind.Fee, Entry.Wei, (Int128)e.FeeWei, Account.Gas(intent.ChainId), Account.Wallet(intent.ChainId)))),
        ChainEvents.Rejected => Nothing,
        _ => null,
    };
}
