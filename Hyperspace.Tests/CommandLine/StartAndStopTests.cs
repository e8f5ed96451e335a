using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;
using Hyperspace.Host.JsonRpc;

namespace Hyperspace.Tests.CommandLine;

public sealed class StartAndStopTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("hyperspace-start-");

    private string Data => Path.Combine(_directory.FullName, "peer");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_peer_that_is_told_to_stop_as_soon_as_it_is_ready_ends_well_and_takes_its_address_back()
    {
        using var peer = Cli.Start(null, Arguments(Data));
        var ready = JsonNode.Parse((await peer.StandardOutput.ReadLineAsync())!)!;
        Assert.Equal("ready", ready["event"]!.GetValue<string>());
        var address = Path.Combine(Data, ApiClient.UrlFileName);
        Assert.True(File.Exists(address));
        Terminate(peer);
        var result = await Cli.EndAsync(peer);
        Assert.Equal((0, ""), (result.ExitCode, result.Errors));
        Assert.False(File.Exists(address));
    }

    [Fact]
    public async Task A_peer_that_is_told_to_stop_while_it_starts_ends_without_a_stack_trace()
    {
        using var peer = Cli.Start(null, Arguments(Data));
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(Data, "lock")), timeoutSeconds: 60);
        Terminate(peer);
        var result = await Cli.EndAsync(peer);
        Assert.InRange(result.ExitCode, 0, 1);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a file", "peer")]
    [InlineData("a short token", ApiToken.FileName)]
    [InlineData("an open key", "chmod 600")]
    [InlineData("a damaged journal", "journal")]
    public async Task A_data_directory_that_cannot_be_used_is_told_in_a_sentence(string problem, string named)
    {
        switch (problem)
        {
            case "a file":
                await File.WriteAllTextAsync(Data, "");
                break;
            case "a short token":
                Directory.CreateDirectory(Data);
                await File.WriteAllTextAsync(Path.Combine(Data, ApiToken.FileName), "short");
                break;
            case "an open key":
                Assert.Equal(0, (await Cli.RunAsync(null, "identity", "--data", Data)).ExitCode);
                Run("chmod", "644", Path.Combine(Data, "identity.key"));
                break;
            default:
                Directory.CreateDirectory(Data);
                await File.WriteAllTextAsync(Path.Combine(Data, "journal.db"), new string('x', 8192));
                break;
        }

        Told(await Cli.RunAsync(null, Arguments(Data)), named);
    }

    [Fact]
    public async Task A_port_in_use_is_told_before_anything_is_started()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        Told(await Cli.RunAsync(null, [.. Arguments(Data).Where(a => a != "0" && a != "--api-port"), "--api-port", $"{port}"]), $"{port}");
        Assert.False(File.Exists(Path.Combine(Data, "journal.db")));
    }

    private static void Told(CliResult result, string named)
    {
        Assert.Equal(1, result.ExitCode);
        Assert.Empty(result.Errors);
        Assert.Contains(named, JsonNode.Parse(result.Output)!["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Arguments(string data) => ["start", "--json", "--data", data, "--api-port", "0", "--listen", "/ip4/127.0.0.1/tcp/0"];

    private static void Terminate(Process process) => Run("kill", "-TERM", $"{process.Id}");

    private static void Run(string program, params IEnumerable<string> arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
    }
}
