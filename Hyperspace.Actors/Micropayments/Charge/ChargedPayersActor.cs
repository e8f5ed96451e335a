using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>What happened to the list of payers.</summary>
internal static class ChargedPayerEvents
{
    /// <summary>Something of this payer may be open.</summary>
    public sealed record Listed(string PayerKey);

    /// <summary>Nothing of it is.</summary>
    public sealed record Removed(string PayerKey);
}

/// <summary>
/// Which payers have charges open (one entity of a region of its own), so that a peer that starts again settles what is due
/// though nobody asks for it.
/// </summary>
internal sealed class ChargedPayersActor : JournaledActor
{
    /// <summary>The one entity's id.</summary>
    public const string EntityId = "payers";

    private readonly HashSet<string> _payers = new(StringComparer.Ordinal);

    public ChargedPayersActor(IReadOnlyActorRegistry registry)
        : base("charged-payers", Journals.Payments)
    {
        Recover<ChargedPayerEvents.Listed>(e => _payers.Add(e.PayerKey));
        Recover<ChargedPayerEvents.Removed>(e => _payers.Remove(e.PayerKey));
        Command<ChargedPayerCommands.List>(list => Carry(list.PayerKey, _payers.Contains(list.PayerKey) ? null : new ChargedPayerEvents.Listed(list.PayerKey)));
        Command<ChargedPayerCommands.Remove>(remove => Carry(remove.PayerKey, _payers.Contains(remove.PayerKey) ? new ChargedPayerEvents.Removed(remove.PayerKey) : null));
        Command<ChargedPayerCommands.Wake>(_ =>
        {
            var charges = registry.Get<ActorKeys.Charges>();
            foreach (var payer in _payers)
            {
                charges.Tell(new ChargeCommands.Get(payer));
            }

            Sender.Tell(new ChargedPayers([.. _payers.Order(StringComparer.Ordinal)]));
        });
        Command<ChargeView>(_ => { });
        Command<StopEntity>(_ => Context.Stop(Self));
    }

    protected override object Unwritten => JournalRefusals.Payments;

    private void Carry(string payerKey, object? happening)
    {
        if (happening is null)
        {
            Sender.Tell(new ChargedPayerListed(payerKey));
            return;
        }

        Persist(happening, happened =>
        {
            _ = happened is ChargedPayerEvents.Listed ? _payers.Add(payerKey) : _payers.Remove(payerKey);
            Sender.Tell(new ChargedPayerListed(payerKey));
        });
    }
}
