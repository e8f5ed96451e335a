using System.Text.Json.Nodes;
using Spectre.Console;

namespace Hyperspace.Host.Demo;

/// <summary>One step of the demo, as it happened.</summary>
internal sealed record DemoStep(string Phase, string Text, double Milliseconds);

/// <summary>What one peer paid and received, by its sessions and by its channels.</summary>
internal sealed record DemoMoney(string Peer, decimal SpentBySessions, decimal PaidOverChannels, decimal Received);

/// <summary>What one peer's gossip did.</summary>
internal sealed record DemoGossip(string Peer, long Published, long Delivered);

/// <summary>Everything the demo shows at its end.</summary>
internal sealed record DemoReport(
    IReadOnlyList<DemoStep> Steps,
    IReadOnlyList<DemoMoney> Money,
    IReadOnlyList<DemoGossip> Gossip,
    IReadOnlyList<string> Bullets,
    IReadOnlyList<Attempt> Before,
    IReadOnlyList<Attempt> After,
    IReadOnlyDictionary<string, double> Latencies,
    double Seconds)
{
    public static double RateOf(IReadOnlyList<Attempt> attempts) => attempts.Count == 0 ? 0 : attempts.Count(a => a.Solved) / (double)attempts.Count;

    public JsonObject ToJson() => new()
    {
        ["ok"] = true,
        ["seconds"] = Math.Round(Seconds, 2),
        ["steps"] = new JsonArray([.. Steps.Select(s => (JsonNode)new JsonObject { ["phase"] = s.Phase, ["text"] = s.Text, ["ms"] = Math.Round(s.Milliseconds, 1) })]),
        ["latenciesMs"] = new JsonObject(Latencies.Select(l => KeyValuePair.Create(l.Key, (JsonNode?)Math.Round(l.Value, 2)))),
        ["money"] = new JsonArray([.. Money.Select(m => (JsonNode)new JsonObject { ["peer"] = m.Peer, ["spentBySessions"] = m.SpentBySessions, ["paidOverChannels"] = m.PaidOverChannels, ["received"] = m.Received })]),
        ["gossip"] = new JsonArray([.. Gossip.Select(g => (JsonNode)new JsonObject { ["peer"] = g.Peer, ["published"] = g.Published, ["delivered"] = g.Delivered })]),
        ["bulletsLearned"] = new JsonArray([.. Bullets.Select(b => (JsonNode?)b)]),
        ["successBefore"] = RateOf(Before),
        ["successAfter"] = RateOf(After),
    };

    public void Print()
    {
        var bars = new BarChart().Width(64).Label("[bold]C's success rate, one paid call per question[/]").WithMaxValue(100)
            .AddItem("alone", Math.Round(100 * RateOf(Before)), Color.Red3)
            .AddItem("after gossip", Math.Round(100 * RateOf(After)), Color.Green3);
        AnsiConsole.WriteLine();
        AnsiConsole.Write(bars);
        AnsiConsole.WriteLine();

        var table = new Table().Border(TableBorder.Rounded).AddColumn("what").AddColumn(new TableColumn("A").RightAligned()).AddColumn(new TableColumn("B").RightAligned()).AddColumn(new TableColumn("C").RightAligned());
        Row(table, "spent by sessions, USDC", Money.Select(m => $"{m.SpentBySessions:0.######}"));
        Row(table, "paid over channels, USDC", Money.Select(m => $"{m.PaidOverChannels:0.######}"));
        Row(table, "received, USDC", Money.Select(m => $"{m.Received:0.######}"));
        Row(table, "messages gossiped", Gossip.Select(g => $"{g.Published}"));
        Row(table, "messages heard", Gossip.Select(g => $"{g.Delivered}"));
        AnsiConsole.Write(table);

        var times = new Table().Border(TableBorder.Rounded).AddColumn("latency").AddColumn(new TableColumn("ms").RightAligned());
        foreach (var (name, milliseconds) in Latencies)
        {
            times.AddRow(name, $"{milliseconds:0.0}");
        }

        AnsiConsole.Write(times);
        AnsiConsole.MarkupLine("[bold]What C knows now[/]");
        foreach (var bullet in Bullets)
        {
            AnsiConsole.MarkupLineInterpolated($"  • {bullet}");
        }

        AnsiConsole.MarkupLineInterpolated($"[green]The whole loop ran in {Seconds:0.0} s.[/]");
    }

    private static void Row(Table table, string name, IEnumerable<string> cells) => table.AddRow([name, .. cells]);
}
