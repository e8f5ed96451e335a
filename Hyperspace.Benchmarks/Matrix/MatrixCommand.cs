using System.CommandLine;
using Hyperspace.Benchmarks.Learn;
using Hyperspace.Benchmarks.Loop;

namespace Hyperspace.Benchmarks.Matrix;

/// <summary><c>matrix --data DIR</c>: how well and how fast the matrix searches.</summary>
internal static class MatrixCommand
{
    private static readonly int[] Votes = [0, 1000, 5000];

    public static Command Create(Option<bool> json)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = "Folder with plugin_des.json and queries.csv of ToolE.", Required = true };
        var seed = new Option<int>("--seed") { Description = "Splits and shuffles.", DefaultValueFactory = _ => 1 };
        var command = new Command("matrix", "How well each leg of the matrix and their fusion rank ToolE's tools after votes, and how long a search takes over 10,000 and 100,000 capabilities; each figure with its bar.") { data, seed };
        command.SetAction(parsed =>
        {
            var queries = ToolQueries.Load(parsed.GetValue(data)!);
            Action<string> tell = parsed.GetValue(json) ? _ => { } : Console.Error.WriteLine;
            tell("ranking");
            var figures = new List<Figure>();
            using (var quality = new RankingQuality(queries, parsed.GetValue(seed)))
            {
                figures.AddRange(quality.Measure(Votes));
            }

            foreach (var (capabilities, most) in ((int, double)[])[(10_000, 10), (100_000, 50)])
            {
                tell($"latency at {capabilities} capabilities");
                figures.AddRange(SearchLatency.Measure(queries, capabilities, most, parsed.GetValue(seed)));
            }

            var report = new LoopReport(figures);
            Console.Out.WriteLine(parsed.GetValue(json) ? report.ToJson() : report.ToMarkdown());
            return figures.All(f => f.Met != false) ? 0 : 1;
        });
        return command;
    }
}
