using Hyperspace.Actors.Micropayments.Channels;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What an event does to the ledger.</summary>
/// <param name="Book">What is remembered of its entity from now on; null: nothing.</param>
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

    /// <summary>What an event does; null when it does not follow from what was before it.</summary>
    /// <param name="persistenceId">Whose event it is.</param>
    /// <param name="book">What is remembered of that entity.</param>
    /// <param name="happened">The event.</param>
    public static Posting? Of(string persistenceId, Book? book, object happened) => happened switch
    {
        PayeeChannelEvents.Opened e => PayeePostings.Of(persistenceId, e),
        PayerChannelEvents.Proposed e => PayerPostings.Of(book as PayerBook, e),
        ChannelListEvents.PayerListed or ChannelListEvents.PayeeAdmitted or ChannelListEvents.PayeeReleased or LedgerEvents.RoundClosed or LedgerEvents.RoundPublished => Nothing,
        _ => book switch
        {
            PayeeBook payee => PayeePostings.Of(payee, happened),
            PayerBook payer => PayerPostings.Of(payer, happened),
            _ => null,
        },
    };
}
