using Akka.Actor;
using Akka.Event;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Chain;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>Gets what is due onto its chain.</summary>
internal sealed partial class ChargeActor
{
    private void Settle(IEnumerable<ChargePayment> payments)
    {
        foreach (var payment in payments.Where(p => !_unwritten.Contains(p.Authorization.PaymentId)).OrderBy(p => p.Authorization.ValidBefore))
        {
            if (_settling.Count >= MaxSettling)
            {
                return;
            }

            var id = payment.Authorization.PaymentId;
            if (_settling.Add(id))
            {
                SubmitAsync(payment).PipeTo(Self, success: view => new SettlementNews(id, view, null), failure: e => new SettlementNews(id, null, e.Message));
            }
        }
    }

    /// <summary>Submits the transaction, which the same intent makes safe to do again, and waits a while for its end.</summary>
    private async Task<ChainIntentView> SubmitAsync(ChargePayment payment)
    {
        var chain = _registry.Get<ActorKeys.Chain>();
        var answer = await chain.Ask<object>(ChargeSettlement.Of(payment), _times.Submit);
        if (answer is ChainIntentView { Status: ChainIntentStatus.Pending })
        {
            answer = await chain.Ask<object>(new ChainCommands.Await(payment.IntentId, _times.Await), _times.Await + _times.Submit);
        }

        return answer is ChainIntentView view ? view : throw new InvalidOperationException(answer is Refusal refusal ? refusal.Message : $"The chain answered with {answer.GetType().Name}.");
    }

    private void OnSettlement(SettlementNews news)
    {
        _settling.Remove(news.PaymentId);
        if (news.Failure is not null)
        {
            Log.Warning("A charge of {0} is not settled yet: {1}", _state.PayerKey, news.Failure);
            return;
        }

        switch (_state.Decide(news.PaymentId, news.View!))
        {
            case null:
                // Pending is not a failure: the next look at what is due asks again.
                break;
            case var happening:
                if (happening is ChargeEvents.Failed failed)
                {
                    Log.Warning("A charge of {0} cannot be settled, so it is owed: {1}", _state.PayerKey, failed.Reason);
                }

                Carry(new ChargeDecision(happening, new object()), ActorRefs.Nobody);
                break;
        }
    }

    private void WatchDue()
    {
        if (_state.UnsettledMicro == 0)
        {
            Timers.Cancel(nameof(Tick));
        }
        else if (!Timers.IsTimerActive(nameof(Tick)))
        {
            Timers.StartPeriodicTimer(nameof(Tick), Tick.Instance, _times.Look);
        }
    }
}
