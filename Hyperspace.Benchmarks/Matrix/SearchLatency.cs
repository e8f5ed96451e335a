using System.Diagnostics;
using System.Globalization;
using Hyperspace.Actors.Matrix;
using Hyperspace.Benchmarks.Learn;
using Hyperspace.Benchmarks.Loop;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Benchmarks.Matrix;

/// <summary>
/// How long a search takes over so many capabilities, in the real file with the real index, while outcomes of many authors are learnt.
/// The capabilities are made of ToolE's: names and sentences of several tools, mixed.
/// </summary>
internal static class SearchLatency
{
    private const int Warmup = 50;
    private const int Searches = 1000;
    private const int Authors = 16;
    private const int Outcomes = 4000;

    public static IReadOnlyList<Figure> Measure(ToolQueries data, int capabilities, double mostMs, int seed)
    {
        var directory = Directory.CreateTempSubdirectory("hyperspace-bench-");
        try
        {
            using var store = MatrixStore.Open(directory.FullName, out _);
            using var state = new MatrixState(store, "self", null);
            var random = new Random(seed);
            var filling = Stopwatch.StartNew();
            var tools = data.Tools.ToList();
            for (var i = 0; i < capabilities; i++)
            {
                var (one, other, third) = (tools[random.Next(tools.Count)], tools[random.Next(tools.Count)], tools[random.Next(tools.Count)]);
                var peer = $"peer{i / 20}";
                state.Index.Put(new Capability($"{peer}/{one.Key}-{i}", "tool", $"{one.Key} {other.Key}", $"{Half(one.Value)} {Half(third.Value)}", [], peer), long.MaxValue);
                if (i % 2000 == 0)
                {
                    store.Commit();
                }
            }

            store.Commit();
            var perPut = filling.Elapsed.TotalMilliseconds / capabilities;
            var queries = data.Split(seed).Train;
            for (var i = 0; i < Outcomes; i++)
            {
                var hits = i % 4 == 0 ? state.Index.Lexical(queries[i].Text) : [];
                var capability = hits.Count > 0 ? hits[random.Next(hits.Count)].Capability : $"peer0/{tools[0].Key}-0";
                state.Model.Record($"author{i % Authors}", capability, MatrixTerms.Of(queries[i].Text), random.Next(2) == 0);
            }

            store.Commit();
            var latencies = new Latencies();
            for (var i = 0; i < Warmup + Searches; i++)
            {
                var start = Stopwatch.GetTimestamp();
                state.Search(queries[Outcomes + i].Text, [], 10, []);
                if (i >= Warmup)
                {
                    latencies.Add(Stopwatch.GetElapsedTime(start));
                }
            }

            var name = string.Create(CultureInfo.InvariantCulture, $"search over {capabilities:#,0} capabilities");
            return
            [
                new Figure($"{name}, p50", latencies.Percentile(0.5), "ms"),
                new Figure($"{name}, p99", latencies.Percentile(0.99), "ms", AtMost: mostMs),
                new Figure($"taking one of {capabilities.ToString("#,0", CultureInfo.InvariantCulture)} capabilities in, mean", perPut, "ms"),
            ];
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static string Half(string text) => text[..(text.Length / 2)];
}
