using FsCheck;
using FsCheck.Xunit;
using Hyperspace.Actors.Learning;

namespace Hyperspace.Tests.Learning;

public class WorkingSetsTests
{
    private const long Limit = 100;

    [Property(MaxTest = 300)]
    public bool All_together_stay_within_the_bound_and_who_was_used_last_is_never_asked_to_go(int seed)
    {
        var random = new Random(seed);
        var sets = WorkingSets<int>.Empty(Limit);
        var (held, order) = (new Dictionary<int, long>(), new List<int>());
        for (var i = 0; i < 200; i++)
        {
            var owner = random.Next(12);
            if (random.Next(4) == 0)
            {
                sets = sets.Free(owner);
                held.Remove(owner);
                order.Remove(owner);
                continue;
            }

            var bytes = random.Next(random.Next(3) == 0 ? 250 : 60);
            (sets, var giveWay) = sets.Use(owner, bytes);
            held[owner] = bytes;
            order.Remove(owner);
            order.Add(owner);

            // The model: the bound is kept by taking those away that were not used for longest, but for the last one.
            var expected = new List<int>();
            while (order.Count > 1 && order.Sum(other => held[other]) > Limit)
            {
                expected.Add(order[0]);
                order.RemoveAt(0);
            }

            if (!giveWay.SequenceEqual(expected) || sets.Bytes != order.Sum(other => held[other]) || sets.Count != held.Count)
            {
                return false;
            }
        }

        return true;
    }

    [Fact]
    public void One_alone_may_have_more_than_the_bound()
    {
        var (one, none) = WorkingSets<string>.Empty(Limit).Use("large", 1_000);
        Assert.Empty(none);
        var (two, giveWay) = one.Use("small", 1);
        Assert.Equal(["large"], giveWay);
        Assert.Equal((1, 2), (two.Bytes, two.Count));
        Assert.Equal((1, 1), (two.Free("large").Bytes, two.Free("large").Count));
    }

    [Fact]
    public void Who_is_used_again_before_it_has_gone_is_counted_again()
    {
        var (sets, _) = WorkingSets<string>.Empty(Limit).Use("a", 60);
        (sets, var first) = sets.Use("b", 60);
        (sets, var second) = sets.Use("a", 60);
        Assert.Equal(["a"], first);
        Assert.Equal(["b"], second);
        Assert.Equal(60, sets.Bytes);
    }
}
