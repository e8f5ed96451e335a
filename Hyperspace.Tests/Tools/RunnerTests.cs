using System.Net;
using System.Text.Json;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Tools.Runners;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Money;
using Hyperspace.Contracts.Tools;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Hyperspace.Tests.Tools;

public sealed class RunnerTests : IDisposable
{
    private static readonly ToolDefinition Definition = new("t", "", [], "", Amount.MicroUsdc(0));
    private readonly string _folder = Directory.CreateTempSubdirectory("hyperspace-docs-").FullName;
    private readonly DocumentFolders _folders = new();
    private readonly FetchPage _pages = new();
    private readonly BuiltinRunner _builtin;

    public RunnerTests()
    {
        _builtin = new BuiltinRunner([new DocsSearch(_folders), new DocsRead(_folders), _pages]);
        File.WriteAllText(Path.Combine(_folder, "channels.md"), "# Payment channels\n\nA voucher raises the cumulative amount.\n\n## Closing\n\nThe payee closes with the highest voucher.\n\n```sh\n# not a heading\n```\n");
        File.WriteAllText(Path.Combine(_folder, "peers.txt"), "Peers gossip what they learned.\n");
        Directory.CreateDirectory(Path.Combine(_folder, ".hidden"));
        File.WriteAllText(Path.Combine(_folder, ".hidden", "secret.md"), "voucher secret\n");
    }

