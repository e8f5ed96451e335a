using System.Net;
using System.Net.Sockets;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Tests.CommandLine;

public class ApiClientTests
{
    [Fact]
    public async Task A_peer_that_does_not_answer_in_time_is_told_in_a_sentence()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var client = new ApiClient(new Uri($"http://{silent.LocalEndpoint}/"), "token", TimeSpan.FromMilliseconds(100));
        var error = await Assert.ThrowsAsync<CommandException>(() => client.CallAsync("node.info"));
        Assert.Contains("did not answer node.info", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no address", "token")]
    [InlineData("http://127.0.0.1:1/", "to\nken")]
    public void Files_that_cannot_be_read_are_told_in_a_sentence(string address, string token)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-client-");
        File.WriteAllText(Path.Combine(directory.FullName, ApiClient.UrlFileName), address);
        File.WriteAllText(Path.Combine(directory.FullName, ApiToken.FileName), token);
        var error = Assert.Throws<CommandException>(() => ApiClient.ForDataDirectory(directory.FullName));
        directory.Delete(recursive: true);
        Assert.Contains("cannot be read", error.Message, StringComparison.Ordinal);
    }
}
