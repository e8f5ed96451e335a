using Hyperspace.Actors.Chain;

namespace Hyperspace.Tests.Micropayments.Channels.Model;

/// <summary>
/// The escrow contract, both token balances and a chain that forgets its last blocks: each transaction is a block, and the
/// last <see cref="Reorganisable"/> may be undone, whereupon their transactions wait to be mined again in another order.
/// </summary>
internal sealed class EscrowModel(ulong payerTokens, ReadOnlyMemory<byte> payer, ReadOnlyMemory<byte> payee, ReadOnlyMemory<byte> token)
{
    public const int Reorganisable = 2;
    public const int Grace = 6;
    private readonly List<(State Before, Transaction Mined, bool Reverted)> _blocks = [];
    private readonly List<Transaction> _waiting = [];
    private readonly HashSet<string> _intents = new(StringComparer.Ordinal);
    private int _final;

    public enum Kind
    {
        Open,
        TopUp,
        Settle,
        Close,
        RequestClose,
        Withdraw,
        Pass,
    }

    /// <param name="Intent">The same wish is sent once.</param>
    /// <param name="Kind">What it does.</param>
    /// <param name="Micro">Deposit added, or cumulative amount of the voucher.</param>
    public sealed record Transaction(string Intent, Kind Kind, ulong Micro);

    public State Now { get; private set; } = new(payerTokens, 0, false, 0, 0, 0, false);

    public bool IsQuiet => _waiting.Count == 0;

    public readonly record struct State(ulong Payer, ulong Payee, bool Opened, ulong Deposit, ulong Settled, int CloseRequestedAt, bool Finalized)
    {
        public ulong Held => Opened && !Finalized ? Deposit - Settled : 0;
    }

    public void Send(Transaction transaction)
    {
        if (_intents.Add(transaction.Intent))
        {
            _waiting.Add(transaction);
        }
    }

    /// <summary>Mines one of those that wait; one that reverts changes nothing.</summary>
    public void Mine(Random random)
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        // An account's transactions are executed in the order of their nonces.
        var payees = _waiting.Find(t => IsPayees(t.Kind));
        var payers = _waiting.Find(t => !IsPayees(t.Kind));
        var mined = payees is not null && (payers is null || random.Next(2) == 0) ? payees : payers!;
        _waiting.Remove(mined);
        Add(mined);
    }

    public void Reorganise(Random random)
    {
        for (var undo = random.Next(1, Reorganisable + 1); undo > 0 && _blocks.Count > _final; undo--)
        {
            var (before, mined, _) = _blocks[^1];
            _blocks.RemoveAt(_blocks.Count - 1);
            Now = before;
            if (mined.Intent.Length > 0)
            {
                _waiting.Insert(0, mined);
            }
        }
    }

    /// <summary>A block without anything of ours: time passes.</summary>
    public void Pass() => Add(new Transaction("", Kind.Pass, 0));

    /// <summary>Whether a wish has failed for good.</summary>
    public bool HasReverted(string intent) => _blocks.Take(_final).Any(block => block.Mined.Intent == intent && block.Reverted);

    public EscrowChannel? Read() => Now.Opened
        ? new EscrowChannel(payer, payee, token, new byte[20], Now.Deposit, Now.Settled, (ulong)Now.CloseRequestedAt, Now.Finalized)
        : null;

    private static bool IsPayees(Kind kind) => kind is Kind.Settle or Kind.Close;

    private void Add(Transaction mined)
    {
        var (before, after) = (Now, Execute(mined));
        _blocks.Add((before, mined, after == before));
        _final = Math.Max(_final, _blocks.Count - Reorganisable);
        Now = after;
    }

    private State Execute(Transaction t)
    {
        var live = Now is { Opened: true, Finalized: false };
        switch (t.Kind)
        {
            case Kind.Open when !Now.Opened && t.Micro <= Now.Payer:
                return Now with { Opened = true, Deposit = t.Micro, Payer = Now.Payer - t.Micro };
            case Kind.TopUp when live && t.Micro <= Now.Payer:
                return Now with { Deposit = Now.Deposit + t.Micro, Payer = Now.Payer - t.Micro, CloseRequestedAt = 0 };
            case Kind.Settle when live && t.Micro > Now.Settled && t.Micro <= Now.Deposit:
                return Now with { Settled = t.Micro, Payee = Now.Payee + t.Micro - Now.Settled };
            case Kind.Close when live && t.Micro <= Now.Deposit:
                var settled = Math.Max(Now.Settled, t.Micro);
                return Now with { Settled = settled, Payee = Now.Payee + settled - Now.Settled, Payer = Now.Payer + Now.Deposit - settled, Finalized = true };
            case Kind.RequestClose when live && Now.CloseRequestedAt == 0:
                return Now with { CloseRequestedAt = _blocks.Count };
            case Kind.Withdraw when live && Now.CloseRequestedAt > 0 && _blocks.Count >= Now.CloseRequestedAt + Grace:
                return Now with { Payer = Now.Payer + Now.Deposit - Now.Settled, Finalized = true };
            default:
                return Now;
        }
    }
}
