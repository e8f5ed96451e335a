using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Channels.Model;

/// <content>Opening, topping up, closing, the chain, and what must hold.</content>
internal sealed partial class World
{
    private void Open()
    {
        if (Payer is { IsOpen: false, Terms: not null })
        {
            _payer.Commit(null, CallOpen);
        }
    }

    private void CallOpen()
    {
        if (_onChain)
        {
            _chain.Send(new EscrowModel.Transaction("open", EscrowModel.Kind.Open, Payer.DepositMicro));
            _chain.Mine(_random);
        }

        _network.Add(() =>
        {
            object? opened = Payee.Terms is not null ? null : _onChain
                ? Payee.Decide(new PayeeChannelCommands.OpenOnChain(ChannelPair.ChannelId, ChannelPair.Terms.ChainId, ChannelDomain.Native), ChannelPair.PayeeTerms, _chain.Read()).Event
                : new PayeeChannelEvents.Opened(_payerId, ChannelPair.Terms);
            _payee.Commit(opened, () => _network.Add(() =>
            {
                if (Payee is { Terms: not null, Phase: ChannelPhase.Open } && Payer is { IsOpen: false, Terms: not null })
                {
                    _payer.Commit(new PayerChannelEvents.Confirmed(), () => { });
                }
            }));
        });
    }

    private void TopUp()
    {
        var to = Payer.ToppingUpMicro > 0 ? Payer.ToppingUpMicro : Payer.DepositMicro + (ulong)_random.Next(1, 300);
        var (begun, refusal) = Payer.Decide(new PayerChannelCommands.TopUp(ChannelPair.Key, to));
        if (refusal is null)
        {
            _payer.Commit(begun, SendTopUp);
        }
    }

    private void SendTopUp()
    {
        var to = Payer.ToppingUpMicro;
        if (to == 0)
        {
            return;
        }

        if (_chain.HasReverted($"top-up-{to}"))
        {
            _payer.Commit(new PayerChannelEvents.TopUpEnded(Payer.DepositMicro), () => { });
            return;
        }

        if (_onChain)
        {
            _chain.Send(new EscrowModel.Transaction($"top-up-{to}", EscrowModel.Kind.TopUp, to - Payer.DepositMicro));
        }

        _network.Add(() =>
        {
            if (_onChain)
            {
                _payee.Commit(Payee.See(_chain.Read()).Event, () => { });
            }

            var decision = Payee.Decide(new PayeeChannelCommands.TopUp(ChannelPair.ChannelId, _payerId, to));
            _payee.Commit(decision.Event, () => _network.Add(() =>
            {
                // A refusal on chain may be of a moment before the transaction: it is asked again.
                if (Payer.ToppingUpMicro == to && decision.Reply is PayeeChannelView view && view.Deposit.MicroUnits >= to)
                {
                    _payer.Commit(new PayerChannelEvents.TopUpEnded(to), () => { });
                }
            }));
        });
    }

    private void Close()
    {
        var (begun, refusal) = Payer.Decide(new PayerChannelCommands.Close(ChannelPair.Key));
        if (refusal is null)
        {
            _payer.Commit(begun, () => { });
            _payer.Commit(null, SendClose);
        }
    }

    private void SendClose()
    {
        if (Payer is not { IsClosing: true, Flying.IsEmpty: true })
        {
            return;
        }

        var final = Payer.FinalMicro(0);
        _network.Add(() =>
        {
            var decision = Payee.Decide(new PayeeChannelCommands.Close(ChannelPair.ChannelId, _payerId, Signed(final)), "payee");
            if (decision.Reply is VoucherRefused { Required: { } required })
            {
                final = Math.Max(final, Payer.FinalMicro(required.MicroUnits));
                decision = Payee.Decide(new PayeeChannelCommands.Close(ChannelPair.ChannelId, _payerId, Signed(final)), "payee");
            }

            _payee.Commit(decision.Event, () =>
            {
                SubmitClose();
                if (decision.Reply is PayeeChannelView view)
                {
                    _network.Add(() => ToldOfClosing(view));
                }
            });
        });
    }

    private void ToldOfClosing(PayeeChannelView view)
    {
        if (Payer is { IsClosing: true, Flying.IsEmpty: true } && Payer.End(Standing(view)) is { } closed)
        {
            _payer.Commit(closed, () => { });
        }
    }

    private void SubmitClose()
    {
        if (_onChain && Payee.Phase == ChannelPhase.Closing)
        {
            _chain.Send(new EscrowModel.Transaction($"close-{Payee.ClosingAttempts}", EscrowModel.Kind.Close, Payee.FinalMicro));
        }
    }

    private void Chain()
    {
        switch (_random.Next(9))
        {
            case < 3:
                _chain.Mine(_random);
                break;
            case 3:
                _chain.Reorganise(_random);
                break;
            case 4:
                _chain.Pass();
                break;
            case 5 or 6:
                Watch();
                break;
            case 7 when Payer.IsOpen && _random.Next(4) == 0:
                _forced = true;
                _chain.Send(new EscrowModel.Transaction("request-close", EscrowModel.Kind.RequestClose, 0));
                break;
            case 8 when _chain.Now.CloseRequestedAt > 0:
                Watch();
                break;
            default:
                break;
        }
    }

