using Google.Protobuf;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The payee's side of one channel: <c>accepted</c> is the highest voucher, <c>spent</c> what of it was used for requests,
/// and what is between them is the payer's balance. A request is paid once; a refused voucher changes nothing.
/// Immutable and pure.
/// </summary>
/// <param name="ChannelId">The channel.</param>
/// <param name="Checks">How vouchers are checked; null: by their signatures.</param>
internal sealed partial record PayeeChannelState(string ChannelId, VoucherChecks? Checks = null)
{
    private readonly Lazy<Func<Voucher, bool>>? _isSigned;

    public string PayerPeerId { get; init; } = "";

    /// <summary>Null until the channel is open.</summary>
    public ChannelTerms? Terms
    {
        get;
        init
        {
            field = value;
            _isSigned = value is null ? null : new(() => Checks is { } checks ? checks(ChannelIds.Parse(ChannelId), value) : new VoucherVerifier(ChannelIds.Parse(ChannelId), value).IsSigned);
        }
    }

    /// <summary>What vouchers may come to.</summary>
    public ulong DepositMicro { get; init; }

    /// <summary>The escrow holds the deposit.</summary>
    public bool OnChain { get; init; }

    public ulong AcceptedMicro { get; init; }

    public ulong SpentMicro { get; init; }

    public long Vouchers { get; init; }

    /// <summary>The signature of the highest voucher: with it the payee can claim.</summary>
    public ByteString HighestSignature { get; init; } = ByteString.Empty;

    public int VoidedSinceVoucher { get; init; }

    /// <summary>What the escrow has paid out, as far as was seen; what is final once closed.</summary>
    public ulong SettledMicro { get; init; }

    /// <summary>The payer asked the escrow to close, in unix seconds; 0: it did not.</summary>
    public ulong CloseRequestedAt { get; init; }

    public ChannelPhase Phase { get; init; }

    /// <summary>What the final voucher signs, while closing.</summary>
    public ulong FinalMicro { get; init; }

    public ByteString FinalSignature { get; init; } = ByteString.Empty;

    /// <summary>How often closing was begun: each attempt on chain is a wish of its own.</summary>
    public int ClosingAttempts { get; init; }

    /// <summary>Why the escrow did not carry the closing out, if it didn't.</summary>
    public string? ClosingProblem { get; init; }

    public ulong RefundedMicro { get; init; }

    public RecentRequests<PayeeRequest> Requests { get; init; } = new();

    /// <summary>The journal has been read; not part of it.</summary>
    public bool IsRecovered { get; init; }

    private Currency Currency => Terms is null ? Currency.Usdc : Currency.Parse(Terms.Currency);

    public PayeeDecision Decide(PayeeChannelCommands.Get get) => Terms is null ? NotFound() : new PayeeDecision(null, View(get.RequestId));

    public PayeeDecision Decide(PayeeChannelCommands.GetHighestVoucher _) => Terms is null
        ? NotFound()
        : new PayeeDecision(null, new HighestVoucher(
            ChannelId,
            Terms,
            HighestSignature.IsEmpty ? null : new Voucher { ChannelId = ByteString.CopyFrom(ChannelIds.Parse(ChannelId)), CumulativeMicro = AcceptedMicro, Signature = HighestSignature },
            SettledMicro, OnChain, Phase));

