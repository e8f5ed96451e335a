using Akka.Actor;
using Akka.Hosting;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <content>Opening at the payee: for a payment that finds no channel, or because someone asks for one.</content>
internal sealed partial class PayerChannelActor
{
    private readonly List<IActorRef> _openers = [];
    private bool _opening;

    private void CommandsOfOpening()
    {
        Command<PayerChannelCommands.Open>(Open);
        Command<TermsTold>(Propose);
        Command<Opened>(_ =>
        {
            ChannelFaults.Hit(ChannelFaults.PayerOpenAnswered);
            _retryAfter = TimeSpan.Zero;
            Commit(new PayerChannelEvents.Confirmed(), () => OpeningEnded(State.View()), OpeningEnded);
        });
        Command<NotOpened>(NotOpen);
        Command<RetryOpening>(_ => ResumeOpening());
    }

    /// <summary>A deposit may lie in the escrow: what was begun is carried on.</summary>
    private void ResumeOpening()
    {
        if (State is { Terms: not null, IsOpen: false, Funded: true } && !_opening)
        {
            _opening = true;
            CallOpen();
        }
    }

    private void Open(PayerChannelCommands.Pay pay, bool anew)
    {
        _opening = true;
        if (anew)
        {
            Commit(State.Propose(pay, _payer.Identity.Wallet.Address.Span, _payer.NewSalt(), _payer.DepositMicro), CallOpen, OpeningEnded);
        }
        else
        {
            CallOpen();
        }
    }

    private void Open(PayerChannelCommands.Open open)
    {
        var refusal = _opening ? new Refusal(ErrorCodes.Conflict, "A channel to this payee is being opened already; list the channels in a moment.") : State.CheckOpening(open);
        if (refusal is not null)
        {
            Sender.Tell(refusal);
            return;
        }

        _opening = true;
        _openers.Add(Sender);
        TermsAsync(open).PipeTo(Self);
    }

    private async Task<object> TermsAsync(PayerChannelCommands.Open open) => await _payer.Payees.TermsAsync(open.PayeePeerId, open.Deposit.Currency.Code, open.ChainId ?? 0).ConfigureAwait(false) switch
    {
        ({ Terms: { } terms, Binding: { } binding }, _) => new TermsTold(open, terms, binding),
        ({ } refused, _) => new NotOpened(new Refusal(ErrorCodes.ChannelRefused, $"The payee gives no terms: {Cut(refused.RefusedMessage)}"), ByPayee: false),
        (null, var failure) => new NotOpened(new Refusal(ErrorCodes.PeerUnreachable, $"The payee could not be asked for its terms: {failure} Nothing was signed; try again."), ByPayee: false),
    };

    private void Propose(TermsTold told)
    {
        var (proposed, refusal) = State.Decide(told.Open, told.Terms, told.Binding, _payer.Identity.Wallet.Address.Span, _payer.NewSalt());
        if (refusal is not null)
        {
            NotOpen(new NotOpened(refusal, ByPayee: false));
        }
        else
        {
            Commit(proposed, CallOpen, OpeningEnded);
        }
    }

    private void CallOpen()
    {
        var (list, key, payee, terms, funded) = (_registry.Get<ActorKeys.Channels>(), State.ChannelKey, State.PayeePeerId!, State.Terms!, State.Funded);
        OpenAsync(list, key, payee, terms, funded).PipeTo(Self, failure: e => new NotOpened(new Refusal(ErrorCodes.Internal, $"The channel could not be opened: {e.Message} Nothing was signed; try again."), ByPayee: false));
    }

    private async Task<object> OpenAsync(IActorRef list, string key, string payee, ChannelTerms terms, bool funded)
    {
        try
        {
            if (await list.Ask<object>(new ChannelListCommands.ListPayer(key), ChannelLimits.AskTimeout).ConfigureAwait(false) is Refusal unlisted)
            {
                return new NotOpened(unlisted, ByPayee: false);
            }
        }
        catch (AskTimeoutException)
        {
            return new NotOpened(new Refusal(ErrorCodes.Timeout, "The list of channels did not answer in time. Nothing was signed; try again."), ByPayee: false);
        }

        if (funded && await _payer.Escrow.OpenAsync(terms).ConfigureAwait(false) is { } unfunded)
        {
            return new NotOpened(unfunded, ByPayee: false, IsUnfunded: EscrowTransactions.IsFinal(unfunded));
        }

        ChannelFaults.Hit(ChannelFaults.PayerFunded);
        return await _payer.Payees.OpenAsync(payee, terms, _payer.Identity.Binding, funded).ConfigureAwait(false) switch
        {
            ({ Standing: { Known: true, Open: true } }, _) => new Opened(),
            ({ } refused, _) => new NotOpened(new Refusal(ErrorCodes.ChannelRefused, $"The payee does not open a channel: {Cut(refused.RefusedMessage)} Nothing was signed."), ByPayee: true),
            (null, var failure) => new NotOpened(new Refusal(ErrorCodes.PeerUnreachable, $"The payee could not be asked to open a channel: {failure} Nothing was signed; try again."), ByPayee: false),
        };
    }

    private void NotOpen(NotOpened failed)
    {
        if (State.Funded && !State.IsOpen && !failed.IsUnfunded)
        {
            // The deposit lies in the escrow, or may soon: the payee is asked until it opens.
            OpeningEnded(failed.Refusal);
            Retry(new RetryOpening());
        }
        else if ((failed.ByPayee || failed.IsUnfunded) && State.Terms is not null)
        {
            Commit(new PayerChannelEvents.Withdrawn(), () => OpeningEnded(failed.Refusal), OpeningEnded);
        }
        else
        {
            OpeningEnded(failed.Refusal);
        }
    }

    private void OpeningEnded(object outcome)
    {
        _opening = false;
        _openers.ForEach(opener => opener.Tell(outcome));
        _openers.Clear();
        if (outcome is Refusal refusal)
        {
            RefuseWaiting(refusal);
        }

        Next();
    }

    private static string Cut(string text) => text.Length <= 500 ? text : text[..500];

    private sealed record TermsTold(PayerChannelCommands.Open Open, PaymentTerms Terms, IdentityBinding Binding);

    private sealed record Opened;

    private sealed record NotOpened(Refusal Refusal, bool ByPayee, bool IsUnfunded = false);

    private sealed record RetryOpening : INotInfluenceReceiveTimeout;
}
