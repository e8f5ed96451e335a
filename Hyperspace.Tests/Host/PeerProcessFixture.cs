using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Host;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Host;

/// <summary>A whole peer in the test's process, with its local API on a free port and a data directory of its own.</summary>
public sealed class PeerProcessFixture : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-peer-");
    private PeerProcess _peer = null!;

    public HttpClient Http { get; } = new();

    public string DataDirectory => _directory.FullName;

    public Uri Api => _peer.Api;

    public string Token { get; private set; } = "";

    public string PeerId => _peer.PeerId;

    public Multiaddr Address => Multiaddr.Parse(_peer.Listen[0]);

    internal IReadOnlyCollection<Hyperspace.Host.JsonRpc.ApiMethod> Methods => _peer.Methods;

    public async Task InitializeAsync()
    {
        _peer = await PeerProcess.StartAsync(new PeerOptions { DataDirectory = _directory.FullName }, apiPort: 0, CancellationToken.None);
        Token = await File.ReadAllTextAsync(_peer.TokenFile);
        Http.BaseAddress = _peer.Api;
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        await _peer.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    public async Task<JsonNode> CallAsync(string method, JsonObject? parameters = null)
    {
        using var response = await Http.PostAsJsonAsync("rpc", new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = parameters ?? [] });
        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }
}
