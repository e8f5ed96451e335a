using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Host;

namespace Hyperspace.Tests.Host;

public class LightPeerTests
{
    [Theory]
    [InlineData("tool.register", """{"name":"x","description":"d","capabilities":[],"inputSchema":{},"provider":{"type":"builtin","tool":"fetch-page"}}""")]
    [InlineData("bridge.registerMCPServer", """{"url":"stdio:///no/such/command"}""")]
    public async Task A_light_peer_says_that_its_tools_would_be_found_by_nobody(string method, string parameters)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-light-");
        await using (var peer = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = directory.FullName, Profile = PeerProfile.Light }, apiPort: 0, CancellationToken.None))
        {
            using var http = new HttpClient { BaseAddress = peer.Api };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await File.ReadAllTextAsync(peer.TokenFile));
            using var response = await http.PostAsJsonAsync("rpc", new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = JsonNode.Parse(parameters) });
            var error = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!;
            Assert.Equal("OPERATION_DENIED", error["data"]!["code"]!.GetValue<string>());
            Assert.Contains("--profile full", error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        directory.Delete(recursive: true);
    }
}