    public void Dispose()
    {
        _folders.Dispose();
        _pages.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Search_finds_the_passage_in_which_all_words_occur()
    {
        var run = await Docs("docs-search", new { query = "closes highest vouchers" });
        Assert.True(run.Ok, run.Error);
        var passage = JsonDocument.Parse(run.Structured!).RootElement.GetProperty("passages").EnumerateArray().Single();
        Assert.Equal("channels.md", passage.GetProperty("file").GetString());
        Assert.Equal("Closing", passage.GetProperty("heading").GetString());
        Assert.Equal("Payment channels", passage.GetProperty("title").GetString());
        Assert.True(passage.GetProperty("score").GetDouble() > 0);
    }

    [Fact]
    public async Task Any_word_is_enough_when_asked_for()
    {
        Assert.Equal(0, Count(await Docs("docs-search", new { query = "voucher gossip" })));
        Assert.Equal(3, Count(await Docs("docs-search", new { query = "voucher gossip", mode = "any" })));
    }

    [Theory]
    [InlineData("voucher\" OR \"x")]
    [InlineData("NEAR(voucher) AND NOT *")]
    [InlineData("title:voucher^")]
    [InlineData("'; DROP TABLE passages; --")]
    public async Task Query_operators_are_only_words(string query) =>
        Assert.True((await Docs("docs-search", new { query })).Ok);

    [Fact]
    public async Task Changed_added_and_removed_files_are_seen_at_the_next_search()
    {
        Assert.Equal(1, Count(await Docs("docs-search", new { query = "gossip" })));
        File.WriteAllText(Path.Combine(_folder, "new.md"), "# New\n\ngossip again, longer\n");
        Assert.Equal(2, Count(await Docs("docs-search", new { query = "gossip" })));
        File.WriteAllText(Path.Combine(_folder, "peers.txt"), "nothing of the kind is here\n");
        File.Delete(Path.Combine(_folder, "new.md"));
        Assert.Equal(0, Count(await Docs("docs-search", new { query = "gossip" })));
    }

    [Fact]
    public async Task Reading_gives_a_document_or_a_section_and_nothing_outside_the_folder()
    {
        Assert.Equal("channels.md\npeers.txt", (await Docs("docs-read", new { })).Content);
        Assert.Contains("highest voucher", (await Docs("docs-read", new { file = "channels.md", section = "closing" })).Content, StringComparison.Ordinal);
        foreach (var file in new[] { "../../etc/hostname", "/etc/hostname", ".hidden/secret.md", "none.md" })
        {
            var run = await Docs("docs-read", new { file });
            Assert.False(run.Ok);
            Assert.StartsWith(ErrorCodes.InvalidParams, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_configuration_that_can_not_work_is_refused()
    {
        var runners = new ToolRunners([_builtin]);
        Assert.Null(runners.Accept(new ToolProvider("builtin", """{"tool":"fetch-page"}""")));
        foreach (var (type, configuration) in new[] { ("builtin", """{"tool":"none"}"""), ("builtin", """{"tool":"docs-search","folder":"/no/such/folder"}"""), ("builtin", "nonsense"), ("other", "{}") })
        {
            Assert.Equal(ErrorCodes.InvalidParams, runners.Accept(new ToolProvider(type, configuration))?.Code);
        }
    }

    [Fact]
    public async Task A_page_is_fetched_and_read()
    {
        await using var site = await Site();
        var run = await Fetch(site, "/page");
        Assert.True(run.Ok, run.Error);
        var page = JsonDocument.Parse(run.Structured!).RootElement;
        Assert.Equal("The title", page.GetProperty("title").GetString());
        Assert.Equal("Heading\n\nFirst paragraph with a link.\n\n- one", page.GetProperty("text").GetString());
        Assert.EndsWith("/next", page.GetProperty("links")[0].GetProperty("url").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", run.Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/large", ErrorCodes.TooLarge)]
    [InlineData("/binary", ErrorCodes.ToolFailed)]
    [InlineData("/missing", ErrorCodes.ToolFailed)]
    [InlineData("/loop", ErrorCodes.ToolFailed)]
    public async Task Pages_over_the_limits_are_failures(string path, string code)
    {
        await using var site = await Site();
        var run = await Fetch(site, path);
        Assert.False(run.Ok);
        Assert.StartsWith(code, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_address_is_not_fetched_unless_the_tool_was_registered_so()
    {
        await using var site = await Site();
        foreach (var url in new[] { $"{site.Urls.First()}/page", $"http://localhost:{new Uri(site.Urls.First()).Port}/page", "http://[::1]:9/", "http://[::ffff:127.0.0.1]:9/", "http://169.254.169.254/" })
        {
            var run = await _builtin.RunAsync(Definition, """{"tool":"fetch-page"}""", JsonSerializer.Serialize(new { url }), CancellationToken.None);
            Assert.False(run.Ok);
            Assert.Contains("not a public address", run.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.31.0.1", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("fd00::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("64:ff9b::a00:1", false)]
    public void Only_globally_routed_addresses_are_public(string address, bool isPublic) =>
        Assert.Equal(isPublic, PublicAddresses.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public async Task An_endpoint_gets_the_parameters_and_its_answer_comes_back()
    {
        await using var site = await Site();
        using var http = new HttpRunner();
        var run = await http.RunAsync(Definition, JsonSerializer.Serialize(new { url = site.Urls.First() + "/echo", headers = new Dictionary<string, string> { ["X-Key"] = "k" } }), """{"a":1}""", CancellationToken.None);
        Assert.Equal("""{"got":{"a":1},"key":"k"}""", run.Structured);
        var failed = await http.RunAsync(Definition, JsonSerializer.Serialize(new { url = site.Urls.First() + "/missing" }), "{}", CancellationToken.None);
        Assert.StartsWith(ErrorCodes.ToolFailed, failed.Error, StringComparison.Ordinal);
    }

    private static int Count(ToolRun run) => JsonDocument.Parse(run.Structured!).RootElement.GetProperty("passages").GetArrayLength();

    private Task<ToolRun> Docs(string tool, object parameters) =>
        _builtin.RunAsync(Definition, JsonSerializer.Serialize(new { tool, folder = _folder }), JsonSerializer.Serialize(parameters), CancellationToken.None);

    private Task<ToolRun> Fetch(WebApplication site, string path) =>
        _builtin.RunAsync(Definition, """{"tool":"fetch-page","allowPrivate":true}""", JsonSerializer.Serialize(new { url = site.Urls.First() + path }), CancellationToken.None);

    private static Task<WebApplication> Site() => LoopbackSite.StartAsync(site =>
    {
        site.MapGet("/page", () => Results.Content("<html><head><title>The  title</title><style>hidden</style></head><body><nav>hidden</nav><main><h1>Heading</h1><p>First\n paragraph with a <a href='/next'>link</a>.</p><script>hidden</script><ul><li>one</li></ul></main></body></html>", "text/html"));
        site.MapGet("/large", () => Results.Content(new string('x', (5 * 1024 * 1024) + 1), "text/plain"));
        site.MapGet("/binary", () => Results.Bytes(new byte[10], "application/octet-stream"));
        site.MapGet("/loop", () => Results.Redirect("/loop"));
        site.MapPost("/echo", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            return Results.Content($$"""{"got":{{await reader.ReadToEndAsync()}},"key":"{{request.Headers["X-Key"]}}"}""", "application/json");
        });
    });
}
