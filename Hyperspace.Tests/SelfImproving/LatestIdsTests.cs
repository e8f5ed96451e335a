using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Actors.SelfImproving;

namespace Hyperspace.Tests.SelfImproving;

public class LatestIdsTests
{
    [Property(MaxTest = 100)]
    public bool The_last_ones_are_there_and_not_many_more(PositiveInt seed, PositiveInt count)
    {
        var random = new Random(seed.Get);
        var ids = Enumerable.Range(0, count.Get * 4).Select(_ => Enumerable.Range(0, IdSet.IdBytes).Select(_ => (byte)random.Next(256)).ToArray()).ToList();
        var (latest, most) = (LatestIds.None(atLeast: 10), 0);
        foreach (var some in ids.Chunk(3))
        {
            latest = latest.Add(IdSet.Of(some));
            most = Math.Max(most, latest.All.Count);
        }

        return ids.TakeLast(10).All(id => latest.All.Contains(id)) && most <= 2 * (10 + 2);
    }
}
