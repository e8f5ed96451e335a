using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Engine;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>How channels are written into the payments journal (<c>journal.proto</c>).</summary>
internal static class ChannelJournal
{
    /// <summary>Events and snapshots of both sides and of the list of channels.</summary>
    public static JournalFormat Format { get; } = new JournalFormat()
        .Map<PayerChannelEvents.Proposed, Journal.ChannelProposed>(
            "channel-proposed:1",
            e => new() { PayeePeerId = e.PayeePeerId, Terms = e.Terms.ToByteString(), Funded = e.Funded },
            m => new(m.PayeePeerId, ChannelTerms.Parser.ParseFrom(m.Terms), m.Funded))
        .Map<PayerChannelEvents.Confirmed, Journal.ChannelConfirmed>("channel-confirmed:1", _ => new(), _ => new())
        .Map<PayerChannelEvents.Withdrawn, Journal.ChannelWithdrawn>("channel-withdrawn:1", _ => new(), _ => new())
        .Map<PayerChannelEvents.VoucherIssued, Journal.VoucherIssued>("voucher-issued:1", ToMessage, ToRecord)
        .Map<PayerChannelEvents.Resolved, Journal.PaymentResolved>(
            "payment-resolved:1",
            e => new() { RequestId = e.RequestId, Accepted = e.Accepted, HeldMicro = e.HeldMicro, CostMicro = e.CostMicro },
            m => new(m.RequestId, m.Accepted, m.HeldMicro, m.CostMicro))
        .Map<PayerChannelEvents.VoucherRaised, Journal.VoucherRaised>(
            "voucher-raised:1", e => new() { RequestId = e.RequestId, ByMicro = e.ByMicro, CumulativeMicro = e.CumulativeMicro }, m => new(m.RequestId, m.ByMicro, m.CumulativeMicro))
        .Map<PayerChannelEvents.TopUpBegun, Journal.TopUpBegun>("top-up-begun:1", e => new() { DepositMicro = e.DepositMicro }, m => new(m.DepositMicro))
        .Map<PayerChannelEvents.TopUpEnded, Journal.TopUpEnded>("top-up-ended:1", e => new() { DepositMicro = e.DepositMicro }, m => new(m.DepositMicro))
        .Map<PayerChannelEvents.ClosingBegun, Journal.PayerClosingBegun>("payer-closing-begun:1", _ => new(), _ => new())
        .Map<PayerChannelEvents.ClosingRefused, Journal.PayerClosingRefused>("payer-closing-refused:1", e => new() { Reason = e.Reason }, m => new(m.Reason))
        .Map<PayerChannelEvents.Closed, Journal.PayerClosed>(
            "payer-closed:1", e => new() { SettledMicro = e.SettledMicro, RefundedMicro = e.RefundedMicro }, m => new(m.SettledMicro, m.RefundedMicro))
        .Map<PayerChannelSnapshot, Journal.PayerSnapshot>("payer-snapshot:1", ToMessage, ToRecord)
        .Map<ChannelBatch, Journal.ChannelBatch>(
            "channel-batch:1",
            b => new() { Events = { b.Events.Select(e => new Journal.BatchedEvent { Manifest = Format!.ManifestOf(e), Event = UnsafeByteOperations.UnsafeWrap(Format.ToBytes(e)) }) } },
            m => new(m.Events.Select(e => Format!.FromBytes(e.Manifest, e.Event.ToByteArray())).ToList()))
        .Map<PayeeChannelEvents.Opened, Journal.ChannelOpened>(
            "channel-opened:1",
            e => new() { PayerPeerId = e.PayerPeerId, Terms = e.Terms.ToByteString(), OnChain = e.OnChain, DepositMicro = e.DepositMicro, SettledMicro = e.SettledMicro },
            m => new(m.PayerPeerId, ChannelTerms.Parser.ParseFrom(m.Terms), m.OnChain, m.DepositMicro, m.SettledMicro))
        .Map<PayeeChannelEvents.VoucherTaken, Journal.VoucherTaken>(
            "voucher-taken:1",
            e => new() { RequestId = e.RequestId, PriceMicro = e.PriceMicro, CumulativeMicro = e.CumulativeMicro, Signature = e.Signature, Memo = e.Memo ?? "" },
            m => new(m.RequestId, m.PriceMicro, m.CumulativeMicro, m.Signature, OrNull(m.Memo)))
        .Map<PayeeChannelEvents.Spent, Journal.BalanceSpent>(
            "balance-spent:1",
            e => new() { RequestId = e.RequestId, AmountMicro = e.AmountMicro, Memo = e.Memo ?? "" },
            m => new(m.RequestId, m.AmountMicro, OrNull(m.Memo)))
        .Map<PayeeChannelEvents.Metered, Journal.StreamMetered>(
            "stream-metered:1",
            e => new() { StreamId = e.StreamId, AmountMicro = e.AmountMicro, TotalMicro = e.TotalMicro },
            m => new(m.StreamId, m.AmountMicro, m.TotalMicro))
        .Map<PayeeChannelEvents.ToppedUp, Journal.DepositRaised>("deposit-raised:1", e => new() { DepositMicro = e.DepositMicro }, m => new(m.DepositMicro))
        .Map<PayeeChannelEvents.SeenOnChain, Journal.SeenOnChain>(
            "seen-on-chain:1",
            e => new() { DepositMicro = e.DepositMicro, SettledMicro = e.SettledMicro, CloseRequestedAt = e.CloseRequestedAt },
            m => new(m.DepositMicro, m.SettledMicro, m.CloseRequestedAt))
        .Map<PayeeChannelEvents.ClosingBegun, Journal.ClosingBegun>(
            "closing-begun:1", e => new() { FinalMicro = e.FinalMicro, Signature = e.Signature }, m => new(m.FinalMicro, m.Signature))
        .Map<PayeeChannelEvents.ClosingFailed, Journal.ClosingFailed>("closing-failed:1", e => new() { Reason = e.Reason }, m => new(m.Reason))
        .Map<PayeeChannelEvents.Closed, Journal.ChannelClosed>(
            "channel-closed:1", e => new() { SettledMicro = e.SettledMicro, RefundedMicro = e.RefundedMicro }, m => new(m.SettledMicro, m.RefundedMicro))
        .Map<PayeeChannelEvents.Delivered, Journal.RequestDelivered>("request-delivered:1", e => new() { RequestId = e.RequestId }, m => new(m.RequestId))
        .Map<PayeeChannelEvents.Voided, Journal.RequestVoided>("request-voided:1", e => new() { RequestId = e.RequestId }, m => new(m.RequestId))
        .Map<PayeeChannelSnapshot, Journal.PayeeSnapshot>("payee-snapshot:1", ToMessage, ToRecord)
        .Map<ChannelListEvents.PayerListed, Journal.PayerListed>("payer-listed:1", e => new() { ChannelKey = e.ChannelKey }, m => new(m.ChannelKey))
        .Map<ChannelListEvents.PayeeAdmitted, Journal.PayeeAdmitted>(
            "payee-admitted:1",
            e => new() { ChannelId = e.ChannelId, PayerPeerId = e.PayerPeerId, Currency = e.Deposit.Currency.Code, DepositMicro = e.Deposit.MicroUnits },
            m => new(m.ChannelId, m.PayerPeerId, new Amount(m.DepositMicro, Currency.Parse(m.Currency))))
        .Map<ChannelListEvents.PayeeReleased, Journal.PayeeReleased>(
            "payee-released:1", e => new() { ChannelId = e.ChannelId, OwedMicro = e.OwedMicro }, m => new(m.ChannelId, m.OwedMicro));

