using System.Collections.Immutable;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Actors.Micropayments.Channels;

/// <summary>
/// The payer's side of one channel. Up to <see cref="Window"/> vouchers are in flight; each signs what is known to be paid,
/// the prices of those in flight, and its own, so whatever a payee keeps, it never holds more than the highest voucher: at
/// most the window's prices were not served. Immutable and pure.
/// </summary>
internal sealed partial record PayerChannelState(string ChannelKey)
{
    // One may be a disk that came back older than it was; two are a payee that cannot be trusted.
    private const int MaxContradictions = 1;

    /// <summary>Vouchers in flight at most; one only once the payee has contradicted itself.</summary>
    public int Window { get; init; } = 1;

    public string? PayeePeerId { get; init; }

    public ChannelTerms? Terms { get; init; }

    public bool IsOpen { get; init; }

    /// <summary>The deposit lies in the escrow, or is on its way there.</summary>
    public bool Funded { get; init; }

    /// <summary>What vouchers may come to.</summary>
    public ulong DepositMicro { get; init; }

    /// <summary>The highest voucher.</summary>
    public ulong SignedMicro { get; init; }

    /// <summary>What is known to be paid.</summary>
    public ulong AcceptedMicro { get; init; }

    public long Vouchers { get; init; }

    /// <summary>Vouchers in flight, by request.</summary>
    public ImmutableDictionary<string, PayerChannelEvents.VoucherIssued> Flying { get; init; } = ImmutableDictionary.Create<string, PayerChannelEvents.VoucherIssued>(StringComparer.Ordinal);

    /// <summary>The sum of their prices.</summary>
    public ulong FlyingMicro { get; init; }

    public RecentRequests<PayerRequest> Requests { get; init; } = new();

    /// <summary>The channels before this one, oldest first.</summary>
    public ImmutableList<UsedChannel> Used { get; init; } = [];

    /// <summary>How often the payee turned out to hold what it had called refused.</summary>
    public int Contradictions { get; init; }

    /// <summary>The deposit is being raised to this; 0: it is not.</summary>
    public ulong ToppingUpMicro { get; init; }

    public bool IsClosing { get; init; }

    private Currency Currency => Terms is not null ? Currency.Parse(Terms.Currency) : CurrencyOf(ChannelKey);

    private int VouchersAtOnce => Contradictions > 0 ? 1 : Window;

    public PayerChannelState Apply(object happened) => happened switch
    {
        PayerChannelEvents.Proposed e => (IsOpen ? Retire(isClosed: false, 0) : this) with { PayeePeerId = e.PayeePeerId, Terms = e.Terms, Funded = e.Funded, DepositMicro = e.Terms.DepositMicro },
        PayerChannelEvents.Confirmed => this with { IsOpen = true },
        PayerChannelEvents.Withdrawn when Used is [.., { IsClosed: false } last] => this with
        {
            Terms = last.Terms,
            IsOpen = true,
            Used = Used.RemoveAt(Used.Count - 1),
            SignedMicro = last.SignedMicro,
            AcceptedMicro = last.AcceptedMicro,
            Vouchers = last.Vouchers,
            DepositMicro = last.DepositMicro,
            Funded = last.Funded,
        },
        PayerChannelEvents.Withdrawn => this with { PayeePeerId = null, Terms = null, Funded = false, DepositMicro = 0 },
        PayerChannelEvents.VoucherIssued e => this with
        {
            Flying = Flying.SetItem(e.RequestId, e),
            FlyingMicro = FlyingMicro + e.PriceMicro,
            SignedMicro = Math.Max(SignedMicro, e.CumulativeMicro),
            Vouchers = Vouchers + 1,
        },
        PayerChannelEvents.VoucherRaised e when Flying.TryGetValue(e.RequestId, out var flying) => this with
        {
            Flying = Flying.SetItem(e.RequestId, flying with { PriceMicro = flying.PriceMicro + e.ByMicro, CumulativeMicro = e.CumulativeMicro }),
            FlyingMicro = FlyingMicro + e.ByMicro,
            SignedMicro = Math.Max(SignedMicro, e.CumulativeMicro),
            Vouchers = Vouchers + 1,
        },
        PayerChannelEvents.Resolved e when Flying.TryGetValue(e.RequestId, out var flying) => this with
        {
            Flying = Flying.Remove(e.RequestId),
            FlyingMicro = FlyingMicro - flying.PriceMicro,
            AcceptedMicro = Math.Max(e.HeldMicro, AcceptedMicro + (e.Accepted ? CostOf(e, flying) : 0)),
            Contradictions = Contradictions + (e.HeldMicro > 0 ? 1 : 0),
            Requests = Requests.With(e.RequestId, new PayerRequest(flying.PriceMicro, flying.CumulativeMicro, e.Accepted, Used.Count, flying.PriceMicro - CostOf(e, flying))),
        },
        PayerChannelEvents.TopUpBegun e => this with { ToppingUpMicro = e.DepositMicro },
        PayerChannelEvents.TopUpEnded e => this with { ToppingUpMicro = 0, DepositMicro = e.DepositMicro },
        PayerChannelEvents.ClosingBegun => this with { IsClosing = true },
        PayerChannelEvents.ClosingRefused => this with { IsClosing = false },
        PayerChannelEvents.Closed e => Retire(isClosed: true, e.SettledMicro) with { Terms = null, IsOpen = false, IsClosing = false, Funded = false, DepositMicro = 0 },
        ChannelBatch batch => batch.Events.Aggregate(this, (state, e) => state.Apply(e)),
        _ => throw new ArgumentException($"{happened.GetType().Name} cannot happen to a payer's channel now.", nameof(happened)),
    };