    public PayeeChannelState Apply(object happened) => happened switch
    {
        PayeeChannelEvents.Opened e => this with
        {
            PayerPeerId = e.PayerPeerId,
            Terms = e.Terms,
            OnChain = e.OnChain,
            DepositMicro = e.OnChain ? e.DepositMicro : e.Terms.DepositMicro,
            SettledMicro = e.SettledMicro,
        },
        PayeeChannelEvents.VoucherTaken e => this with
        {
            AcceptedMicro = Math.Max(AcceptedMicro, e.CumulativeMicro),
            SpentMicro = SpentMicro + e.PriceMicro,
            Vouchers = Vouchers + 1,
            HighestSignature = e.CumulativeMicro > AcceptedMicro ? e.Signature : HighestSignature,
            VoidedSinceVoucher = 0,
            Requests = e.RequestId.Length == 0 ? Requests : Requests.With(e.RequestId, new PayeeRequest(e.PriceMicro, e.CumulativeMicro, IsDelivered: false, IsRecovered)),
        },
        PayeeChannelEvents.Spent e => this with
        {
            SpentMicro = SpentMicro + e.AmountMicro,
            Requests = Requests.With(e.RequestId, new PayeeRequest(e.AmountMicro, AcceptedMicro, IsDelivered: false, IsRecovered)),
        },
        PayeeChannelEvents.Metered e => this with
        {
            SpentMicro = SpentMicro + e.AmountMicro,
            Requests = Requests.With(e.StreamId, new PayeeRequest(e.TotalMicro, AcceptedMicro, IsDelivered: false)),
        },
        PayeeChannelEvents.Delivered e => Requests.TryGet(e.RequestId, out var request) ? this with { Requests = Requests.With(e.RequestId, request with { IsDelivered = true }) } : this,
        PayeeChannelEvents.Voided e => this with { VoidedSinceVoucher = VoidedSinceVoucher + 1, Requests = Requests.With(e.RequestId, PayeeRequest.Voided) },
        PayeeChannelEvents.ToppedUp e => this with { DepositMicro = e.DepositMicro },
        PayeeChannelEvents.SeenOnChain e => this with { OnChain = true, DepositMicro = e.DepositMicro, SettledMicro = e.SettledMicro, CloseRequestedAt = e.CloseRequestedAt },
        PayeeChannelEvents.ClosingBegun e => this with { Phase = ChannelPhase.Closing, FinalMicro = e.FinalMicro, FinalSignature = e.Signature, ClosingProblem = null, ClosingAttempts = ClosingAttempts + 1 },
        PayeeChannelEvents.ClosingFailed e => this with { ClosingProblem = e.Reason },
        PayeeChannelEvents.Closed e => this with { Phase = ChannelPhase.Closed, SettledMicro = e.SettledMicro, RefundedMicro = e.RefundedMicro, ClosingProblem = null },
        ChannelBatch batch => batch.Events.Aggregate(this, (state, e) => state.Apply(e)),
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to a payee's channel.", nameof(happened)),
    };

    public PayeeChannelView View(string? requestId = null)
    {
        var paid = requestId is not null && Requests.TryGet(requestId, out var request) && !request.IsVoided ? request : null;
        return new PayeeChannelView(
            ChannelId, PayerPeerId, Terms is not null && Phase == ChannelPhase.Open && CloseRequestedAt == 0, Micro(DepositMicro), Micro(AcceptedMicro), Micro(SpentMicro), Vouchers, paid is not null, Micro(paid?.PriceMicro ?? 0))
        {
            Phase = Phase,
            OnChain = OnChain,
            ChainId = Terms?.ChainId ?? 0,
            CloseRequestedAt = CloseRequestedAt,
            Settled = Micro(SettledMicro),
            Refunded = Micro(RefundedMicro),
        };
    }

    private static PayeeDecision Refuse(string code, string message) => new(null, new Refusal(code, message));

    private PayeeDecision RefuseVoucher(string? requestId, string code, string message, ulong? requiredMicro = null) =>
        new(null, new VoucherRefused(ChannelId, code, message, View(requestId), requiredMicro is { } required ? Micro(required) : null));

    private PayeeDecision StrangerRefused() =>
        new(null, new VoucherRefused(ChannelId, ErrorCodes.ChannelNotFound, "No channel with this id was opened by this payer; open one first.", null));

    private static PayeeDecision NotFound() => Refuse(ErrorCodes.ChannelNotFound, "This peer knows no channel with this id; open one with channel.open.");

    private Amount Micro(ulong micro) => new(micro, Currency);
}
