using System.Diagnostics;
using Xunit.Abstractions;

namespace Hyperspace.Tests.Micropayments.Channels.Model;

/// <summary>
/// No micro-unit is made or lost, none is served unpaid, none is charged twice, whatever happens: payments, crashes of either
/// side before and after a write, losses, repeats and reorderings on the network, top-ups, closings of both kinds, and
/// reorganisations of the chain.
/// </summary>
public class ConservationTests(ITestOutputHelper output)
{
    private const int Histories = 100_000;

    [Fact]
    public void Money_is_conserved_in_every_history()
    {
        var clock = Stopwatch.StartNew();
        var first = Random.Shared.Next(0, int.MaxValue - Histories);
        Parallel.For(first, first + Histories, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, Run);
        output.WriteLine($"{Histories} histories from seed {first} in {clock.Elapsed.TotalSeconds:0.0} s");
    }

    /// <summary>Histories that once failed.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_history_that_failed_before_holds(int seed) => Run(seed);

    private static void Run(int seed)
    {
        try
        {
            new World(seed).Run(20 + (seed % 40));
        }
        catch (Exception e)
        {
            throw new Xunit.Sdk.XunitException($"The history of seed {seed} fails: {e}");
        }
    }
}