    /// <summary>The payee looks at the escrow; when the payer asks to close, it settles what it has.</summary>
    private void Watch()
    {
        if (Payee.Terms is null)
        {
            return;
        }

        if (Payee is { Phase: ChannelPhase.Closing, ClosingProblem: null } && _chain.HasReverted($"close-{Payee.ClosingAttempts}"))
        {
            _payee.Commit(new PayeeChannelEvents.ClosingFailed("reverted"), () => { });
        }

        var seen = Payee.See(_chain.Read());
        _payee.Commit(seen.Event, () =>
        {
            SubmitClose();
            if (Payee is { CloseRequestedAt: > 0, Phase: ChannelPhase.Open } && Payee.AcceptedMicro > Payee.SettledMicro)
            {
                _chain.Send(new EscrowModel.Transaction($"settle-{Payee.AcceptedMicro}", EscrowModel.Kind.Settle, Payee.AcceptedMicro));
            }
        });
    }

    /// <summary>Everything arrives, everything is mined, and the channel is closed.</summary>
    private void Quiesce()
    {
        for (var round = 0; round < 12 && !IsOver; round++)
        {
            Settled();
            Open();
            Settled();
            SendTopUp();
            AskAll();
            Settled();
            SendTopUp();
            Settled();
            Close();
            SendClose();
            Settled();
            if (_forced && round > 0)
            {
                _chain.Send(new EscrowModel.Transaction(round % 2 == 0 ? $"withdraw-{round}" : $"request-close-{round}", round % 2 == 0 ? EscrowModel.Kind.Withdraw : EscrowModel.Kind.RequestClose, 0));
            }

            for (var i = 0; i < EscrowModel.Grace; i++)
            {
                _chain.Pass();
            }
        }

        Settled();
        Assert.True(IsOver || Payee.Terms is null, $"The channel did not come to its end: {_chain.Now}, payer {Payer with { Requests = new() }}, payee {Payee with { Requests = new() }}");
    }

    private bool IsOver => Payee.Phase == ChannelPhase.Closed && (Payer.Terms is null || _forced);

    private void Settled()
    {
        do
        {
            _payer.Write();
            _payee.Write();
            while (_network.Count > 0)
            {
                Deliver();
                _payer.Write();
                _payee.Write();
            }

            _chain.Mine(_random);
            if (_onChain)
            {
                Watch();
            }

            _payer.Write();
            _payee.Write();
        }
        while (_network.Count > 0 || !_chain.IsQuiet);
    }

    private void Check()
    {
        Assert.True(Payee.AcceptedMicro <= SignedEver, "The payee holds more than was ever signed");
        Assert.True(Payee.SpentMicro <= Payee.AcceptedMicro, "More was spent than accepted");

        // Also right after a crash: what was served was in the journal.
        Assert.True(_servedMicro <= Payee.SpentMicro, "Something was served for nothing");
        if (_onChain)
        {
            var chain = _chain.Now;
            Assert.Equal(Tokens, chain.Payer + chain.Payee + chain.Held);
            Assert.True(chain.Settled <= SignedEver, "More was settled than signed");
            Assert.True(chain.Settled <= chain.Deposit, "More was settled than deposited");
        }
        else
        {
            Assert.True(Payee.AcceptedMicro <= Payee.DepositMicro, "More was accepted than deposited");
            Assert.True(Payee.DepositMicro <= Math.Max(Payer.DepositMicro, Math.Max(Payer.ToppingUpMicro, _payer.State.Used.Sum(u => (decimal)u.DepositMicro) is var used ? (ulong)used : 0)), "A deposit that nobody stated");
        }
    }

    /// <summary>The highest voucher that the payer's journal knows of, in this channel's life.</summary>
    private ulong SignedEver => Payer.Used.IsEmpty ? Payer.SignedMicro : Payer.Used[^1].SignedMicro;

    private void CheckEnd()
    {
        if (Payee.Terms is null)
        {
            return;
        }

        Assert.Equal(Payee.DepositMicro, Payee.SettledMicro + Payee.RefundedMicro);
        Assert.True(Payee.SettledMicro >= Payee.SpentMicro, "The payee got less than was spent");
        if (_onChain)
        {
            Assert.Equal((Tokens - _chain.Now.Settled, _chain.Now.Settled), (_chain.Now.Payer, _chain.Now.Payee));
            Assert.Equal(_chain.Now.Settled, Payee.SettledMicro);
        }

        if (!_forced)
        {
            var closed = Assert.Single(Payer.Used);
            Assert.Equal((Payee.SpentMicro, Payee.SpentMicro, Payee.DepositMicro), (closed.SettledMicro, closed.AcceptedMicro, closed.DepositMicro));
            Assert.Equal(Payee.SettledMicro, closed.SettledMicro);
            foreach (var (requestId, accepted) in _settledByPayer)
            {
                Assert.Equal(accepted, Payee.Requests.TryGet(requestId, out var request) && !request.IsVoided);
            }
        }
    }
}
