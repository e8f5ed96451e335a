using System.Text.Json.Nodes;

namespace Hyperspace.Tests.CommandLine;

public class WrongUsageTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("invoke|x|{", "JSON object")]
    [InlineData("invoke|x|[1]", "JSON object")]
    [InlineData("session|begin|much", "amount")]
    [InlineData("session|begin|1|--currency|usdc", "capital")]
    [InlineData("start|--api-port|99999", "--api-port")]
    [InlineData("start|--profile|foo", "--profile")]
    [InlineData("start|--listen|nowhere", "--listen")]
    [InlineData("start|--relay|/ip4/127.0.0.1/tcp/1", "--relay")]
    [InlineData("start|--relay-bytes|many", "--relay-bytes")]
    [InlineData("start|--reflector|openai=http://127.0.0.1:1/v1", "--reflector")]
    [InlineData("start|--reflector|ollama=ftp://127.0.0.1,model=m", "--reflector")]
    [InlineData("start|--embedder|ollama=http://127.0.0.1:1", "--embedder")]
    [InlineData("start|--embedder|onnx=/nowhere/at/all", "model.onnx")]
    [InlineData("record|not json", "JSON object")]
    [InlineData("record|[1]", "JSON object")]
    [InlineData("reflect|greeting|maybe|insight", "maybe")]
    [InlineData("matrix|register|tool|name|text", "tool")]
    [InlineData("rate|2|--peer|x", "VALUE")]
    [InlineData("rate|1", "exactly one")]
    [InlineData("rate|1|--peer|x|--session|y", "exactly one")]
    [InlineData("net|--listen|nowhere", "--listen")]
    [InlineData("net|--seed|-1", "--seed")]
    [InlineData("net|--dht-mode|both", "server or client")]
    [InlineData("net|--message-id|go", "js or spec")]
    [InlineData("net|--dht-protocol|kad", "--dht-protocol")]
    public async Task Wrong_usage_ends_with_2_and_a_sentence(string arguments, string named)
    {
        var result = await Cli.RunAsync(null, arguments.Split('|', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("HYPERSPACE_API_PORT", "abc")]
    [InlineData("HYPERSPACE_PROFILE", "foo")]
    [InlineData("HYPERSPACE_LOG", "zz")]
    public async Task A_wrong_environment_variable_is_wrong_usage_and_named(string name, string value)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-usage-");
        var result = await Cli.RunAsync(new Dictionary<string, string> { [name] = value }, "start", "--data", directory.FullName, "--listen", "/ip4/127.0.0.1/tcp/0");
        directory.Delete(recursive: true);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(name, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_usage_is_json_when_json_is_asked_for()
    {
        var result = await Cli.RunAsync(null, "session", "begin", "--json");
        Assert.Equal(2, result.ExitCode);
        Assert.Equal("USAGE", JsonNode.Parse(result.Output)!["error"]!["code"]!.GetValue<string>());
    }
}
