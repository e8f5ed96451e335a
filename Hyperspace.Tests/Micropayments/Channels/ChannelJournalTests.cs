using System.Collections.Immutable;
using Google.Protobuf;
using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Wire;

namespace Hyperspace.Tests.Micropayments.Channels;

/// <summary>The bytes of the payments journal, frozen: a journal that was written once must be readable for ever.</summary>
public class ChannelJournalTests
{
    private static readonly ChannelTerms Terms = new() { ChainId = 5 };

    private static readonly Dictionary<string, (object Record, string Hex)> Frozen = new()
    {
        ["channel-proposed:1"] = (new PayerChannelEvents.Proposed("p", Terms), "0a017012023805"),
        ["channel-confirmed:1"] = (new PayerChannelEvents.Confirmed(), ""),
        ["channel-withdrawn:1"] = (new PayerChannelEvents.Withdrawn(), ""),
        ["voucher-issued:1"] = (new PayerChannelEvents.VoucherIssued("r", 3, 300), "0a0172100318ac02"),
        ["payment-resolved:1"] = (new PayerChannelEvents.Resolved("r", true), "0a01721001"),
        ["top-up-begun:1"] = (new PayerChannelEvents.TopUpBegun(300), "08ac02"),
        ["top-up-ended:1"] = (new PayerChannelEvents.TopUpEnded(300), "08ac02"),
        ["payer-closing-begun:1"] = (new PayerChannelEvents.ClosingBegun(), ""),
        ["payer-closing-refused:1"] = (new PayerChannelEvents.ClosingRefused("r"), "0a0172"),
        ["payer-closed:1"] = (new PayerChannelEvents.Closed(200, 100), "08c8011064"),
        ["payer-snapshot:1"] = (
            new PayerChannelSnapshot(new PayerChannelState("k")
            {
                PayeePeerId = "p",
                Terms = Terms,
                IsOpen = true,
                SignedMicro = 300,
                AcceptedMicro = 200,
                Vouchers = 2,
                Flying = new Dictionary<string, PayerChannelEvents.VoucherIssued> { ["r"] = new("r", 3, 300) }.ToImmutableDictionary(StringComparer.Ordinal),
                FlyingMicro = 3,
                Requests = new RecentRequests<PayerRequest>().With("q", new PayerRequest(2, 200, true)),
            }),
            "0a017012023805180120ac0228c8013002420a0a0171100218c801200152016b6a080a0172100318ac02"),
        ["channel-batch:1"] = (
            new ChannelBatch([new PayeeChannelEvents.Delivered("r"), new PayeeChannelEvents.Voided("q")]),
            "0a1a0a13726571756573742d64656c6976657265643a3112030a01720a170a10726571756573742d766f696465643a3112030a0171"),
        ["balance-spent:1"] = (new PayeeChannelEvents.Spent("r", 3, "m"), "0a017210031a016d"),
        ["voucher-raised:1"] = (new PayerChannelEvents.VoucherRaised("r", 3, 300), "0a0172100318ac02"),
        ["stream-metered:1"] = (new PayeeChannelEvents.Metered("s", 3, 300), "0a0173100318ac02"),
        ["deposit-raised:1"] = (new PayeeChannelEvents.ToppedUp(300), "08ac02"),
        ["seen-on-chain:1"] = (new PayeeChannelEvents.SeenOnChain(300, 200, 5), "08ac0210c8011805"),
        ["closing-begun:1"] = (new PayeeChannelEvents.ClosingBegun(300, ByteString.CopyFrom(1, 2)), "08ac0212020102"),
        ["closing-failed:1"] = (new PayeeChannelEvents.ClosingFailed("r"), "0a0172"),
        ["channel-closed:1"] = (new PayeeChannelEvents.Closed(200, 100), "08c8011064"),
        ["payee-released:1"] = (new ChannelListEvents.PayeeReleased("c", 7), "0a01631007"),
        ["channel-opened:1"] = (new PayeeChannelEvents.Opened("p", Terms), "0a017012023805"),
        ["voucher-taken:1"] = (new PayeeChannelEvents.VoucherTaken("r", 3, 300, ByteString.CopyFrom(1, 2)), "0a0172100318ac0222020102"),
        ["request-delivered:1"] = (new PayeeChannelEvents.Delivered("r"), "0a0172"),
        ["request-voided:1"] = (new PayeeChannelEvents.Voided("r"), "0a0172"),
        ["payee-snapshot:1"] = (
            new PayeeChannelSnapshot(new PayeeChannelState("c")
            {
                PayerPeerId = "p",
                Terms = Terms,
                AcceptedMicro = 300,
                SpentMicro = 200,
                Vouchers = 2,
                HighestSignature = ByteString.CopyFrom(1, 2),
                VoidedSinceVoucher = 1,
                Requests = new RecentRequests<PayeeRequest>().With("q", new PayeeRequest(2, 200, true)),
            }),
            "0a01701202380518ac0220c8012802320201023a0a0a0171100218c801200140014a0163"),
        ["payer-listed:1"] = (new ChannelListEvents.PayerListed("k"), "0a016b"),
        ["payee-admitted:1"] = (new ChannelListEvents.PayeeAdmitted("c", "p", Amount.MicroUsdc(7)), "0a01631201701a04555344432007"),
    };

    public static TheoryData<string> Manifests => [.. Frozen.Keys];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Its_bytes_are_written_and_read_as_ever(string manifest)
    {
        var (record, hex) = Frozen[manifest];
        Assert.Equal(manifest, ChannelJournal.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(ChannelJournal.Format.ToBytes(record)));
        var back = ChannelJournal.Format.FromBytes(manifest, Convert.FromHexString(hex));
        Assert.Equal(record.GetType(), back.GetType());
        Assert.Equal(hex, Convert.ToHexStringLower(ChannelJournal.Format.ToBytes(back)));
    }

    [Fact]
    public void A_payers_snapshot_from_before_there_could_be_several_vouchers_in_flight_is_read()
    {
        var state = ((PayerChannelSnapshot)ChannelJournal.Format.FromBytes("payer-snapshot:1", Convert.FromHexString("0a017012023805180120ac0228c80130023a080a0172100318ac02420a0a0171100218c801200152016b"))).State;
        Assert.Equal(new PayerChannelEvents.VoucherIssued("r", 3, 300), state.Flying["r"]);
        Assert.Equal(3UL, state.FlyingMicro);
    }

    [Fact]
    public void No_record_is_without_frozen_bytes() =>
        Assert.Equal(ChannelJournal.Format.Manifests.Order(StringComparer.Ordinal), Frozen.Keys.Order(StringComparer.Ordinal));
}
