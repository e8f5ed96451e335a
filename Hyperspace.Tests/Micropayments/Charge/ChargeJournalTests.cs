using Hyperspace.Actors.Micropayments.Channels;
using Hyperspace.Actors.Micropayments.Charge;
using Hyperspace.Contracts.Micropayments;
using Hyperspace.Contracts.Money;

namespace Hyperspace.Tests.Micropayments.Charge;

/// <summary>The bytes of the charges' journal, frozen: what was written once must be readable for ever.</summary>
public class ChargeJournalTests
{
    private static readonly ChargeAuthorization Authorization = new(5, "0x01", "0x02", "0x03", Amount.MicroUsdc(1000), 6, 7, "0x04", "0x05");
    private static readonly ChargePayment Payment = new(Authorization, "f", "k", DateTimeOffset.UnixEpoch) { IsServed = true, Status = 200, BodyHash = "h", Settlement = Settlement.Failed, Attempt = 1 };

    private static readonly Dictionary<string, (object Record, string Hex)> Frozen = new()
    {
        ["charge-accepted:1"] = (new ChargeEvents.Accepted(Authorization, "f", "k", DateTimeOffset.UnixEpoch.AddMilliseconds(1)), "08051201011a010222010328e807320455534443380640074a01045201055a016662016b6801"),
        ["charge-served:1"] = (new ChargeEvents.Served("p", 200, "h"), "0a017010c8011a0168"),
        ["charge-settled:1"] = (new ChargeEvents.Settled("p", "0x1", "9"), "0a017012033078311a0139"),
        ["charge-failed:1"] = (new ChargeEvents.Failed("p", "r"), "0a0170120172"),
        ["charge-retried:1"] = (new ChargeEvents.Retried("p"), "0a0170"),
        ["charge-snapshot:1"] = (
            new ChargeSnapshot(new ChargeState("0x02:USDC")
            {
                Payments = System.Collections.Immutable.ImmutableDictionary<string, ChargePayment>.Empty.Add(Authorization.PaymentId, Payment),
                Keys = new RecentRequests<string>().With("k", "p"),
                SettledMicro = 3,
                OwedMicro = 1000,
            }),
            "0a09307830323a5553444312320a2408051201011a010222010328e807320455534443380640074a01045201055a016662016b100118c801220168280230011a060a016b1201702003"),
        ["charged-payer-listed:1"] = (new ChargedPayerEvents.Listed("p"), "0a0170"),
        ["charged-payer-removed:1"] = (new ChargedPayerEvents.Removed("p"), "0a0170"),
    };

    public static TheoryData<string> Manifests => [.. Frozen.Keys];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Its_bytes_are_written_and_read_as_ever(string manifest)
    {
        var (record, hex) = Frozen[manifest];
        Assert.Equal(manifest, ChargeJournal.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(ChargeJournal.Format.ToBytes(record)));
        var back = ChargeJournal.Format.FromBytes(manifest, Convert.FromHexString(hex));
        Assert.Equal(record.GetType(), back.GetType());
        Assert.Equal(hex, Convert.ToHexStringLower(ChargeJournal.Format.ToBytes(back)));
    }

    [Fact]
    public void No_record_is_without_frozen_bytes() =>
        Assert.Equal(ChargeJournal.Format.Manifests.Order(StringComparer.Ordinal), Frozen.Keys.Order(StringComparer.Ordinal));
}
