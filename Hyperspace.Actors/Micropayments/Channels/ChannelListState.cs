using System.Collections.Immutable;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>What happened to the list of channels.</summary>
internal static class ChannelListEvents
{
    /// <summary>A channel that this peer pays over.</summary>
    public sealed record PayerListed(string ChannelKey);

    /// <summary>A channel that pays this peer takes this much of the payer's credit: nothing when an escrow holds its deposit.</summary>
    public sealed record PayeeAdmitted(string ChannelId, string PayerPeerId, Amount Deposit);

    /// <summary>A channel was closed: this much of its credit is still taken, in micro-units.</summary>
    public sealed record PayeeReleased(string ChannelId, ulong OwedMicro);
}

/// <summary>All channels of this peer, and how much credit each payer has taken. Immutable and pure.</summary>
internal sealed record ChannelListState
{
    /// <summary>Channels of each side that are kept at most.</summary>
    public const int MaxChannels = 10_000;

    /// <summary>Open channels of one payer.</summary>
    public const int MaxPerPayer = 16;

    public ImmutableHashSet<string> PayerKeys { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>Credit that each payee channel takes; a closed one takes what is still owed.</summary>
    private ImmutableDictionary<string, (string Payer, Amount Credit, bool IsOpen)> Payees { get; init; } =
        ImmutableDictionary.Create<string, (string, Amount, bool)>(StringComparer.Ordinal);

    private ImmutableDictionary<(string Payer, Currency Currency), (ulong CreditMicro, int Open)> Credit { get; init; } =
        ImmutableDictionary<(string, Currency), (ulong, int)>.Empty;

    public IEnumerable<string> PayeeIds => Payees.Keys;

    /// <summary>The event to journal and null, null and a refusal, or neither when it is listed already.</summary>
    public (object? Event, Refusal? Refusal) Decide(ChannelListCommands.ListPayer list) => list switch
    {
        _ when PayerKeys.Contains(list.ChannelKey) => (null, null),
        _ when PayerKeys.Count >= MaxChannels => (null, new Refusal(ErrorCodes.TooLarge, $"This peer pays over {MaxChannels} channels already, which is its limit.")),
        _ => (new ChannelListEvents.PayerListed(list.ChannelKey), null),
    };

    /// <summary>As above; a payer's deposits on trust together may not go over <paramref name="maxCreditMicro"/>. A known channel may take more.</summary>
    public (object? Event, Refusal? Refusal) Decide(ChannelListCommands.AdmitPayee admit, ulong maxCreditMicro)
    {
        var (takenMicro, open) = Credit.GetValueOrDefault((admit.PayerPeerId, admit.Deposit.Currency));
        var known = Payees.TryGetValue(admit.ChannelId, out var before);
        var others = takenMicro - (known ? before.Credit.MicroUnits : 0);
        return admit switch
        {
            _ when known && before.Payer != admit.PayerPeerId => (null, Refuse("Another payer has this channel.")),
            _ when known && admit.Deposit.MicroUnits <= before.Credit.MicroUnits => (null, null),
            _ when !known && Payees.Count >= MaxChannels => (null, Refuse("This peer has as many channels as it keeps; use another provider.")),
            _ when !known && open >= MaxPerPayer => (null, Refuse($"This payer has {open} open channels to this peer already; go on over one of them.")),
            { Deposit.IsZero: false } when others > maxCreditMicro || admit.Deposit.MicroUnits > maxCreditMicro - others =>
                (null, Refuse($"The payer's other channels hold {new Amount(others, admit.Deposit.Currency)} of credit already, and this peer gives {new Amount(maxCreditMicro, admit.Deposit.Currency)} in all. Go on over an open channel, or settle first.")),
            _ => (new ChannelListEvents.PayeeAdmitted(admit.ChannelId, admit.PayerPeerId, admit.Deposit), null),
        };
    }

    /// <summary>The event to journal; null when nothing changes.</summary>
    public object? Decide(ChannelListCommands.ReleasePayee release) => Payees.TryGetValue(release.ChannelId, out var known) && known.IsOpen
        ? new ChannelListEvents.PayeeReleased(release.ChannelId, Math.Min(release.OwedMicro, known.Credit.MicroUnits))
        : null;

    public ChannelListState Apply(object happened)
    {
        switch (happened)
        {
            case ChannelListEvents.PayerListed e:
                return this with { PayerKeys = PayerKeys.Add(e.ChannelKey) };
            case ChannelListEvents.PayeeAdmitted e:
                return With(e.ChannelId, e.PayerPeerId, e.Deposit, isOpen: true);
            case ChannelListEvents.PayeeReleased e:
                var (payer, credit, _) = Payees[e.ChannelId];
                return With(e.ChannelId, payer, new Amount(e.OwedMicro, credit.Currency), isOpen: false);
            default:
                throw new ArgumentException($"{happened.GetType().Name} cannot happen to the list of channels.", nameof(happened));
        }
    }

    private ChannelListState With(string channelId, string payer, Amount credit, bool isOpen)
    {
        var (takenMicro, open) = Credit.GetValueOrDefault((payer, credit.Currency));
        var before = Payees.GetValueOrDefault(channelId);
        return this with
        {
            Payees = Payees.SetItem(channelId, (payer, credit, isOpen)),
            Credit = Credit.SetItem((payer, credit.Currency), (takenMicro - before.Credit.MicroUnits + credit.MicroUnits, open - (before.IsOpen ? 1 : 0) + (isOpen ? 1 : 0))),
        };
    }

    private static Refusal Refuse(string message) => new(ErrorCodes.ChannelRefused, message);
}
