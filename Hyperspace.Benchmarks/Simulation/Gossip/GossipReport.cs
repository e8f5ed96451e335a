using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hyperspace.Benchmarks.Simulation.Gossip;

/// <summary>What one scenario showed; only honest peers count.</summary>
internal sealed record GossipReport
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Honest peers.</summary>
    public required int Peers { get; init; }

    public required int Messages { get; init; }

    public required int Seed { get; init; }

    /// <summary>Share of RPCs lost.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of peers that left per minute.</summary>
    public required double Churn { get; init; }

    public string? Attack { get; init; }

    public int Attackers { get; init; }

    /// <summary>Share of the expected deliveries that happened in time.</summary>
    public required double Delivery { get; init; }

    /// <summary>Pairs of a message and a peer that was there all its lifetime.</summary>
    public required long Expected { get; init; }

    /// <summary>The same for messages to and from the attack's victim.</summary>
    public double? VictimDelivery { get; init; }

    /// <summary>Median of publish → delivery, in virtual ms.</summary>
    public required int P50Ms { get; init; }

    public required int P99Ms { get; init; }

    /// <summary>Mean number of links from author to receiver.</summary>
    public required double Hops { get; init; }

    public required int MaxHops { get; init; }

    /// <summary>Further copies that a peer got of a message.</summary>
    public required double Duplicates { get; init; }

    /// <summary>Bytes that a peer sent from the first message to the end.</summary>
    public required double BytesPerPeer { get; init; }

    /// <summary>The part of them that was control.</summary>
    public required double ControlBytesPerPeer { get; init; }

    /// <summary>Mean size of a mesh at the end.</summary>
    public required double MeshDegree { get; init; }

    /// <summary>Share of honest peers' mesh places that attackers hold at the end.</summary>
    public double? AttackersInMeshes { get; init; }

    /// <summary>Mean score that honest peers give to the attackers that they are connected to, at the end.</summary>
    public double? AttackerScore { get; init; }

    /// <summary>Virtual time from the first message to the end.</summary>
    public required double VirtualSeconds { get; init; }

    public double WallSeconds { get; init; }

    /// <summary>Managed memory at the end.</summary>
    public double MemoryMiB { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    /// <summary>The heading of <see cref="ToRow"/>'s table.</summary>
    public static string Heading => """
        | peers | loss | churn /min | attack | delivery | p50 ms | p99 ms | hops (max) | duplicates | kB sent per peer (control) | wall s |
        |--:|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|
        """;

    public string ToRow() => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Peers:#,0} | {Loss:0%} | {Churn:0%} | {Attack ?? ""} | {Delivery:0.000%}{(VictimDelivery is { } v ? $" (victim {v:0.0%})" : "")} | {P50Ms:#,0} | {P99Ms:#,0} | {Hops:0.00} ({MaxHops}) | {Duplicates:0.00} | {BytesPerPeer / 1000:#,0.0} ({ControlBytesPerPeer / 1000:#,0.0}) | {WallSeconds:0.0} |");

    /// <summary>A table of the runs, and a line on each.</summary>
    public static string ToMarkdown(IReadOnlyList<GossipReport> reports)
    {
        var text = new StringBuilder(Heading).Append('\n').AppendJoin('\n', reports.Select(static r => r.ToRow())).Append('\n');
        foreach (var report in reports)
        {
            text.Append('\n').Append(report.Remarks());
        }

        return text.ToString();
    }

    /// <summary>The runs' costs over the number of peers, as SVG.</summary>
    public static string Plot(IReadOnlyList<GossipReport> reports)
    {
        PlotSeries Over(string name, Func<GossipReport, double> value) => new(name, [.. reports.Select(r => ((double)r.Peers, value(r)))]);
        return SvgPlot.Render(
            "peers",
            [
                new PlotPanel("latency, ms", [Over("p50", static r => r.P50Ms), Over("p99", static r => r.P99Ms)]),
                new PlotPanel("links from author to receiver", [Over("mean", static r => r.Hops), Over("log D of N", static r => Math.Log(r.Peers, 6))]),
                new PlotPanel("kB sent per peer", [Over("all", static r => r.BytesPerPeer / 1000), Over("control", static r => r.ControlBytesPerPeer / 1000)]),
                new PlotPanel("further copies per message", [Over("duplicates", static r => r.Duplicates)]),
            ]);
    }

    private string Remarks()
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{Peers:#,0} peers: {Expected:#,0} deliveries expected; mean mesh {MeshDegree:0.0}; {VirtualSeconds:0} virtual seconds; {MemoryMiB:#,0} MiB managed at the end.");
        return Attackers == 0
            ? text
            : text + string.Create(CultureInfo.InvariantCulture, $" {Attackers} attackers hold {AttackersInMeshes ?? 0:0.0%} of the honest meshes; their mean score is {AttackerScore ?? 0:0.0}.");
    }
}
