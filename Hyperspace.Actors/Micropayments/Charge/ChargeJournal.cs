using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Mpp;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Actors.Micropayments.Charge;

/// <summary>How charges are written into the payments journal (<c>charge.proto</c>).</summary>
internal static class ChargeJournal
{
    /// <summary>Events and snapshots of charges and of the list of payers.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<ChargeEvents.Accepted, Journal.ChargeAccepted>("charge-accepted:1", ToMessage, ToRecord)
        .Map<ChargeEvents.Served, Journal.ChargeServed>(
            "charge-served:1",
            e => new() { PaymentId = e.PaymentId, Status = e.Status, BodyHash = e.BodyHash },
            m => new(m.PaymentId, m.Status, m.BodyHash))
        .Map<ChargeEvents.Settled, Journal.ChargeSettled>(
            "charge-settled:1",
            e => new() { PaymentId = e.PaymentId, TransactionHash = e.TransactionHash, FeeWei = e.FeeWei },
            m => new(m.PaymentId, m.TransactionHash, m.FeeWei))
        .Map<ChargeEvents.Failed, Journal.ChargeFailed>("charge-failed:1", e => new() { PaymentId = e.PaymentId, Reason = e.Reason }, m => new(m.PaymentId, m.Reason))
        .Map<ChargeEvents.Retried, Journal.ChargeRetried>("charge-retried:1", e => new() { PaymentId = e.PaymentId }, m => new(m.PaymentId))
        .Map<ChargeSnapshot, Journal.ChargeSnapshot>("charge-snapshot:1", ToMessage, ToRecord)
        .Map<ChargedPayerEvents.Listed, Journal.ChargedPayerListed>("charged-payer-listed:1", e => new() { PayerKey = e.PayerKey }, m => new(m.PayerKey))
        .Map<ChargedPayerEvents.Removed, Journal.ChargedPayerRemoved>("charged-payer-removed:1", e => new() { PayerKey = e.PayerKey }, m => new(m.PayerKey));

    private static Journal.ChargeAccepted ToMessage(ChargeEvents.Accepted e) => ToMessage(e.Authorization, e.Fingerprint, e.IdempotencyKey, e.At);

    private static Journal.ChargeAccepted ToMessage(ChargeAuthorization a, string fingerprint, string? idempotencyKey, DateTimeOffset at) => new()
    {
        ChainId = a.ChainId,
        Token = Bytes(a.Token),
        From = Bytes(a.From),
        To = Bytes(a.To),
        Micro = a.Value.MicroUnits,
        Currency = a.Value.Currency.Code,
        ValidAfter = a.ValidAfter,
        ValidBefore = a.ValidBefore,
        Nonce = Bytes(a.Nonce),
        Signature = Bytes(a.Signature),
        Fingerprint = fingerprint,
        IdempotencyKey = idempotencyKey ?? "",
        AtUnixMs = at.ToUnixTimeMilliseconds(),
    };

    private static ChargeEvents.Accepted ToRecord(Journal.ChargeAccepted m) => new(
        new ChargeAuthorization(m.ChainId, Text(m.Token), Text(m.From), Text(m.To), new Amount(m.Micro, Currency.Parse(m.Currency)), m.ValidAfter, m.ValidBefore, Text(m.Nonce), Text(m.Signature)),
        m.Fingerprint,
        m.IdempotencyKey.Length > 0 ? m.IdempotencyKey : null,
        DateTimeOffset.FromUnixTimeMilliseconds(m.AtUnixMs));

    private static Journal.ChargeSnapshot ToMessage(ChargeSnapshot snapshot) => new()
    {
        PayerKey = snapshot.State.PayerKey,
        SettledMicro = snapshot.State.SettledMicro,
        Payments =
        {
            snapshot.State.Payments.Values.Select(p => new Journal.ChargePayment
            {
                Accepted = ToMessage(p.Authorization, p.Fingerprint, p.IdempotencyKey, p.AcceptedAt),
                Served = p.IsServed,
                Status = p.Status,
                BodyHash = p.BodyHash,
                Settlement = (uint)p.Settlement,
                Attempt = (uint)p.Attempt,
            }),
        },
        Keys = { snapshot.State.Keys.OldestFirst.Select(k => new Journal.ChargeKey { IdempotencyKey = k.Key, PaymentId = k.Value }) },
    };

    // Sums are made again of what they are sums of.
    private static ChargeSnapshot ToRecord(Journal.ChargeSnapshot m)
    {
        var payments = m.Payments.Select(p =>
        {
            var accepted = ToRecord(p.Accepted);
            return new ChargePayment(accepted.Authorization, accepted.Fingerprint, accepted.IdempotencyKey, accepted.At)
            {
                IsServed = p.Served,
                Status = p.Status,
                BodyHash = p.BodyHash,
                Settlement = (Settlement)p.Settlement,
                Attempt = (int)p.Attempt,
            };
        }).ToList();
        var open = payments.Where(p => p.Settlement == Settlement.Open).ToList();
        return new(new ChargeState(m.PayerKey)
        {
            Payments = payments.ToImmutableDictionary(p => p.Authorization.PaymentId, StringComparer.Ordinal),
            Keys = m.Keys.Aggregate(new RecentRequests<string>(), (keys, k) => keys.With(k.IdempotencyKey, k.PaymentId)),
            UnsettledMicro = Sum(open),
            UnsettledOn = open.GroupBy(p => (p.Authorization.ChainId, p.Authorization.Token)).ToImmutableDictionary(g => g.Key, Sum),
            SettledMicro = m.SettledMicro,
            OwedMicro = Sum(payments.Where(p => p.Settlement == Settlement.Failed)),
        });
    }

    private static ulong Sum(IEnumerable<ChargePayment> payments) => payments.Aggregate(0UL, (sum, p) => sum + p.Micro);

    private static ByteString Bytes(string text) => ByteString.CopyFrom(Convert.FromHexString(text.AsSpan(2)));

    private static string Text(ByteString bytes) => EvmText.Of(bytes.Span);
}

/// <summary>The charges of a payer as they are written into a snapshot.</summary>
internal sealed record ChargeSnapshot(ChargeState State);
