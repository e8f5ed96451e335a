using System.Text.Json;
using Hyperspace.Actors.Micropayments.Fetch;

namespace Hyperspace.Tests.Micropayments.Fetch;

/// <summary>The bytes of the journal of paid fetches, frozen: a journal that was written once must be readable for ever.</summary>
public class FetchJournalTests
{
    private static readonly FetchEvents.Authorized Signed = FetchStateTests.Signed("k", 1, 7, DateTimeOffset.FromUnixTimeSeconds(1_800_000_000));

    private static readonly Dictionary<string, (object Record, string Hex)> Frozen = new()
    {
        ["fetch-authorized:1"] = (Signed, "0a016b10011a01662201732a0a687474703a2f2f682f7032036d707038054201014a010252010358e8076204555344436a040700000070aca6a7da067a0d417574686f72697a6174696f6e8201095061796d656e742078880180a0f1c2b134920105722d6b2d31"),
        ["fetch-refused:1"] = (new FetchEvents.Refused("k", 1), "0a016b1001"),
        ["fetch-paid:1"] = (new FetchEvents.Paid("k", 1, "0x1"), "0a016b10011a03307831"),
        ["fetch-unused:1"] = (new FetchEvents.Unused("k", 1), "0a016b1001"),
        ["fetch-snapshot:1"] = (new FetchSnapshot([new Authorization(Signed, FetchOutcome.Paid, "0x1"), new Authorization(Signed, FetchOutcome.Unclear, null)]), "0a700a670a016b10011a01662201732a0a687474703a2f2f682f7032036d707038054201014a010252010358e8076204555344436a040700000070aca6a7da067a0d417574686f72697a6174696f6e8201095061796d656e742078880180a0f1c2b134920105722d6b2d3110021a033078310a690a670a016b10011a01662201732a0a687474703a2f2f682f7032036d707038054201014a010252010358e8076204555344436a040700000070aca6a7da067a0d417574686f72697a6174696f6e8201095061796d656e742078880180a0f1c2b134920105722d6b2d31"),
    };

    public static TheoryData<string> Manifests => [.. FetchJournal.Format.Manifests];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void What_was_written_stays_readable(string manifest)
    {
        var (record, hex) = Frozen[manifest];
        Assert.Equal(manifest, FetchJournal.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(FetchJournal.Format.ToBytes(record)));
        var back = FetchJournal.Format.FromBytes(manifest, Convert.FromHexString(hex));
        Assert.Equal(JsonSerializer.Serialize(record, record.GetType()), JsonSerializer.Serialize(back, back.GetType()));
    }
}
