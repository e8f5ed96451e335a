using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Host;
using Hyperspace.Libp2p.Multiformats;
using Hyperspace.Tests.Libp2p;
using Hyperspace.Tests.Libp2p.Relay;

namespace Hyperspace.Tests.Host;

public class RelayProfileTests
{
    [Fact]
    public async Task A_peer_with_a_relay_says_that_it_listens_there_and_is_reached_through_it()
    {
        var directories = (string[])[NewDirectory(), NewDirectory()];
        await using (var relay = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = directories[0], Profile = PeerProfile.Relay }, apiPort: 0, CancellationToken.None))
        await using (var peer = await PeerProcess.StartAsync(
            new PeerOptions { DataDirectory = directories[1], Relays = [Multiaddr.Parse(relay.Listen[0])] }, apiPort: 0, CancellationToken.None))
        {
            Assert.Equal("relay", (await CallAsync(relay, "node.info"))["result"]!["profile"]!.GetValue<string>());
            JsonNode? circuit = null;
            await Eventually.TrueAsync(async () =>
                (circuit = (await CallAsync(peer, "node.info"))["result"]!["listen"]!.AsArray().FirstOrDefault(a => a!.GetValue<string>().Contains("/p2p-circuit", StringComparison.Ordinal))) is not null);

            await using var dialer = await RelayPeer.StartAsync();
            var address = Multiaddr.Parse(circuit!.GetValue<string>());
            Assert.Equal(peer.PeerId, (await dialer.Switch.DialAsync(address)).ToString());
            Assert.True(dialer.ConnectionTo(address.PeerId!).Limited);
        }

        Array.ForEach(directories, d => Directory.Delete(d, recursive: true));
    }

    [Fact]
    public async Task A_relay_offers_no_tools()
    {
        var directory = NewDirectory();
        await using (var relay = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = directory, Profile = PeerProfile.Relay }, apiPort: 0, CancellationToken.None))
        {
            var tool = JsonNode.Parse("""{"name":"x","description":"d","capabilities":[],"inputSchema":{},"provider":{"type":"builtin","tool":"fetch-page"}}""");
            var answer = await CallAsync(relay, "tool.register", tool);
            Assert.Equal("OPERATION_DENIED", answer["error"]!["data"]!["code"]!.GetValue<string>());
        }

        Directory.Delete(directory, recursive: true);
    }

    private static string NewDirectory() => Directory.CreateTempSubdirectory("hyperspace-relay-").FullName;

    private static async Task<JsonNode> CallAsync(PeerProcess peer, string method, JsonNode? parameters = null)
    {
        using var http = new HttpClient { BaseAddress = peer.Api };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await File.ReadAllTextAsync(peer.TokenFile));
        using var response = await http.PostAsJsonAsync("rpc", new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = parameters ?? new JsonObject() });
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }
}
