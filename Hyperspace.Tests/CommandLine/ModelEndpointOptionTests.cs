using System.Text.Json.Nodes;
using Hyperspace.Actors.Engine;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.CommandLine;

public class ModelEndpointOptionTests
{
    [Fact]
    public void A_wire_an_address_and_a_model_are_read_and_the_key_comes_from_elsewhere_and_is_never_told()
    {
        Assert.Equal(
            new ModelEndpoint(ModelWire.OpenAI, new Uri("http://127.0.0.1:8000/v1"), "qwen2.5:7b,q4", "secret-key"),
            ModelEndpointOption.Parse("openai=http://127.0.0.1:8000/v1,model=qwen2.5:7b,q4", "secret-key", out _));
        var ollama = ModelEndpointOption.Parse("OLLAMA=https://models.example, model=llama3", null, out _)!;
        Assert.Equal((ModelWire.Ollama, "llama3", null), (ollama.Wire, ollama.Model, ollama.ApiKey));
        Assert.DoesNotContain("secret-key", (ollama with { ApiKey = "secret-key" }).ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpt", "names no model")]
    [InlineData("openai=http://127.0.0.1/v1", "names no model")]
    [InlineData("openai=http://127.0.0.1/v1,model=", "names no model")]
    [InlineData("bard=http://127.0.0.1/v1,model=x", "names no model")]
    [InlineData("openai=ftp://127.0.0.1/v1,model=x", "no address")]
    [InlineData("openai=127.0.0.1:80,model=x", "no address")]
    [InlineData("openai=http://user:sk-secret@127.0.0.1/v1,model=x", "HYPERSPACE_MODEL_KEY")]
    [InlineData("openai=http://127.0.0.1/v1?key=sk-secret,model=x", "HYPERSPACE_MODEL_KEY")]
    public void Anything_else_is_an_error_that_says_what_to_do_and_repeats_no_secret(string text, string expected)
    {
        Assert.Null(ModelEndpointOption.Parse(text, null, out var error));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_no_header_may_have_is_refused_without_being_told()
    {
        Assert.Null(ModelEndpointOption.Parse("openai=http://127.0.0.1/v1,model=x", "broken\nkey", out var error));
        Assert.DoesNotContain("broken", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_playbook_is_printed_under_its_sections_as_ACE_prints_it()
    {
        static JsonObject Bullet(string id, string section, string text) => new() { ["id"] = id, ["section"] = section, ["text"] = text, ["helpful"] = 3, ["harmful"] = 1, ["score"] = 0.6 };
        Assert.Equal(
            "## TOOLS\n[b] helpful=3 harmful=1 :: Use docs-search.\n\n## INSIGHTS\n[a] helpful=3 harmful=1 :: Ask twice.\n[c] helpful=3 harmful=1 :: Wait.\n\n## OTHERS\n[d] helpful=3 harmful=1 :: Rest.",
            PlaybookCommand.Text([Bullet("a", "insights", "Ask twice."), Bullet("b", "tools", "Use docs-search."), Bullet("c", "insights", "Wait."), Bullet("d", "others", "Rest.")]));
        Assert.StartsWith("Nothing yet", PlaybookCommand.Text([]), StringComparison.Ordinal);
    }
}
