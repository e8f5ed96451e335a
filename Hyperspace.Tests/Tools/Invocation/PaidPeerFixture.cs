using System.Text.Json.Nodes;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p;
using Hyperspace.Tests.Host;
using Hyperspace.Tests.Loop;

namespace Hyperspace.Tests.Tools.Invocation;

/// <summary>A whole honest peer that sells two tools over real loopback: <c>count</c> for 0.001 and <c>dear</c> for 1.</summary>
public sealed class PaidPeerFixture : IAsyncLifetime
{
    public PeerProcessFixture Peer { get; } = new();

    public PeerId PeerId { get; private set; } = null!;

    public PaymentTerms Terms { get; private set; } = null!;

    internal CountingTool Tool { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Tool = await CountingTool.StartAsync();
        await Peer.InitializeAsync();
        PeerId = PeerId.Parse(Peer.PeerId);
        await RegisterAsync("count", 0.001m);
        await RegisterAsync("dear", 1m);
        await using var stranger = await HostilePeer.StartAsync();
        await stranger.DialAsync(Peer.Address.ToString());
        Terms = Assert.Single(await stranger.InvokeAsync(PeerId, new ToolInvocation { RequestId = "price", Tool = "count", Params = "{}" })).PaymentRequired.Terms;
    }

    public async Task DisposeAsync()
    {
        await Peer.DisposeAsync();
        await Tool.DisposeAsync();
    }

    /// <summary>Accepted and spent over all channels of one payer, in micro-units, as the peer's journal has it.</summary>
    internal async Task<(ulong Accepted, ulong Spent)> BooksAsync(HostilePeer payer)
    {
        var channels = (await Peer.CallAsync("micropayments.channel.list"))["result"]!.AsArray().Where(c => c!["peerId"]!.GetValue<string>() == payer.Identity.PeerId.ToString()).ToList();
        return (Sum("accepted"), Sum("spent"));

        ulong Sum(string field) => (ulong)(channels.Sum(c => c![field]!.GetValue<decimal>()) * 1_000_000);
    }

    private async Task RegisterAsync(string name, decimal price)
    {
        var registered = await Peer.CallAsync("tool.register", new JsonObject
        {
            ["name"] = name,
            ["description"] = "Counts how often it served.",
            ["capabilities"] = new JsonArray("count"),
            ["inputSchema"] = new JsonObject { ["type"] = "object" },
            ["price"] = price,
            ["provider"] = new JsonObject { ["type"] = "http", ["url"] = Tool.Url.ToString() },
        });
        Assert.NotNull(registered["result"]);
    }
}
