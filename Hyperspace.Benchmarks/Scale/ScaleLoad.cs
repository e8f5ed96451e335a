using Google.Protobuf;
using Hyperspace.Actors.Identity;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Contracts.Wire;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Benchmarks.Scale;

/// <summary>What is put into the peer: records of many authors, and capabilities of many peers.</summary>
internal sealed class ScaleLoad(int taskTypes)
{
    private const int Authors = 64;
    private const int OfOnePeer = 20;
    private static readonly string[] Things = ["flight", "hotel", "weather", "invoice", "map", "recipe", "contract", "song", "parcel", "patent", "train", "museum"];
    private static readonly string[] Deeds = ["find", "book", "compare", "translate", "summarize", "convert", "track", "draw", "schedule", "price"];

    private readonly KeyPair[] _authors = [.. Enumerable.Range(0, Authors).Select(_ => KeyPair.Generate())];
    private readonly HybridClock _clock = new(TimeProvider.System);

    /// <summary>The name of a task type.</summary>
    public static string TaskType(int number) => $"scale-{number}";

    /// <summary>What a record of that number was asked, and what a query asks.</summary>
    public static string Input(int number) => $"find the flight to city {number * 31 % 200} for {number % 7} people";

    /// <summary>A signed record.</summary>
    public (int TaskType, byte[] Envelope) Record(int number)
    {
        var run = new Trajectory
        {
            TaskType = TaskType(number % taskTypes),
            Input = Input(number),
            Output = "done",
            Reward = number * 7 % 11 / 10.0,
            RecordedMs = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
        };
        for (var step = 0; step < 2; step++)
        {
            run.Steps.Add(new TrajectoryStep
            {
                Kind = "tool",
                Name = $"12D3KooWProvider/flights-{(number + step) % 50}",
                Input = $$"""{"city":"city {{number * 31 % 200}}","people":{{number % 7}},"page":{{step}}}""",
                Output = "3 flights, the first at 09:40",
                Ok = number % 9 != 0,
                DurationUs = 20_000,
            });
        }

        return (number % taskTypes, SignedEnvelope.Seal(_authors[number % Authors], EnvelopeTypes.Trajectory, run.ToByteArray(), _clock.Next()).Bytes.ToArray());
    }

    /// <summary>What other peers offer, peer by peer.</summary>
    public static IEnumerable<MatrixMessages.Offered> Capabilities(int count) => Enumerable.Range(0, count).Chunk(OfOnePeer).Select(numbers =>
    {
        var peer = $"peer{numbers[0] / OfOnePeer}";
        return new MatrixMessages.Offered(peer, [.. numbers.Select(i => Of(peer, i))], DateTimeOffset.UtcNow.AddDays(1));
    });

    /// <summary>What somebody looks for.</summary>
    public static string Search(int number) => $"{Deeds[number % Deeds.Length]} a {Things[number / 3 % Things.Length]} near city {number % 200}";

    private static Capability Of(string peer, int i)
    {
        var (deed, thing, other) = (Deeds[i % Deeds.Length], Things[i / Deeds.Length % Things.Length], Things[i / 7 % Things.Length]);
        return new Capability($"{peer}/{deed}-{thing}-{i}", "tool", $"{deed}-{thing}-{i}", $"Can {deed} any {thing} or {other} in city {i % 200}, with prices and dates.", [thing], peer);
    }
}
