using System.Globalization;
using System.Text;
using System.Text.Json;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Scale;

/// <summary>Where the process stood after some of the records, once every task type had been asked.</summary>
/// <param name="Records">How many were taken in.</param>
/// <param name="PerSecond">Since the point before.</param>
/// <param name="WorkingSetMiB">Resident memory.</param>
/// <param name="HeapMiB">Managed heap after a collection.</param>
/// <param name="FileMiB">The database of the records.</param>
internal sealed record ScalePoint(int Records, double PerSecond, double WorkingSetMiB, double HeapMiB, double FileMiB);

/// <summary>What <see cref="ScaleScenario"/> measured.</summary>
/// <param name="TaskTypes">How many task types the records are of.</param>
/// <param name="Points">While records came in.</param>
/// <param name="Figures">The others.</param>
internal sealed record ScaleReport(int TaskTypes, IReadOnlyList<ScalePoint> Points, IReadOnlyList<Figure> Figures)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    public string ToMarkdown()
    {
        var text = new StringBuilder($"| records of {TaskTypes:N0} task types | records/s | managed heap, MiB | working set, MiB | learning.db, MiB |\n|--:|--:|--:|--:|--:|\n");
        foreach (var p in Points)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {p.Records:N0} | {p.PerSecond:N0} | {p.HeapMiB:N0} | {p.WorkingSetMiB:N0} | {p.FileMiB:N0} |\n");
        }

        return text.Append('\n').Append(new LoopReport(Figures).ToMarkdown()).ToString();
    }
}
