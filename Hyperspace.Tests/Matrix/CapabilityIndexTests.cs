using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Matrix;

namespace Hyperspace.Tests.Matrix;

/// <summary>What capabilities say of themselves: found by words and by spelling, forgotten in time, kept in the file.</summary>
public sealed class CapabilityIndexTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("hyperspace-test-").FullName;

    [Fact]
    public void Words_find_names_descriptions_and_tags_and_rare_ones_count_more()
    {
        using var store = MatrixStore.Open(null, out _);
        var index = Filled(store);
        Assert.Equal("p/airQualityForecast", index.Lexical("what is the quality of the air")[0].Capability);
        Assert.Equal("p/cook", index.Lexical("recipes for soups")[0].Capability);
        Assert.Equal("p/skill/negotiate", index.Lexical("bargaining")[0].Capability);
        Assert.Empty(index.Lexical("xylophone"));
        Assert.Empty(index.Lexical("\" OR * NEAR( the"));
    }

    [Fact]
    public void A_word_that_many_have_finds_where_rarer_ones_find_little_and_ranks_where_they_find_enough()
    {
        using var store = MatrixStore.Open(null, out _);
        var index = new CapabilityIndex(store);
        for (var i = 0; i < 6600; i++)
        {
            // 3 are kindly, 300 are quick, 1,650 translate; none of the kindly and few of the quick do.
            index.Put(Of($"p/{i}", $"n{i}", (i % 2200 == 1 ? "kindly " : "") + (i % 22 == 3 || i == 4 ? "quick " : "") + (i % 4 == 0 ? "translate" : "cook")), 100);
        }

        var kind = index.Lexical("kindly translate");
        Assert.Equal(["p/1", "p/2201", "p/4401"], kind.Take(3).Select(h => h.Capability).Order(StringComparer.Ordinal));
        Assert.Equal(CapabilityIndex.MaxHits, kind.Count);
        Assert.All(kind.Skip(3), hit => Assert.Contains("translate", index.Find(hit.Capability)!.Description, StringComparison.Ordinal));

        var quick = index.Lexical("a quick translation, translate!");
        Assert.Equal("p/4", quick[0].Capability);
        Assert.All(quick, hit => Assert.Contains("quick", index.Find(hit.Capability)!.Description, StringComparison.Ordinal));

        // What nearly all have finds only where nothing else does.
        Assert.DoesNotContain(index.Lexical("kindly cook translate").Skip(3), hit => index.Find(hit.Capability)!.Description == "cook");
        Assert.Equal(CapabilityIndex.MaxHits, index.Lexical("cook").Count);
    }

    [Fact]
    public void Spelling_finds_what_words_do_not()
    {
        using var store = MatrixStore.Open(null, out _);
        var index = Filled(store);
        Assert.Empty(index.Lexical("negotation"));
        Assert.Equal("p/skill/negotiate", index.Alike("negotation")[0].Capability);
        Assert.Empty(index.Alike(""));
    }

    [Fact]
    public void A_vector_is_as_long_as_its_text_is_like_itself()
    {
        var vector = CharVectors.Of("forecasts the weather");
        Assert.InRange(CharVectors.Cosine(vector, vector), 0.95, 1.05);
        Assert.InRange(CharVectors.Cosine(vector, CharVectors.Of("weather forecasting for cities")), 0.5, 1);
        Assert.InRange(CharVectors.Cosine(vector, CharVectors.Of("quantum chromodynamics lecture")), -0.2, 0.2);
    }

    [Fact]
    public void It_is_there_again_after_a_restart_without_what_was_removed_replaced_or_expired()
    {
        using (var store = MatrixStore.Open(_directory, out _))
        {
            var index = Filled(store);
            index.Put(Of("p/cook", "cook", "Bakes bread now.") with { Tags = ["kitchen"] }, 100);
            index.Remove("p/airQualityForecast");
            index.Put(Of("p/late", "late", "Expires soon."), 5);
            index.Expire(50);
            store.Commit();
        }

        using var again = MatrixStore.Open(_directory, out var replaced);
        var loaded = new CapabilityIndex(again);
        Assert.Null(replaced);
        Assert.Equal(2, loaded.Count);
        Assert.Equal("p/cook", loaded.Lexical("bread")[0].Capability);
        Assert.Equal("p/cook", loaded.Alike("breads")[0].Capability);
        Assert.Equal(["kitchen"], loaded.Find("p/cook")!.Tags);
        Assert.Empty(loaded.Lexical("soup"));
        Assert.Empty(loaded.Lexical("quality"));
        Assert.Empty(loaded.Lexical("expires"));
        loaded.Put(Of("p/new", "new", "Takes a free place."), 100);
        Assert.Equal(3, loaded.Count);
    }

    [Fact]
    public void A_few_providers_do_not_fill_the_index_and_own_capabilities_always_find_room()
    {
        using var store = MatrixStore.Open(null, out _);
        var index = new CapabilityIndex(store, "me", capacity: 8);
        Assert.All(Ids("mallory", 4).Concat(Ids("trudy", 4)), id => Assert.True(Put(id)));
        Assert.False(Put("mallory/z"));
        Assert.Equal([true, true, false, false], Ids("bob", 4).Select(Put));
        Assert.Equal(8, index.Count);
        Assert.Equal((3, 3, 2), (index.OfPeer("mallory").Count, index.OfPeer("trudy").Count, index.OfPeer("bob").Count));

        // Those that gave way come again with each record, and stay out.
        Assert.Equal([true, true, true, false], Ids("mallory", 4).Select(Put));
        Assert.All(Ids("me", 6), id => Assert.True(Put(id)));
        Assert.Equal(Ids("me", 6), index.OfPeer("me"));
        Assert.Equal(8, index.Count);
        index.Remove("me/0");
        Assert.True(Put("bob/9"));

        // After a restart they have what they had.
        var loaded = new CapabilityIndex(store, "me", capacity: 8);
        Assert.Equal(index.Ids.Order(StringComparer.Ordinal), loaded.Ids.Order(StringComparer.Ordinal));
        Assert.True(loaded.Put(Of("me/0", "0", "Cooks.") with { PeerId = "me" }, 100));

        bool Put(string id) => index.Put(Of(id, id.Split('/')[1], "Cooks.") with { PeerId = id.Split('/')[0] }, 100);
        static IEnumerable<string> Ids(string peer, int count) => Enumerable.Range(0, count).Select(i => $"{peer}/{i}");
    }

    [Fact]
    public void A_damaged_file_is_put_aside()
    {
        File.WriteAllText(Path.Combine(_directory, MatrixStore.FileName), new string('x', 4096));
        using var store = MatrixStore.Open(_directory, out var replaced);
        Assert.NotNull(replaced);
        Assert.True(File.Exists(Path.Combine(_directory, MatrixStore.FileName + ".aside")));
        Assert.Empty(store.LoadCounters());
    }

    [Fact]
    public void Many_legs_are_joined_and_failures_sink()
    {
        var legs = MatrixRanker.Join([new("a", 4), new("b", 2)], [new("b", 0.5), new("c", 0.25)], [], [new("c", 0.3), new("a", -0.06)]);
        Assert.Equal(["c", "b"], MatrixRanker.Order(legs, new Mixture(16, 0)).Select(l => l.Capability));
        Assert.Equal(["a", "b", "c"], MatrixRanker.Order(legs, new Mixture(0, 0)).Select(l => l.Capability));
        Assert.Equal([1, 3, 0, 0, 0, 0], MatrixRanker.Ranks(legs, "a", withEmbedder: false));
    }

    [Fact]
    public void The_mixture_follows_what_proves_right_and_forgets_old_proof()
    {
        Assert.Equal(32, Fusion.Untried.Best(withEmbedder: false).Learned);
        var fusion = Fusion.Untried;
        for (var i = 0; i < 40; i++)
        {
            fusion = fusion.With([9, 7, 5, 3, 2, 1], good: true);
        }

        Assert.Equal(128, fusion.Best(withEmbedder: false).Learned);
        for (var i = 0; i < 600; i++)
        {
            fusion = fusion.With([1, 2, 2, 2, 3, 4], good: true);
        }

        Assert.Equal(0, fusion.Best(withEmbedder: false).Learned);
        Assert.Equal(fusion.Credits.AsEnumerable(), Fusion.Of(fusion.Credits, fusion.Trials).Credits);
        Assert.Equal(Fusion.Untried, Fusion.Of([1, 2], 0));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Capability Of(string id, string name, string description) => new(id, "tool", name, description, [], "p");

    private static CapabilityIndex Filled(MatrixStore store)
    {
        var index = new CapabilityIndex(store);
        index.Put(Of("p/airQualityForecast", "airQualityForecast", "Get the 2-day outlook for any zip code."), 100);
        index.Put(Of("p/cook", "cook", "A recipe for every soup."), 100);
        index.Put(new Capability("p/skill/negotiate", "skill", "negotiate", "Negotiation of prices.", ["bargaining"], "p"), 100);
        return index;
    }
}
