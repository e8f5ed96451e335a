using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Ledger;

/// <summary>What moves money on a line. The numbers are stored.</summary>
internal enum LineKind
{
    /// <summary>Vouchers came in, or were given back, over a channel that pays this peer.</summary>
    Earned = 1,

    /// <summary>A voucher went out, or came back, over a channel that this peer pays over.</summary>
    Paid = 2,

    /// <summary>What was paid went to a request.</summary>
    Spent = 3,

    /// <summary>An authorization (EIP-3009) was taken or given for one request.</summary>
    Charged = 4,

    /// <summary>A debt was paid on a chain.</summary>
    Settled = 5,

    /// <summary>Money went into an escrow, or came back out of it.</summary>
    Funded = 6,

    /// <summary>A transaction's fee.</summary>
    Fee = 7,
}

/// <summary>A line of an entry: debit (+) or credit (−) of an account, in micro-units (wei for <see cref="Entry.Wei"/>).</summary>
internal readonly record struct EntryLine(LineKind Kind, Account Account, Currency Currency, Int128 Amount);

/// <summary>A balanced entry: its lines sum to zero in each currency, or it does not come to be. No line is zero.</summary>
internal sealed class Entry
{
    /// <summary>Most lines of one entry.</summary>
    public const int MaxLines = 16;

    /// <summary>Longest memo, in characters; longer ones are cut.</summary>
    public const int MaxMemo = 256;

    private Entry(string memo, IReadOnlyList<EntryLine> lines) => (Memo, Lines) = (memo, lines);

    /// <summary>The currency of fees: one unit is one wei, which has no micro-units.</summary>
    public static Currency Wei { get; } = Currency.Parse("WEI");

    /// <summary>What for.</summary>
    public string Memo { get; }

    /// <summary>None of zero; they sum to zero in each currency.</summary>
    public IReadOnlyList<EntryLine> Lines { get; }

    /// <summary>The entry of these lines, in this order; null when all of them are zero.</summary>
    /// <exception cref="InvalidOperationException">They do not balance, or are too many.</exception>
    public static Entry? Of(string memo, params IReadOnlyList<EntryLine> lines)
    {
        var kept = lines.Where(line => line.Amount != 0).ToList();
        var sums = new Dictionary<Currency, Int128>(1);
        foreach (var line in kept)
        {
            sums[line.Currency] = checked(sums.GetValueOrDefault(line.Currency) + line.Amount);
        }

        if (kept.Count > MaxLines || sums.Values.Any(sum => sum != 0))
        {
            throw new InvalidOperationException($"An entry has at most {MaxLines} lines, which sum to zero in each currency: {string.Join("; ", kept)}.");
        }

        return kept.Count == 0 ? null : new Entry(memo.Length <= MaxMemo ? memo : memo[..MaxMemo], kept);
    }

    /// <summary>Two lines: the debit of one account is the credit of the other. A negative amount goes the other way.</summary>
    public static IReadOnlyList<EntryLine> Move(LineKind kind, Currency currency, Int128 amount, Account debit, Account credit) =>
        [new(kind, debit, currency, amount), new(kind, credit, currency, -amount)];
}