    private static string? OrNull(string text) => text.Length > 0 ? text : null;

    private static Journal.VoucherIssued ToMessage(PayerChannelEvents.VoucherIssued e) =>
        new() { RequestId = e.RequestId, PriceMicro = e.PriceMicro, CumulativeMicro = e.CumulativeMicro, SessionId = e.SessionId ?? "", Memo = e.Memo ?? "" };

    private static PayerChannelEvents.VoucherIssued ToRecord(Journal.VoucherIssued m) => new(m.RequestId, m.PriceMicro, m.CumulativeMicro, OrNull(m.SessionId), OrNull(m.Memo));

    private static Journal.PayerSnapshot ToMessage(PayerChannelSnapshot snapshot)
    {
        var state = snapshot.State;
        return new()
        {
            ChannelKey = state.ChannelKey,
            PayeePeerId = state.PayeePeerId ?? "",
            Terms = state.Terms?.ToByteString() ?? ByteString.Empty,
            Open = state.IsOpen,
            SignedMicro = state.SignedMicro,
            AcceptedMicro = state.AcceptedMicro,
            Vouchers = state.Vouchers,
            Flying = { state.Flying.Values.OrderBy(f => f.CumulativeMicro).Select(ToMessage) },
            Funded = state.Funded,
            DepositMicro = state.DepositMicro,
            ToppingUpMicro = state.ToppingUpMicro,
            Closing = state.IsClosing,
            Forgot = state.Requests.Forgot,
            Contradictions = (uint)state.Contradictions,
            Used =
            {
                state.Used.Select(u => new Journal.UsedChannel { Terms = u.Terms.ToByteString(), SignedMicro = u.SignedMicro, AcceptedMicro = u.AcceptedMicro, Vouchers = u.Vouchers, DepositMicro = u.DepositMicro, SettledMicro = u.SettledMicro, Closed = u.IsClosed, Funded = u.Funded }),
            },
            Requests =
            {
                state.Requests.OldestFirst.Select(r => new Journal.PayerRequest
                {
                    RequestId = r.Key, PriceMicro = r.Value.PriceMicro, CumulativeMicro = r.Value.CumulativeMicro, Accepted = r.Value.Accepted, Channel = (uint)r.Value.Channel, LessMicro = r.Value.LessMicro,
                }),
            },
        };
    }

