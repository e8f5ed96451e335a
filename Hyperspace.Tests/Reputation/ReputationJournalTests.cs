using System.Text.Json;
using Hyperspace.Actors.Reputation;
using Hyperspace.Contracts.Reputation;

namespace Hyperspace.Tests.Reputation;

/// <summary>The bytes of the journal of reputations, frozen: a journal that was written once must be readable for ever.</summary>
public class ReputationJournalTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly HeldReceipt Receipt = RatingsTests.ReceiptOf(RatingsTests.Who(2), RatingsTests.Who(1), "r-1", At) with { SessionId = "s" };
    private static readonly RatingEntry Entry = new("r-1", -0.5, 250_000, At, 7);

    private static readonly PeerRecord Record = new()
    {
        Replays = PeerRecord.Empty.Replays.Add("consensus", new Tally(3, 1)).Add("matrix", new Tally(10, 2)),
        Recent = new Tally(1.5, 2),
        CaughtAt = At,
        SinceCaught = new Tally(4, 5),
        Calls = new Tally(6, 7),
        CallsAt = At,
        PaidCalls = 8,
        Ratings = RatingBook.Restored([("rater", [Entry])]),
    };

    private static readonly Dictionary<string, (object Record, string Hex)> Frozen = new()
    {
        ["reputation-replays:1"] = (new ReplaysTaken("matrix", [new Replay("a", 3, 1.5)], At), "0a066d617472697812150a016111000000000000084019000000000000f83f188080aaedd8dbdcef08"),
        ["reputation-call:1"] = (new CallNoted("p", true, true, At, Receipt), "0a017010011801208080aaedd8dbdcef082ada010801121a687970657273706163652e736572766963652d726563656970741a4b0a34313244334b6f6f574b3939566f56784e4537587a79427758457a573778684b37477076383572394633563366794b53554b5048351203722d311a046563686f2090a10f2a04555344432224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3942880a0f1c2b1347a40e3246b2ada606648c151c640dea79f9af9db300544003be9fd5511b7a9f2da1bf62252314e8a891ffc74dc05cc59572749af1ece2ebe1fb262c2c02ddc75350e320173"),
        ["reputation-rating:1"] = (new RatingTaken("p", "rater", Entry, At), "0a0170120572617465721a1e0a03722d3111000000000000e0bf1890a10f208080aaedd8dbdcef082807208080aaedd8dbdcef08"),
        ["reputation-snapshot:1"] = (new ReputationSnapshot(new Dictionary<string, PeerRecord> { ["p"] = Record }, [Receipt]), "0abd010a0170121f0a09636f6e73656e737573121209000000000000084011000000000000f03f121c0a066d617472697812120900000000000024401100000000000000401a1209000000000000f83f110000000000000040208080aaedd8dbdcef082a120900000000000010401100000000000014403212090000000000001840110000000000001c40388080aaedd8dbdcef0840084a270a057261746572121e0a03722d3111000000000000e0bf1890a10f208080aaedd8dbdcef08280712e0010ada010801121a687970657273706163652e736572766963652d726563656970741a4b0a34313244334b6f6f574b3939566f56784e4537587a79427758457a573778684b37477076383572394633563366794b53554b5048351203722d311a046563686f2090a10f2a04555344432224080112208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3942880a0f1c2b1347a40e3246b2ada606648c151c640dea79f9af9db300544003be9fd5511b7a9f2da1bf62252314e8a891ffc74dc05cc59572749af1ece2ebe1fb262c2c02ddc75350e120173"),
    };

    public static TheoryData<string> Manifests => [.. ReputationJournal.Format.Manifests];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void What_was_written_stays_readable(string manifest)
    {
        var (record, hex) = Frozen[manifest];
        Assert.Equal(manifest, ReputationJournal.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(ReputationJournal.Format.ToBytes(record)));
        var back = ReputationJournal.Format.FromBytes(manifest, Convert.FromHexString(hex));
        Assert.Equal(JsonSerializer.Serialize(record, record.GetType()), JsonSerializer.Serialize(back, back.GetType()));
    }

    [Fact]
    public void A_call_without_a_receipt_comes_back_as_it_was()
    {
        var call = new CallNoted("p", false, false, At, null);
        Assert.Equal(call, ReputationJournal.Format.FromBytes("reputation-call:1", ReputationJournal.Format.ToBytes(call)));
    }
}
