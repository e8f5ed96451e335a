using System.Text.Json.Nodes;
using Hyperspace.Host.CommandLine;

namespace Hyperspace.Tests.CommandLine;

/// <summary>What strangers wrote, as a terminal gets it.</summary>
public class PrintedTextTests
{
    private const string Hostile = "ok\u001b[2J\ncontextId ctx_forged\u202e\u009b1m\u2028\U000E0041";
    private const string Shown = @"ok\u001b[2J\ncontextId ctx_forged\u202e\u009b1m\u2028\U000e0041";

    [Theory]
    [InlineData("Gr\u00fc\u00dfe, \u4f60\u597d \U0001f468\u200d\U0001f469", "Gr\u00fc\u00dfe, \u4f60\u597d \U0001f468\u200d\U0001f469")]
    [InlineData("a\r\n\tb\u007f", @"a\r\n\tb\u007f")]
    [InlineData(Hostile, Shown)]
    public void A_text_stays_on_its_line_and_commands_no_terminal(string text, string shown) => Assert.Equal(shown, Print.OnOneLine(text));

    [Fact]
    public void A_context_is_printed_in_the_lines_whose_tokens_were_counted_and_none_that_others_forge()
    {
        var context = new JsonObject
        {
            ["bullets"] = new JsonArray(Bullet("Ask first."), Bullet(Hostile)),
            ["exemplars"] = new JsonArray(new JsonObject
            {
                ["input"] = Hostile,
                ["steps"] = new JsonArray(new JsonObject { ["name"] = "echo", ["input"] = new JsonObject { ["k\u202e"] = 1 }, ["error"] = Hostile }),
                ["output"] = Hostile,
                ["reward"] = 1,
            }),
            ["contextId"] = "ctx_1",
            ["tokens"] = 7,
        };
        Assert.Equal(
            ["- Ask first.", $"- {Shown}", "", $"## {Shown}", $$"""echo {"k\u202e":1} → {{Shown}}""", $"= {Shown} (reward 1)", "", "contextId ctx_1, 7 tokens"],
            LearningCommands.ContextText(context).ReplaceLineEndings("\n").Split('\n'));
        (context["bullets"], context["exemplars"]) = (new JsonArray(), new JsonArray());
        Assert.StartsWith("Nothing yet", LearningCommands.ContextText(context), StringComparison.Ordinal);
    }

    [Fact]
    public void A_playbook_is_printed_without_what_others_forge() =>
        Assert.Equal($"## INSIGHTS\n[b] helpful=1 harmful=0 :: {Shown}", PlaybookCommand.Text([Bullet(Hostile)]));

    private static JsonObject Bullet(string text) => new() { ["id"] = "b", ["section"] = "insights", ["text"] = text, ["helpful"] = 1, ["harmful"] = 0 };
}
