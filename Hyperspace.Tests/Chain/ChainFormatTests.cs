using Hyperspace.Actors.Chain;

namespace Hyperspace.Tests.Chain;

public class ChainFormatTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly byte[] Address = [.. Enumerable.Repeat((byte)0x11, 20)];
    private static readonly byte[] Hash = [.. Enumerable.Repeat((byte)0x22, 32)];

    private static readonly Dictionary<string, IChainEvent> Records = new()
    {
        ["chain-submitted:1"] = new ChainEvents.Submitted("close-1", 8453, Address, new byte[] { 1, 2 }, At),
        ["chain-signed:1"] = new ChainEvents.Signed("close-1", Address, 7, 30_000_000_000, 0, 90_000, new byte[] { 2, 3 }, Hash, At),
        ["chain-executed:1"] = new ChainEvents.Executed("close-1", Hash, true, 100, Hash, 61_000, 61_000_000_000_000, At),
        ["chain-rejected:1"] = new ChainEvents.Rejected("close-1", "NotPayee", At),
    };

    // Frozen: what is in somebody's journal is read for ever.
    [Theory]
    [InlineData("chain-submitted:1", "0a07636c6f73652d311085421a14111111111111111111111111111111111111111122020102288081dcb5b9b592ef08")]
    [InlineData("chain-signed:1", "0a07636c6f73652d31121411111111111111111111111111111111111111111807220506fc23ac003090bf053a02020342202222222222222222222222222222222222222222222222222222222222222222488081dcb5b9b592ef08")]
    [InlineData("chain-executed:1", "0a07636c6f73652d3112202222222222222222222222222222222222222222222222222222222222222222180120642a20222222222222222222222222222222222222222222222222222222222222222230c8dc033a06377aab54d000408081dcb5b9b592ef08")]
    [InlineData("chain-rejected:1", "0a07636c6f73652d3112084e6f745061796565188081dcb5b9b592ef08")]
    public void Each_event_has_frozen_bytes_and_comes_back_from_them(string manifest, string hex)
    {
        var record = Records[manifest];
        Assert.Equal(manifest, ChainFormat.Format.ManifestOf(record));
        Assert.Equal(hex, Convert.ToHexStringLower(ChainFormat.Format.ToBytes(record)));
        Assert.Equal(hex, Convert.ToHexStringLower(ChainFormat.Format.ToBytes(ChainFormat.Format.FromBytes(manifest, Convert.FromHexString(hex)))));
    }

    [Fact]
    public void Every_event_is_in_the_format_and_in_this_test()
    {
        var events = typeof(ChainEvents).GetNestedTypes(System.Reflection.BindingFlags.NonPublic).Where(type => type.IsAssignableTo(typeof(IChainEvent))).ToHashSet();
        Assert.Equal(events, Records.Values.Select(record => record.GetType()).ToHashSet());
        Assert.Equal(events, ChainFormat.Format.Types.ToHashSet());
        Assert.Equal(Records.Keys.ToHashSet(), ChainFormat.Format.Manifests.ToHashSet());
    }
}
