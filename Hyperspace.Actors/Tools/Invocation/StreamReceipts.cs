using Google.Protobuf;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Tools.Invocation;

/// <summary>
/// The receipts of one stream as its payer gets them, each over what was spent by then: the one over the most is what the
/// stream is rated by. Others' and false ones are left out. Safe for concurrent use: vouchers are answered while tokens come.
/// </summary>
/// <param name="payee">Who is paid: a peer id.</param>
/// <param name="payer">Who pays.</param>
/// <param name="requestId">The stream.</param>
/// <param name="most">What the stream may cost; a receipt over more is not true.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamReceipts(string payee, string payer, string requestId, Amount most, TimeProvider time)
{
    private readonly Lock _gate = new();
    private HeldReceipt? _best;

    /// <summary>The envelope of the receipt over the most; null when none came.</summary>
    public byte[]? Best
    {
        get
        {
            lock (_gate)
            {
                return _best?.Bytes.ToArray();
            }
        }
    }

    /// <summary>Takes what the provider sent as its receipt; empty when it sent none.</summary>
    public void Offer(ByteString sent)
    {
        var now = time.GetUtcNow();
        if (sent.IsEmpty || Ratings.ReadReceipt(sent.Memory, out _) is not { } receipt || !Ratings.IsOf(receipt, now, now)
            || receipt.Payee != payee || receipt.Content.Payer != payer || receipt.Content.RequestId != requestId
            || receipt.Content.AmountMicro > most.MicroUnits || receipt.Content.Currency != most.Currency.ToString())
        {
            return;
        }

        lock (_gate)
        {
            _best = _best is null || receipt.Content.AmountMicro > _best.Content.AmountMicro ? receipt : _best;
        }
    }
}
