using System.Globalization;
using System.Text;
using System.Text.Json;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Scale;

/// <summary>Where the process stood after some of the records.</summary>
/// <param name="Records">How many were taken in.</param>
/// <param name="PerSecond">Since the point before.</param>
/// <param name="WorkingSetMiB">Resident memory.</param>
/// <param name="HeapMiB">Managed heap after a collection.</param>
/// <param name="FileMiB">The database.</param>
internal sealed record ScalePoint(int Records, double PerSecond, double WorkingSetMiB, double HeapMiB, double FileMiB);

/// <summary>What <see cref="ScaleScenario"/> measured.</summary>
/// <param name="TaskTypes">How many task types the records are of.</param>
/// <param name="Points">While records came in.</param>
/// <param name="Kept">Records on disk at the end.</param>
/// <param name="RestartSeconds">From a new process's start until every task type answers.</param>
/// <param name="QueryP50Ms">A query of one task type, median.</param>
/// <param name="QueryP99Ms">99th percentile.</param>
internal sealed record ScaleReport(int TaskTypes, IReadOnlyList<ScalePoint> Points, long Kept, double RestartSeconds, double QueryP50Ms, double QueryP99Ms)
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);

    public string ToJson() => JsonSerializer.Serialize(this, CamelCase);

    public string ToMarkdown()
    {
        var text = new StringBuilder($"{LoopReport.Machine()}\n\n| records | records/s | working set, MiB | managed heap, MiB | database, MiB |\n|---|---|---|---|---|\n");
        foreach (var p in Points)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {p.Records:N0} | {p.PerSecond:N0} | {p.WorkingSetMiB:N0} | {p.HeapMiB:N0} | {p.FileMiB:N0} |\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"\n{Kept:N0} records of {TaskTypes} task types kept; restart {RestartSeconds:0.0} s; query p50 {QueryP50Ms:0.00} ms, p99 {QueryP99Ms:0.00} ms\n").ToString();
    }
}
