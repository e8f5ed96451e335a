using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Hyperspace.Host.CommandLine;

/// <summary><c>hyperspace reputation</c> and <c>hyperspace rate</c>.</summary>
internal static class ReputationCommands
{
    public static IEnumerable<Command> All() => [Reputation(), Rate()];

    private static Command Reputation()
    {
        var peer = new Argument<string>("PEER") { Description = "The peer's id." };
        return new Command("reputation", "Show how a peer stands with this one, and why.") { peer }.Asks(
            (parsed, client, ct) => client.CallAsync("reputation.explain", new JsonObject { ["peerId"] = parsed.GetValue(peer) }, ct),
            PrintReputation);
    }

    private static Command Rate()
    {
        var value = new Argument<double>("VALUE") { Description = "-1 (bad) to 1 (good).", CustomParser = parsed => Number(parsed.Tokens[0].Value) };
        value.Validators.Add(r =>
        {
            if (Number(r.Tokens[0].Value) is not (>= -1 and <= 1))
            {
                r.AddError("VALUE is a number from -1 (bad) to 1 (good).");
            }
        });
        var peer = new Option<string?>("--peer") { Description = "Whom." };
        var session = new Option<string?>("--session") { Description = "Whoever was paid in this session." };
        var request = new Option<string?>("--request") { Description = "A paid call: its receipt's requestId." };
        var command = new Command("rate", "Say what a peer's service was worth; with a payment's receipt others hear it, too.") { value, peer, session, request };
        command.Validators.Add(r =>
        {
            if (new[] { peer, session, request }.Count(option => r.GetResult(option) is not null) != 1)
            {
                r.AddError("Give exactly one of --peer, --session and --request.");
            }
        });
        return command.Asks(
            (parsed, client, ct) => client.CallAsync("reputation.rate", new JsonObject
            {
                ["peerId"] = parsed.GetValue(peer),
                ["sessionId"] = parsed.GetValue(session),
                ["requestId"] = parsed.GetValue(request),
                ["value"] = parsed.GetValue(value),
            }, ct),
            Print.Fields);
    }

    // The point of JSON, whatever the shell's language writes.
    private static double Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    private static void PrintReputation(JsonNode? view)
    {
        var reasons = view!["reasons"];
        view.AsObject().Remove("reasons");
        Print.Fields(view);
        Print.Table(reasons, ["kind", "for", "against", "text"]);
    }
}