    public PayerChannelView View() => new(
        ChannelKey, Terms is null ? null : ChannelIds.ToText(ChannelIds.Of(Terms)), PayeePeerId,
        Micro(DepositMicro), Micro(SignedMicro), Micro(AcceptedMicro), !Flying.IsEmpty, Vouchers)
    {
        Phase = IsClosing ? ChannelPhase.Closing : ChannelPhase.Open,
        Opening = Terms is not null && !IsOpen,
        OnChain = Funded,
        ChainId = Terms?.ChainId ?? 0,
    };

    /// <summary>All channels of this key, the one in use last; that one is left out when it was closed and none followed.</summary>
    public PayerChannelHistory History() => new([
        .. Used.Select(used => new PayerChannelView(
            ChannelKey, ChannelIds.ToText(ChannelIds.Of(used.Terms)), PayeePeerId, Micro(used.DepositMicro), Micro(used.SignedMicro), Micro(used.AcceptedMicro), false, used.Vouchers)
        {
            Phase = used.IsClosed ? ChannelPhase.Closed : ChannelPhase.Open,
            OnChain = used.Funded,
            ChainId = used.Terms.ChainId,
            Settled = Micro(used.SettledMicro),
            Refunded = Micro(used.IsClosed ? used.DepositMicro - used.SettledMicro : 0),
        }),
        .. Terms is null && !Used.IsEmpty ? Array.Empty<PayerChannelView>() : [View()],
    ]);

    private static ulong CostOf(PayerChannelEvents.Resolved resolved, PayerChannelEvents.VoucherIssued flying) => resolved.CostMicro > 0 ? Math.Min(resolved.CostMicro, flying.PriceMicro) : flying.PriceMicro;

    private PayerChannelState Retire(bool isClosed, ulong settledMicro) => this with
    {
        Used = Used.Add(new UsedChannel(Terms!, SignedMicro, AcceptedMicro, Vouchers, DepositMicro, settledMicro, isClosed, Funded)),
        IsOpen = false,
        SignedMicro = 0,
        AcceptedMicro = 0,
        Vouchers = 0,
    };

    private static Currency CurrencyOf(string channelKey) =>
        Currency.TryParse(channelKey[(channelKey.LastIndexOf(':') + 1)..], out var currency) ? currency.Value : Currency.Usdc;

    private Amount Micro(ulong micro) => new(micro, Currency);
}
