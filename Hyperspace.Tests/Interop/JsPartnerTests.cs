namespace Hyperspace.Tests.Interop;

/// <summary>The harness itself: both version lines of js-libp2p start, and talk to each other.</summary>
[Collection(JsPartnerCollection.Name)]
public class JsPartnerTests(JsPartner js)
{
    [SkippableFact]
    public async Task The_two_version_lines_dial_and_echo_each_other()
    {
        await using var older = await js.StartAsync(2);
        await using var newer = await js.StartAsync(3);
        Assert.Equal(newer.PeerId, await older.DialAsync(newer.Addresses[0]));
        var data = new byte[300_000];
        Random.Shared.NextBytes(data);
        Assert.Equal(data, await older.EchoAsync(newer.PeerId, data));
        Assert.Equal(data, await newer.EchoAsync(older.PeerId, data));
    }

    [SkippableFact]
    public async Task A_failing_command_says_what_failed()
    {
        await using var peer = await js.StartAsync(3);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => peer.CallAsync("dial", new { ma = "/ip4/127.0.0.1/tcp/1" }));
        Assert.Contains("dial", failure.Message, StringComparison.Ordinal);
    }
}
