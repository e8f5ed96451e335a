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
