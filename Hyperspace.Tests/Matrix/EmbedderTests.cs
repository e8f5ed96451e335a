using System.Collections.Concurrent;
using Hyperspace.Actors.Engine;
using Hyperspace.Actors.Matrix;
using Hyperspace.Contracts.Matrix;
using Hyperspace.Libp2p.Keys;

namespace Hyperspace.Tests.Matrix;

/// <summary>An embedder finds what shares no word with the query; without its answers the other legs go on.</summary>
public class EmbedderTests
{
    private static readonly string Provider = KeyPair.FromSeed([.. Enumerable.Repeat((byte)78, 32)]).PeerId.ToString();

    [Theory]
    [InlineData(ModelWire.OpenAI, "v1")]
    [InlineData(ModelWire.Ollama, "")]
    public async Task It_finds_what_shares_no_word_and_when_it_fails_the_other_legs_go_on(ModelWire wire, string path)
    {
        var sent = new ConcurrentBag<string>();
        await using var stub = await StubEmbedder.StartAsync(text =>
        {
            sent.Add(text);
            return text.Contains("umbrella", StringComparison.Ordinal) || text.Contains("wet", StringComparison.Ordinal) ? [0, 2] : [3, 0];
        });
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(5, embedder: new ModelEndpoint(wire, new Uri(stub.Url, path), "stub", null));
        alice.Tell(new MatrixMessages.Offered(Provider, [Tool("umbrella", "Lends them."), Tool("soup", "Cooks them.")], DateTimeOffset.MaxValue));
        var hits = await Eventually.SeenAsync(() => alice.SearchAsync("i am wet"), hits => hits.Count > 0);
        Assert.Equal("umbrella", hits[0].Capability.Name);
        Assert.Contains("embedder", hits[0].Why, StringComparison.Ordinal);
        Assert.Equal("umbrella", (await alice.SearchAsync("i, jane@example.com, am wet"))[0].Capability.Name);
        Assert.DoesNotContain(sent, text => text.Contains('@', StringComparison.Ordinal));
        stub.Fails = true;
        Assert.Empty(await alice.SearchAsync("so very wet today"));
        Assert.Equal("soup", (await alice.SearchAsync("a soup"))[0].Capability.Name);
    }

    [Fact]
    public async Task A_text_that_makes_a_call_fail_keeps_no_other_from_being_embedded()
    {
        await using var stub = await StubEmbedder.StartAsync(text =>
            text.Contains("poison", StringComparison.Ordinal) ? throw new InvalidDataException("The model chokes.")
            : text.Length > ModelEmbedder.MaxText ? throw new InvalidDataException("The text is too long.")
            : text.Contains("umbrella", StringComparison.Ordinal) || text.Contains("wet", StringComparison.Ordinal) ? [0, 2] : [3, 0]);
        var mesh = new MatrixMesh();
        await using var alice = await mesh.JoinAsync(5, embedder: new ModelEndpoint(ModelWire.OpenAI, new Uri(stub.Url, "v1"), "stub", null));
        alice.Tell(new MatrixMessages.Offered(Provider, [Tool("umbrella", new string('x', 3000)), Tool("poison", "Kills them.")], DateTimeOffset.MaxValue));
        var hits = await Eventually.SeenAsync(() => alice.SearchAsync("i am wet"), hits => hits.Count > 0);
        Assert.Equal(["umbrella"], hits.Select(h => h.Capability.Name));
    }

    [Fact]
    public void What_failed_is_asked_for_alone_after_all_others_and_in_turn()
    {
        var turns = new EmbeddingTurns();
        List<string> missing = [.. Enumerable.Range(0, ModelEmbedder.MaxTexts + 1).Select(i => $"{i}")];
        Assert.Equal(missing.Take(ModelEmbedder.MaxTexts), turns.Next(missing));
        turns.Ended([], missing[..ModelEmbedder.MaxTexts]);
        Assert.Equal(TimeSpan.FromSeconds(1), turns.Pause);
        Assert.Equal([missing[^1]], turns.Next(missing));
        turns.Ended([missing[^1]], []);
        missing.RemoveAt(missing.Count - 1);
        Assert.Equal(TimeSpan.Zero, turns.Pause);
        for (var round = 0; round < 2; round++)
        {
            foreach (var one in missing)
            {
                Assert.Equal([one], turns.Next(missing));
                turns.Ended([], [one]);
            }
        }

        Assert.Equal(TimeSpan.FromSeconds(30), turns.Pause);
        turns.Forget("7");
        Assert.Equal(["7"], turns.Next(missing));
    }

    [Fact]
    public void A_vector_goes_with_what_it_was_made_of_also_while_no_embedder_runs()
    {
        using var store = MatrixStore.Open(null, out _);
        var index = new CapabilityIndex(store);
        index.Put(Tool("umbrella", "Lends them."), 100);
        index.Put(Tool("soup", "Cooks them."), 100);
        var leg = new EmbeddingLeg(store, "model");
        foreach (var id in index.Ids.Append("gone/long ago"))
        {
            leg.Put(id, [1]);
        }

        index.Put(Tool("umbrella", "Sells them."), 100);
        Assert.Equal($"{Provider}/soup", Assert.Single(new EmbeddingLeg(store, "model").Rank([1])).Capability);
    }

    [Fact]
    public void Vectors_that_are_none_are_not_taken()
    {
        Assert.Null(EmbeddingLeg.Normalised([]));
        Assert.Null(EmbeddingLeg.Normalised([0, 0]));
        Assert.Null(EmbeddingLeg.Normalised([float.NaN, 1]));
        Assert.Null(EmbeddingLeg.Normalised(new float[ModelEmbedder.MaxDimensions + 1]));
        Assert.Equal([0.6f, 0.8f], EmbeddingLeg.Normalised([3, 4])!);
    }

    private static Capability Tool(string name, string description) => new($"{Provider}/{name}", "tool", name, description, [], Provider);
}
