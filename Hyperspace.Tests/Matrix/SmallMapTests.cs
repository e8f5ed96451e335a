using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hyperspace.Actors.Matrix;

namespace Hyperspace.Tests.Matrix;

public sealed class SmallMapTests
{
    [Property(MaxTest = 300)]
    public Property It_holds_what_a_dictionary_holds()
    {
        var change = from key in Gen.Choose(0, 12) from value in Gen.Choose(0, 9) from removes in Gen.Elements(true, false, false) select (key, value, removes);
        return Prop.ForAll(Arb.From(Gen.ListOf(change)), changes =>
        {
            var (map, truth) = (new SmallMap<string, int>(), new Dictionary<string, int>());
            return changes.All(c =>
            {
                var key = $"key {c.key}";
                if (c.removes)
                {
                    map.Remove(key);
                    truth.Remove(key);
                }
                else
                {
                    map.Set(key, c.value);
                    truth[key] = c.value;
                }

                return map.Count == truth.Count && truth.All(t => map.GetValueOrDefault(t.Key) == t.Value) && map.GetValueOrDefault("another") == 0
                    && map.OrderBy(e => e.Key, StringComparer.Ordinal).SequenceEqual(truth.OrderBy(e => e.Key, StringComparer.Ordinal));
            });
        });
    }

    [Fact]
    public void One_entry_costs_a_fraction_of_a_dictionary()
    {
        var maps = new SmallMap<string, (long, long)>[1000];
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < maps.Length; i++)
        {
            maps[i] = new SmallMap<string, (long, long)>();
            maps[i].Set("key", (1, 2));
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 72 * maps.Length);
        Assert.All(maps, m => Assert.Equal((1L, 2L), m.GetValueOrDefault("key")));
    }
}