    private static PayerChannelSnapshot ToRecord(Journal.PayerSnapshot m) =>
        ToRecord(m, m.Terms.IsEmpty ? null : ChannelTerms.Parser.ParseFrom(m.Terms), [.. (m.InFlight is null ? m.Flying : m.Flying.Prepend(m.InFlight)).Select(ToRecord)]);

    private static PayerChannelSnapshot ToRecord(Journal.PayerSnapshot m, ChannelTerms? terms, IReadOnlyList<PayerChannelEvents.VoucherIssued> flying) => new(new PayerChannelState(m.ChannelKey)
    {
        PayeePeerId = OrNull(m.PayeePeerId),
        Terms = terms,
        Funded = m.Funded,
        DepositMicro = m.DepositMicro > 0 ? m.DepositMicro : terms?.DepositMicro ?? 0,
        ToppingUpMicro = m.ToppingUpMicro,
        IsClosing = m.Closing,
        IsOpen = m.Open,
        SignedMicro = m.SignedMicro,
        AcceptedMicro = m.AcceptedMicro,
        Vouchers = m.Vouchers,
        Flying = flying.ToImmutableDictionary(f => f.RequestId, StringComparer.Ordinal),
        FlyingMicro = flying.Aggregate(0UL, (sum, f) => sum + f.PriceMicro),
        Contradictions = (int)m.Contradictions,
        Used = [.. m.Used.Select(u => ToRecord(u, ChannelTerms.Parser.ParseFrom(u.Terms)))],
        Requests = m.Requests.Aggregate(
            new RecentRequests<PayerRequest> { Forgot = m.Forgot },
            (requests, r) => requests.With(r.RequestId, new PayerRequest(r.PriceMicro, r.CumulativeMicro, r.Accepted, (int)r.Channel, r.LessMicro))),
    });

