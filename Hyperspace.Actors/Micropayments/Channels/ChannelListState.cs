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

    /// <summary>A channel that pays this peer, within the payer's credit.</summary>
    public sealed record PayeeAdmitted(string ChannelId, string PayerPeerId, Amount Deposit);
}

/// <summary>All channels of this peer, and how much credit each payer has taken. Immutable and pure.</summary>
internal sealed record ChannelListState
{
    /// <summary>Channels of each side that are kept at most.</summary>
    public const int MaxChannels = 10_000;

    /// <summary>Channels of one payer.</summary>
    public const int MaxPerPayer = 16;

    public ImmutableHashSet<string> PayerKeys { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    public ImmutableHashSet<string> PayeeIds { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    private ImmutableDictionary<(string Payer, Currency Currency), (ulong DepositMicro, int Channels)> Credit { get; init; } =
        ImmutableDictionary<(string, Currency), (ulong, int)>.Empty;

    /// <summary>The event to journal and null, null and a refusal, or neither when it is listed already.</summary>
    public (object? Event, Refusal? Refusal) Decide(ChannelListCommands.ListPayer list) => list switch
    {
        _ when PayerKeys.Contains(list.ChannelKey) => (null, null),
        _ when PayerKeys.Count >= MaxChannels => (null, new Refusal(ErrorCodes.TooLarge, $"This peer pays over {MaxChannels} channels already, which is its limit.")),
        _ => (new ChannelListEvents.PayerListed(list.ChannelKey), null),
    };

    /// <summary>As above; a payer's deposits together may not go over <paramref name="maxCreditMicro"/>.</summary>
    public (object? Event, Refusal? Refusal) Decide(ChannelListCommands.AdmitPayee admit, ulong maxCreditMicro)
    {
        var (depositMicro, channels) = Credit.GetValueOrDefault((admit.PayerPeerId, admit.Deposit.Currency));
        return admit switch
        {
            _ when PayeeIds.Contains(admit.ChannelId) => (null, null),
            _ when PayeeIds.Count >= MaxChannels => (null, Refuse("This peer has as many channels as it keeps; use another provider.")),
            _ when channels >= MaxPerPayer => (null, Refuse($"This payer has {channels} channels to this peer already; go on over one of them.")),
            _ when depositMicro > maxCreditMicro || admit.Deposit.MicroUnits > maxCreditMicro - depositMicro =>
                (null, Refuse($"The payer's channels hold {new Amount(depositMicro, admit.Deposit.Currency)} of credit already, and this peer gives {new Amount(maxCreditMicro, admit.Deposit.Currency)} in all. Go on over an open channel, or settle first.")),
            _ => (new ChannelListEvents.PayeeAdmitted(admit.ChannelId, admit.PayerPeerId, admit.Deposit), null),
        };
    }

    public ChannelListState Apply(object happened)
    {
        switch (happened)
        {
            case ChannelListEvents.PayerListed e:
                return this with { PayerKeys = PayerKeys.Add(e.ChannelKey) };
            case ChannelListEvents.PayeeAdmitted e:
                var payer = (e.PayerPeerId, e.Deposit.Currency);
                var (depositMicro, channels) = Credit.GetValueOrDefault(payer);
                return this with { PayeeIds = PayeeIds.Add(e.ChannelId), Credit = Credit.SetItem(payer, (depositMicro + e.Deposit.MicroUnits, channels + 1)) };
            default:
                throw new ArgumentException($"{happened.GetType().Name} cannot happen to the list of channels.", nameof(happened));
        }
    }

    private static Refusal Refuse(string message) => new(ErrorCodes.ChannelRefused, message);
}
