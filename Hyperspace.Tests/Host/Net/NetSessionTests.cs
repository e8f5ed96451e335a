using System.Text.Json;
using Hyperspace.Host.Net;
using Hyperspace.Tests.CommandLine;
using Hyperspace.Tests.Interop;

namespace Hyperspace.Tests.Host.Net;

/// <summary>How the program begins, ends, and takes what makes no sense.</summary>
public class NetSessionTests
{
    // rust-libp2p's examples print it for their secret key seed 0.
    private const string PeerOfSeedZero = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    [Fact]
    public async Task The_first_line_tells_who_listens_where_and_the_end_of_the_input_ends_it_well()
    {
        using var process = Cli.Start(null, "net", "--listen", "/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0", "--seed", "0");
        var line = JsonSerializer.Deserialize<JsonElement>((await process.StandardOutput.ReadLineAsync())!);
        Assert.Equal(("listening", PeerOfSeedZero), (line.GetProperty("event").GetString(), line.GetProperty("peerId").GetString()));
        var addresses = JsPeer.Strings(line, "addrs");
        Assert.Equal(2, addresses.Distinct().Count());
        Assert.All(addresses, a => Assert.EndsWith($"/p2p/{PeerOfSeedZero}", a, StringComparison.Ordinal));
        process.StandardInput.Close();
        Assert.Equal(new CliResult(0, "", ""), await Cli.EndAsync(process));
    }

    [Fact]
    public async Task A_command_that_is_under_way_when_the_input_ends_is_still_answered()
    {
        using var process = Cli.Start(null, "net");
        await process.StandardInput.WriteLineAsync("""{"id":"p","cmd":"publish","topic":"t","size":10,"count":20,"rate":40}""");
        process.StandardInput.Close();
        var result = await Cli.EndAsync(process);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("""{"id":"p","ok":true,"count":20,""", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense", null, "JSON object")]
    [InlineData("null", null, "JSON object")]
    [InlineData("[1]", null, "JSON object")]
    [InlineData("""{"id":7}""", "7", "is no command; give one of dial")]
    [InlineData("""{"id":7,"cmd":"explode"}""", "7", "is no command; give one of dial")]
    [InlineData("""{"id":"x","cmd":"dial"}""", "\"x\"", "ma: give it")]
    [InlineData("""{"id":7,"cmd":"dial","ma":5}""", "7", "ma: the value is of another kind")]
    [InlineData("""{"id":7,"cmd":"dial","ma":"here"}""", "7", "'here' is not a multiaddr")]
    [InlineData("""{"id":7,"cmd":"dial","ma":"/ip4/127.0.0.1/tcp/1"}""", "7", "/ip4/127.0.0.1/tcp/1")]
    [InlineData("""{"id":7,"cmd":"ping","peer":"me"}""", "7", "'me' is not a peer id")]
    [InlineData("""{"id":7,"cmd":"ping","peer":"12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"}""", "7", "dial one first")]
    [InlineData("""{"id":7,"cmd":"ping","peer":"12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN","count":0}""", "7", "count: give a whole number from 1")]
    [InlineData("""{"id":7,"cmd":"publish","topic":"t"}""", "7", "data: give it")]
    [InlineData("""{"id":7,"cmd":"publish","topic":"t","size":1,"rate":-1}""", "7", "rate: give")]
    [InlineData("""{"id":7,"cmd":"publish","topic":"t","size":2000000}""", "7", "size: give")]
    [InlineData("""{"id":7,"cmd":"received","topic":"t"}""", "7", "not subscribed to quietly")]
    [InlineData("""{"id":7,"cmd":"unsubscribe","topic":"t"}""", "7", "not subscribed to")]
    [InlineData("""{"id":7,"cmd":"dht.put","key":"no-namespace","value":"1"}""", "7", "namespace")]
    [InlineData("""{"id":7,"cmd":"dht.provide","keyBase64":"AAAA"}""", "7", "34 bytes")]
    public async Task A_line_that_cannot_be_meant_is_answered_with_a_sentence(string line, string? id, string said)
    {
        using var output = new MemoryStream();
        await RunAsync(line + "\n", output);
        var reply = Lines(output)[1];
        Assert.False(reply.GetProperty("ok").GetBoolean());
        Assert.Equal(id ?? "null", reply.GetProperty("id").GetRawText());
        Assert.Contains(said, reply.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_that_is_too_long_is_skipped_and_the_next_one_is_answered()
    {
        using var output = new MemoryStream();
        await RunAsync(new string('x', NetSession.MaxLine + 1) + "\n{\"id\":1,\"cmd\":\"peers\"}\n{\"id\":2,\"cmd\":\"quit\"}", output);
        var lines = Lines(output);
        Assert.Contains("longer than", lines[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains(lines, l => l.GetRawText() == """{"id":1,"ok":true,"peers":[]}""");
        Assert.Equal("""{"id":2,"ok":true}""", lines[^1].GetRawText());
    }

    [SkippableFact]
    public async Task No_akka_is_loaded()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "What a process has loaded is read from /proc.");
        await using var peer = await NetProcess.StartAsync();
        await peer.CallAsync("publish", new { topic = "t", data = "x" });
        await peer.CallAsync("dht.put", new { key = "/a/b", value = "c" });
        var loaded = await File.ReadAllTextAsync($"/proc/{peer.Process.Id}/maps");
        Assert.Contains("Hyperspace.Libp2p.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("Akka", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("Hyperspace.Actors.dll", loaded, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_in_use_is_told_in_a_sentence()
    {
        await using var other = await NetProcess.StartAsync();
        var result = await Cli.RunAsync(null, "net", "--listen", $"{other.Addresses[0].WithoutPeer()}", "--json");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(other.Addresses[0].ValueOf("tcp")!, result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Errors);
    }

    private static async Task RunAsync(string input, Stream output)
    {
        await using var peer = await NetPeer.StartAsync(new NetOptions([], 1, "/test/kad/1.0.0", default, default), CancellationToken.None);
        using var lines = new NetOutput(output);
        using var stdin = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(input));
        await new NetSession(peer, lines).RunAsync(stdin, CancellationToken.None);
    }

    private static List<JsonElement> Lines(MemoryStream output) =>
        [.. System.Text.Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonSerializer.Deserialize<JsonElement>(l))];
}