    private static UsedChannel ToRecord(Journal.UsedChannel m, ChannelTerms terms) =>
        new(terms, m.SignedMicro, m.AcceptedMicro, m.Vouchers, m.DepositMicro > 0 ? m.DepositMicro : terms.DepositMicro, m.SettledMicro, m.Closed, m.Funded);

    private static Journal.PayeeSnapshot ToMessage(PayeeChannelSnapshot snapshot)
    {
        var state = snapshot.State;
        return new()
        {
            ChannelId = state.ChannelId,
            PayerPeerId = state.PayerPeerId,
            Terms = state.Terms?.ToByteString() ?? ByteString.Empty,
            AcceptedMicro = state.AcceptedMicro,
            SpentMicro = state.SpentMicro,
            Vouchers = state.Vouchers,
            HighestSignature = state.HighestSignature,
            VoidedSinceVoucher = (uint)state.VoidedSinceVoucher,
            DepositMicro = state.DepositMicro,
            OnChain = state.OnChain,
            SettledMicro = state.SettledMicro,
            CloseRequestedAt = state.CloseRequestedAt,
            Phase = (uint)state.Phase,
            FinalMicro = state.FinalMicro,
            FinalSignature = state.FinalSignature,
            ClosingProblem = state.ClosingProblem ?? "",
            RefundedMicro = state.RefundedMicro,
            ClosingAttempts = (uint)state.ClosingAttempts,
            Requests =
            {
                state.Requests.OldestFirst.Select(r => new Journal.PayeeRequest
                {
                    RequestId = r.Key, PriceMicro = r.Value.PriceMicro, CumulativeMicro = r.Value.CumulativeMicro, Delivered = r.Value.IsDelivered,
                }),
            },
        };
    }

    private static PayeeChannelSnapshot ToRecord(Journal.PayeeSnapshot m) => ToRecord(m, m.Terms.IsEmpty ? null : ChannelTerms.Parser.ParseFrom(m.Terms));

    private static PayeeChannelSnapshot ToRecord(Journal.PayeeSnapshot m, ChannelTerms? terms) => new(new PayeeChannelState(m.ChannelId)
    {
        PayerPeerId = m.PayerPeerId,
        Terms = terms,
        DepositMicro = m.DepositMicro > 0 || m.OnChain ? m.DepositMicro : terms?.DepositMicro ?? 0,
        OnChain = m.OnChain,
        SettledMicro = m.SettledMicro,
        CloseRequestedAt = m.CloseRequestedAt,
        Phase = (ChannelPhase)m.Phase,
        FinalMicro = m.FinalMicro,
        FinalSignature = m.FinalSignature,
        ClosingProblem = OrNull(m.ClosingProblem),
        RefundedMicro = m.RefundedMicro,
        ClosingAttempts = (int)m.ClosingAttempts,
        AcceptedMicro = m.AcceptedMicro,
        SpentMicro = m.SpentMicro,
        Vouchers = m.Vouchers,
        HighestSignature = m.HighestSignature,
        VoidedSinceVoucher = (int)m.VoidedSinceVoucher,
        Requests = m.Requests.Aggregate(
            new RecentRequests<PayeeRequest>(),
            (requests, r) => requests.With(r.RequestId, new PayeeRequest(r.PriceMicro, r.CumulativeMicro, r.Delivered))),
    });
}

/// <summary>Several events that one write brought, in their order.</summary>
internal sealed record ChannelBatch(IReadOnlyList<object> Events);

/// <summary>The payer's side as it is written into a snapshot.</summary>
internal sealed record PayerChannelSnapshot(PayerChannelState State);

/// <summary>The payee's side as it is written into a snapshot.</summary>
internal sealed record PayeeChannelSnapshot(PayeeChannelState State);
